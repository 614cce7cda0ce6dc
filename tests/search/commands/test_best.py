"""The best of each architecture, and its network as a folder that others can load."""

from __future__ import annotations

import errno
import json
import math
import os
import runpy
import shutil
import statistics
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file

from analysis.best import Best
from analysis.stats.samples import summarize
from search.cli import main
from search.datasets import find_dataset
from search.export import folder as writer
from search.export import place
from search.export.readme import _format_accuracy
from search.storage import checkpoint
from search.storage.run_folder import RunFolder
from spaces.files.sealed import read_sealed, seal
from spaces.specs.run import RunSpec
from tests.search.commands.conftest import BEST, EPOCHS, train
from tests.search.datasets.test_folder import make

ROOT = Path(__file__).resolve().parents[3]
FILES = {"weights.safetensors", "config.json", "load.py", "README.md"}


def records(run: Path, architecture: str, phase: str) -> list[dict[str, Any]]:
    """Straight from the files."""
    found = [read_sealed(path) for path in (run / "trials").glob(f"{architecture}-*/record.json")]
    return [record for record in found if record is not None and record["trial"]["phase"] == phase]


def best_rerun(run: Path, architecture: str) -> tuple[str, list[float]]:
    """The trial id of the highest test accuracy, and all accuracies."""
    scored = [(record["rows"][-1]["test_accuracy"], record) for record in records(run, architecture, "rerun")]
    return max(scored, key=lambda pair: pair[0])[1]["trial"]["trial_id"], [accuracy for accuracy, _ in scored]


def snapshot(run: Path) -> dict[str, tuple[int, bytes]]:
    paths = [path for path in run.rglob("*") if path.is_file()]
    return {str(path): (path.stat().st_mtime_ns, path.read_bytes()) for path in paths}


def test_table(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["best", str(small.path)]) == 0
    lines = capsys.readouterr().out.splitlines()
    for name in ("conv", "invariant"):
        (row,) = [line for line in lines if line.split()[0] == name]
        trial, accuracies = best_rerun(small.path, name)
        swept = max(record["rows"][-1]["val_accuracy"] for record in records(small.path, name, "sweep"))
        percent = [100 * accuracy for accuracy in accuracies]
        expected = [statistics.fmean(percent), statistics.stdev(percent)]
        mean, std = (f"{value:.2f}" for value in expected)
        assert row.split()[-7:] == [mean, "%", std, "2", trial, f"{max(percent):.2f}", "%"]
        assert f"{100 * swept:.2f}" in row
        assert "{0.05, 0.5, 1e-4, 1.0}" in row


def test_one_architecture(small: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["best", str(small.path), "--architecture", "invariant"]) == 0
    _, only = capsys.readouterr().out.splitlines()
    assert only.split()[0] == "invariant"


@pytest.mark.parametrize(("name", "source"), [("conv", "checkpoint"), ("invariant", "trained again")])
def test_export(small: Any, name: str, source: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    before, out = snapshot(small.path), tmp_path / "deep" / "out"
    assert main(["best", str(small.path), "--architecture", name, "--export", str(out)]) == 0
    assert snapshot(small.path) == before
    captured = capsys.readouterr()
    assert ("weights from its checkpoint" if source == "checkpoint" else "exactly as recorded") in captured.err
    assert "the best of 2 reruns by test accuracy" in captured.out
    assert {path.name for path in out.iterdir()} == FILES
    assert [path.name for path in out.parent.iterdir()] == ["out"]

    trial, accuracies = best_rerun(small.path, name)
    config = json.loads((out / "config.json").read_text())
    assert (config["trial_id"], config["architecture"], config["weights"]["from"]) == (trial, name, source)
    assert config["theta"] == {"lr": 0.05, "momentum": 0.5, "weight_decay": 1e-4, "gain": 1.0}
    assert config["accuracy"]["fraction"] == max(accuracies)
    assert config["accuracy"]["reruns"]["mean_percent"] == pytest.approx(100 * statistics.fmean(accuracies))
    assert (config["input_shape"], config["classes"], config["dataset"]) == ([1, 28, 28], 10, "digits")
    assert config["data_hash"] == small.spec.data_hash
    readme = " ".join((out / "README.md").read_text().split())
    assert "optimistic" in readme
    assert f"mean over seeds: **{100 * statistics.fmean(accuracies):.2f} %** (n = 2" in readme
    if source == "checkpoint":
        kept = checkpoint.load(small.path / "trials" / trial / "checkpoint-1.safetensors")[0]["network"]
        exported = load_file(out / "weights.safetensors")
        assert kept.keys() == exported.keys()
        assert all(torch.equal(kept[key], exported[key]) for key in kept)

    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "load.py"], cwd=out, env=environment, capture_output=True, text=True, check=True
    )
    # torch judges what the native engine may have trained: an image on the edge may fall to the other side.
    judged = float(done.stdout.split("test images: ")[1].split(" %")[0])
    assert judged == pytest.approx(100 * max(accuracies), abs=100 / 450 + 0.01)
    assert f"on record: {100 * max(accuracies):.2f} %" in done.stdout


