"""``invsearch reproduce``: what it refuses, and how the tables that search nothing are trained."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from search.cli import main, make_parser
from search.commands.reproduce import prepare
from search.datasets.own import Data
from search.storage.json_files import write_json
from search.training.loop import Epoch
from tests.search.datasets.own.test_images import draw
from tests.search.datasets.test_folder import make

SEARCHING_NOTHING = "Table 1.6 searches nothing"


@pytest.fixture
def images(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A data set of 40 colour images."""
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "data"))
    make(tmp_path / "data" / "tiny", counts=(30,), tested=10)
    return "folder-tiny"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["1.6", "--rows", "invX"], ["invX", "ref"]),
        (["1.6", "--rows", "invC-B-w16"], ["'invC-B-w16' is a network; give --rows invC --mixings B --width 16"]),
        (["1.6", "--rows", "invC+invB"], ["'invC+invB' is not how", "write invB+invC"]),
        (["1.6", "--rows", ","], ["rows", "ref", "invAll"]),
        (["1.6", "--rows", "scatnetA"], ["scatnetA", "ref"]),
        (["1.6", "--mixings", "D"], ["D", "A, B, C"]),
        (["1.6", "--rows", "ref", "--mixings", "B"], ["mixings: ref of Table 1.6 have none"]),
        (["1.7", "--mixings", "B"], ["mixings: scatnetA, scatnetB, scatnetC, scatnetD of Table 1.7 have none"]),
        (["1.6", "--width", "0"], ["width: 0", "1 to 256"]),
        (["1.6", "--width", "257"], ["width: 257", "1 to 256"]),
        (["1.6", "--search", "tpe"], ["search", SEARCHING_NOTHING, "leave --search out"]),
        (["1.6", "--scheduler", "none"], ["scheduler", SEARCHING_NOTHING]),
        (["1.6", "--reduction-factor", "9"], ["reduction-factor", SEARCHING_NOTHING]),
        (["1.6", "--samples", "9"], ["samples", SEARCHING_NOTHING]),
        (["1.6", "--split-seed", "9"], ["split-seed", SEARCHING_NOTHING]),
        (["1.3", "--rows", "ref"], ["rows: Table 1.3 has fixed rows"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_options_that_it_has_no_use_for(
    images: str, arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "run"
    assert main(["reproduce", *arguments, "--dataset", images, "--out", str(out)]) == 2
    message = capsys.readouterr().err
    assert message.count("\n") == 1
    assert all(word in message for word in words), message
    assert not out.exists()


def test_a_table_without_a_search_takes_arrays_of_python(images: str, tmp_path: Path) -> None:
    args = make_parser().parse_args(["reproduce", "1.6", "--rows", "ref", "--out", str(tmp_path / "run")])
    pixels, labels = np.arange(4 * 3072, dtype=np.uint8).reshape(4, 32, 32, 3), np.array([0, 1, 0, 1])
    args.dataset = Data(pixels, labels, pixels, labels)
    assert prepare(args).spec.architectures == ("ref",)


@pytest.mark.parametrize("given", [["--test-fraction", "0.5", "--dataset", "images:{}"], ["--dataset", "{}"]])
def test_a_split_seed_chooses_the_test_images_of_a_table_without_a_search(
    given: list[str], images: str, tmp_path: Path
) -> None:
    for name in ("cat", "dog"):
        draw(tmp_path / "pets" / name, 10, (32, 32, 3))
    where = str(tmp_path / "pets") if len(given) == 4 else f"images,test-fraction=0.5:{tmp_path / 'pets'}"
    asked = [
        "reproduce",
        "1.6",
        "--rows",
        "ref",
        *(word.format(where) for word in given),
        "--out",
        str(tmp_path / "run"),
    ]
    hashes = [prepare(make_parser().parse_args([*asked, "--split-seed", seed])).spec.data_hash for seed in "334"]
    assert hashes[0] == hashes[1] != hashes[2]


@pytest.mark.parametrize(
    ("options", "scheduler"),
    [
        ([], "halving"),
        (["--search", "tpe"], "asha"),
        (["--scheduler", "asha"], "asha"),
        (["--scheduler", "none"], "none"),
    ],
)
def test_its_search_repeats_unless_it_is_told_otherwise(tmp_path: Path, options: list[str], scheduler: str) -> None:
    args = make_parser().parse_args(["reproduce", "1.3", "--out", str(tmp_path / "run"), *options])
    assert prepare(args).spec.scheduler == scheduler


def test_a_run_that_was_begun_without_a_race_goes_on_without_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = ["reproduce", "1.3", "--out", str(tmp_path)]
    spec = prepare(make_parser().parse_args([*line, "--choice", "single"])).spec
    write_json(tmp_path / "spec.json", spec.as_dict())
    (tmp_path / "trials" / "begun").mkdir(parents=True)
    write_json(tmp_path / "trials" / "begun" / "record.json", {})
    assert prepare(make_parser().parse_args(line)).spec == spec
    assert "has no race of finalists and goes on without one; --choice race adds it" in capsys.readouterr().err
    raced = prepare(make_parser().parse_args([*line, "--choice", "race"])).spec
    assert (raced.finalists, raced.choice_seeds) == (12, 8)
    write_json(tmp_path / "spec.json", raced.as_dict())
    assert prepare(make_parser().parse_args(line)).spec == raced


def test_deep_tables_name_the_data_that_they_need(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "1.6", "--out", str(tmp_path / "run")]) == 2
    message = capsys.readouterr().err
    assert "dataset: Table 1.6 needs colour images of 32 x 32 or 64 x 64 pixels" in message
    assert "cifar10, cifar100, tiny-imagenet or folder-NAME" in message


def test_a_dry_run_measures_one_step_where_steps_take_long_and_runs_nothing(
    images: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from search.planning import dry_run

    measured: list[int] = []

    class Timed(dry_run.Training):
        def run_epoch(self) -> Epoch:
            measured.append(1)
            return super().run_epoch()

    monkeypatch.setattr(dry_run, "Training", Timed)
    monkeypatch.setattr(dry_run, "LONG_ENOUGH", 0.0)  # As for a network whose one step takes long.
    monkeypatch.setattr(dry_run, "ALLOCATIONS_COUNT", 0.0)
    asked = ["--rows", "ref,invC", "--mixings", "A", "--width", "1", "--batch-size", "4", "--epochs", "3"]
    assert main(["reproduce", "1.6", "--dataset", images, *asked, "--dry-run", "--out", str(tmp_path / "run")]) == 0
    assert len(measured) == 3  # One step of each network, after one that pays for the start.
    shown = capsys.readouterr().out
    assert "ref-w1: 5 reruns x 3 epochs" in shown
    assert "invC-w1: 5 reruns x 3 epochs" in shown
    assert not (tmp_path / "run").exists()