def load_in_vain(folder: Path, capsys: pytest.CaptureFixture[str]) -> str:
    """What a folder's load.py says that cannot do its work; in this process, as a start takes seconds."""
    capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        runpy.run_path(str(folder / "load.py"), run_name="__main__")
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    return line


def test_a_network_on_colour_images_is_exported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "data"))
    make(tmp_path / "data" / "own", counts=(30,), tested=10)
    data = find_dataset("folder-own")
    spec = RunSpec(
        data.name,
        data.data_hash,
        8,
        0,
        0,
        ("invC-B-w1",),
        thetas={"invC-B-w1": BEST.as_dict()},
        rerun_seeds=1,
        rerun_epochs=EPOCHS,
        recipe=data.recipe,
    )
    run, out = RunFolder(tmp_path / "run"), tmp_path / "out"
    with run.driven(spec):
        train(run, spec.list_rerun_trials("invC-B-w1", BEST)[0], "torch", keep=True)
    assert main(["best", str(run.path), "--export", str(out)]) == 0, capsys.readouterr().err
    (record,) = records(run.path, "invC-B-w1", "rerun")
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "load.py"], cwd=out, env=environment, capture_output=True, text=True, check=True
    )
    fraction = record["rows"][-1]["test_accuracy"]
    assert f"accuracy on 10 test images: {100 * fraction:.2f} %" in done.stdout
    assert done.stdout.startswith("invC (shifted-impulse), C = 1: invC-B-w1-")
    assert "the only rerun" in capsys.readouterr().out
    readme = (out / "README.md").read_text()  # Of one rerun nothing was chosen, and one seed is no mean.
    assert "the only rerun: nothing was chosen" in readme
    assert not [word for word in ("optimistic", "best of", "The number to quote") if word in readme]

    (tmp_path / "empty").mkdir()
    make(tmp_path / "others" / "own", counts=(20,), tested=10)
    for where, words in (
        ("empty", "folder-own: no folder "),
        ("others", "the data are"),
        ("out/README.md", "folder-own"),
    ):
        monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / where))
        line = load_in_vain(out, capsys)
        assert line.startswith("load.py: ")
        assert words in line

    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "data"))
    config, weights = (out / "config.json").read_text(), (out / "weights.safetensors").read_bytes()
    for file, damaged, words in (
        ("config.json", config[:50].encode(), "damaged or do not belong together (Unterminated"),
        ("config.json", config.replace('"input_shape"', '"shape"').encode(), "together ('input_shape')"),
        ("config.json", config.replace('"invC-B-w1"', '"ref-w1"').encode(), "together (Error(s) in loading state_dict"),
        ("weights.safetensors", weights[:100], "together ("),
        ("weights.safetensors", b"", "together ("),
    ):
        (out / "config.json").write_text(config)
        (out / "weights.safetensors").write_bytes(weights)
        (out / file).write_bytes(damaged)
        line = load_in_vain(out, capsys)
        assert line.startswith("load.py: config.json and weights.safetensors are damaged")
        assert words in line


def test_where_nothing_was_rerun_the_incumbent_is_exported(
    swept: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out"
    out.mkdir()  # An empty folder is free.
    assert main(["best", str(swept.path), "--export", str(out)]) == 0
    best = max(records(swept.path, "conv", "sweep"), key=lambda record: record["rows"][-1]["val_accuracy"])
    config = json.loads((out / "config.json").read_text())
    assert (config["trial_id"], config["accuracy"]["judged_on"]) == (best["trial"]["trial_id"], "held-out training")
    assert config["made_by"]["engine"] == "torch"
    assert "no rerun has finished" in capsys.readouterr().out
    assert "No rerun has finished" in (out / "README.md").read_text()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--export", "NEW"], ["has several", "--architecture", "conv, invariant"]),
        (["--architecture", "dct", "--export", "NEW"], ["dct", "conv", "invariant"]),
        (["--architecture", "conv", "--export", "FULL"], ["not empty"]),
        (["--architecture", "conv", "--export", "FILE"], ["not a folder"]),
        (["--architecture", "conv", "--export", "RUN/exported"], ["lies in the run folder"]),
    ],
    ids=lambda value: " ".join(value),
)
def test_exports_that_are_refused(
    small: Any, arguments: list[str], words: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "full").mkdir()
    (tmp_path / "full" / "x").touch()
    (tmp_path / "file").touch()
    places = {"NEW": "new", "FULL": "full", "FILE": "file"}
    given = [str(tmp_path / places[part]) if part in places else part for part in arguments]
    given = [part.replace("RUN", str(small.path)) for part in given]
    assert main(["best", str(small.path), *given]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert all(word in error for word in words)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file", "full"]


@pytest.fixture
def other(small: Any, tmp_path: Path) -> tuple[Path, str]:
    """A run whose record of invariant's best rerun says another loss than a training gives."""
    run = tmp_path / "run"
    shutil.copytree(small.path, run)
    trial, _ = best_rerun(run, "invariant")
    path = run / "trials" / trial / "record.json"
    record = read_sealed(path)
    assert record is not None
    record["rows"][0]["test_loss"] += 1e-9
    path.write_bytes(seal(record))
    return run, trial


def test_a_training_that_comes_out_differently_is_not_passed_off(
    other: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, trial = other
    arguments = ["best", str(run), "--architecture", "invariant", "--export", str(tmp_path / "out")]
    assert main(arguments) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    for word in (trial, "came out differently (epoch 1: test_loss", "--accept-changes", "host "):
        assert word in error
    assert not (tmp_path / "out").exists()
    assert main([*arguments, "--accept-changes"]) == 0
    assert (
        "epoch 1: test_loss"
        in json.loads((tmp_path / "out" / "config.json").read_text())["weights"]["differs_from_record"]
    )
    assert "differently from the record" in (tmp_path / "out" / "README.md").read_text()


def test_a_trial_of_a_pack_is_not_passed_off_as_trained_alone(
    other: tuple[Path, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, trial = other
    path = run / "trials" / trial / "record.json"
    record = read_sealed(path)
    assert record is not None
    record["makers"][0]["engine"] = "pack"
    path.write_bytes(seal(record))
    arguments = ["best", str(run), "--architecture", "invariant", "--export", str(tmp_path / "out")]
    assert main(arguments) == 2
    assert f"trial {trial}: it was trained in a pack" in capsys.readouterr().err.splitlines()[-1]
    assert main([*arguments, "--accept-changes"]) == 0


def test_a_damaged_checkpoint_is_not_used(small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    shutil.copytree(small.path, run)
    path = run / "trials" / best_rerun(run, "conv")[0] / "checkpoint-1.safetensors"
    content = bytearray(path.read_bytes())
    content[-5] ^= 1
    path.write_bytes(content)
    assert main(["best", str(run), "--architecture", "conv", "--export", str(tmp_path / "out")]) == 0
    assert "its checkpoint cannot be used" in capsys.readouterr().err
    exported = load_file(tmp_path / "out" / "weights.safetensors")
    sound = small.path / "trials" / path.parent.name / path.name
    kept = checkpoint.load(sound)[0]["network"]
    assert all(torch.equal(kept[key], exported[key]) for key in kept)  # Training again gives the same bits.


def test_a_full_disk_leaves_nothing_behind(
    small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: Path, write: Any) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), str(path))

    monkeypatch.setattr(place, "write_atomically", full)
    assert main(["best", str(small.path), "--architecture", "conv", "--export", str(tmp_path / "out")]) == 2
    assert "No space left on device" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_what_is_left_of_lost_reruns_is_not_to_be_quoted() -> None:
    """Three of ten failed, and nine of ten: the one that is left is not the only rerun."""
    for finished, lost in ((7, 3), (1, 9)):
        best = Best("conv", "c", BEST, None, math.nan, summarize([97.0] * finished), 10, finished, lost, "conv-1", 0.97)
        chosen = writer.describe_choice(best)
        assert "that neither diverged nor failed" in chosen
        reruns = {"n": finished, "lost": lost, "mean_percent": 97.0, "std_percent": 0.0}
        text = _format_accuracy({"reruns": reruns, "judged_on": "test", "fraction": 0.97, "chosen_as": chosen})
        assert f"{lost} other reruns failed" in text
        assert "number to quote is" not in text


def test_a_run_without_a_finished_trial(small: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copy(small.path / "spec.json", tmp_path / "spec.json")
    assert main(["best", str(tmp_path)]) == 0
    assert "conv: no trial has been trained to the end yet" in capsys.readouterr().out
    arguments = ["best", str(tmp_path), "--architecture", "conv", "--export", str(tmp_path.with_name("out"))]
    assert main(arguments) == 2
    assert "nothing to export" in capsys.readouterr().err


def test_it_fits_a_terminal(small: Any, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr("search.streams.find_width", lambda: 80)
    for command in ("best", "status"):
        assert main([command, str(small.path)]) == 0
        shown = capsys.readouterr().out.replace(str(small.path), "RUN")
        assert max(map(len, shown.splitlines())) <= 80
        assert "invariant" in shown
        assert " %" in shown
