"""Data of one's own through the commands: checked, searched, rerun when they are gone, exported."""

from __future__ import annotations

import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import models
from analysis.records.reader import read_run
from search.cli import main, make_parser
from search.datasets import Data, find_dataset, load_split
from search.datasets.own import seen
from search.specs import make_run_spec
from search.training.loop import Training
from spaces import Hyperparameters
from tests.search.datasets.own.conftest import arrays  # noqa: F401 - a fixture.
from tests.search.datasets.own.test_idx import write
from tests.search.datasets.own.test_images import draw
from tests.search.datasets.own.test_torchvision import NAMES, write_as_python_2

ROOT = Path(__file__).resolve().parents[3]
TRAINED = ["--epochs", "2", "--seeds", "1"]
KINDS = ["npz", "images", "idx", "torchvision", "cifar"]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setattr(seen, "SETTLED", -1.0)  # Else each test waits for its files to settle.
    monkeypatch.chdir(tmp_path)
    return tmp_path / "cache"


def make(kind: str, folder: Path, arrays: dict[str, Any]) -> list[str]:  # noqa: F811
    """Small data of a kind; the words that name them."""
    if kind == "npz":
        np.savez(folder / "mine.npz", **arrays)
        return ["mine.npz"]
    if kind == "images":
        for name in ("cat", "dog"):
            draw(folder / "mine" / name, 10, (9, 8, 3))
        return ["images:mine", "--test-fraction", "0.3", "--resize", "12x10"]
    if kind == "idx":
        write(folder / "mine", arrays, "{}.gz", x_train="train-images.idx3-ubyte")
        return ["idx:mine"]
    if kind == "torchvision":
        write(folder / "mine" / "KMNIST" / "raw", arrays)
        return ["torchvision:mine"]
    (folder / "cifar-10-batches-py").mkdir()
    for name in NAMES:
        images = np.random.default_rng(len(name)).integers(0, 256, (6, 3072), np.uint8)
        (folder / "cifar-10-batches-py" / name).write_bytes(write_as_python_2(images, [0, 1, 2] * 2))
    return ["torchvision:cifar-10-batches-py"]


def test_the_data_are_checked_and_listed(cache: Path, arrays: Any, capsys: Any) -> None:  # noqa: F811
    words = make("images", cache.parent, arrays)
    assert main(["data", *words]) == 0
    known = find_dataset(f"images,test-fraction=0.3,resize=12x10:{cache.parent}/mine")
    shown = capsys.readouterr().out
    assert shown.startswith("images-mine: 14 + 6 images of 2 classes, 12x10 colour, from images,resize=12x10,test-frac")
    assert shown.endswith(f"; mean {known.mean}, std {known.std}; hash {known.data_hash}\n")
    assert main(["data"]) == 0
    assert capsys.readouterr().out.splitlines()[-1].startswith(f"read before: {known.data_hash}  14 + 6 images of 2")
    assert main(["data", *words, "--from", "x"]) == 2
    assert "data of your own are read where they lie" in capsys.readouterr().err
    assert main(["data", "digits", "--resize", "3"]) == 2
    assert "resize: only images:FOLDER takes it" in capsys.readouterr().err


@pytest.mark.parametrize("kind", KINDS)
def test_a_run_keeps_where_its_data_were(cache: Path, arrays: Any, kind: str) -> None:  # noqa: F811
    words = make(kind, cache.parent, arrays)
    args = make_parser().parse_args(["sweep", "--out", "run", "--dataset", *words, "--split-seed", "4"])
    spec = make_run_spec(args, tuple(models.ARCHITECTURES), None, None)
    options = ",resize=12x10,test-fraction=0.3,split-seed=4" if kind == "images" else ""
    name = words[0].rpartition(":")[2]
    assert spec.data_source == f"{kind.replace('cifar', 'torchvision')}{options}:{cache.parent}/{name}"
    assert find_dataset(spec.dataset, spec.data_hash, spec.data_source).classes == spec.classes
    assert (spec.batch_size, spec.max_epochs, spec.recipe) == (16, 20, None)


def test_arrays_from_python_take_the_place_of_a_name(cache: Path, arrays: Any) -> None:  # noqa: F811
    args = make_parser().parse_args(["sweep", "--out", "run"])
    args.dataset = Data(**arrays)
    spec = make_run_spec(args, ("conv",), None, None)
    assert (spec.dataset, spec.data_source) == ("data-mine", "invsearch.Data(.., name='mine')")


@pytest.mark.parametrize("name", ["new\nline \x1b[31mred", "not UTF-8 \udcff", "-dash", "~x", "a:b,c=d"])
def test_odd_names(cache: Path, arrays: Any, name: str, capsys: Any) -> None:  # noqa: F811
    (cache.parent / name).mkdir()
    np.savez(f"./{name}/{name}.npz", **arrays)
    assert main(["data", "--", f"./{name}/{name}.npz"]) == 0
    shown = capsys.readouterr()
    assert (shown.out + shown.err).replace("\n", "").isprintable()
    assert len(shown.out.splitlines()) == len(shown.err.splitlines()) == 1


@pytest.mark.parametrize("kind", ["npz", "images"])
@pytest.mark.parametrize("name", models.ARCHITECTURES)
def test_every_network_of_table_1_4_trains_on_images_that_are_no_squares(
    cache: Path,
    arrays: Any,  # noqa: F811
    name: str,
    kind: str,
) -> None:
    args = make_parser().parse_args(["sweep", "--out", "run", "--dataset", *make(kind, cache.parent, arrays)])
    spec = make_run_spec(args, (name,), None, None)
    known = find_dataset(spec.dataset, spec.data_hash, spec.data_source)
    trial = spec.sweep_trial(name, Hyperparameters(lr=0.01, momentum=0.5, weight_decay=0.0, gain=1.0))
    assert not Training(trial, load_split(known, "sweep", 0)).run_epoch().diverged


def test_networks_of_other_sizes_are_refused(cache: Path, arrays: Any, capsys: Any) -> None:  # noqa: F811
    words = make("npz", cache.parent, arrays)
    assert main(["sweep", "--architectures", "ref", "--dataset", *words, "--out", "run"]) == 2
    assert "made for images of 32 x 32 or 64 x 64 pixels, not 9 x 8" in capsys.readouterr().err


@pytest.fixture(scope="module")
def one_ray() -> Iterator[None]:
    """For all tests that train here: what a run reads does not depend on who has started Ray."""
    import ray

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(ROOT))
        ray.init("local", num_cpus=1, include_dashboard=False, logging_level=logging.ERROR, log_to_driver=False)
        yield
        ray.shutdown()


@pytest.mark.slow
@pytest.mark.usefixtures("one_ray")
@pytest.mark.parametrize("kind", KINDS)
def test_two_epochs(cache: Path, arrays: Any, kind: str) -> None:  # noqa: F811
    words = ["train", "conv", "--dataset", *make(kind, cache.parent, arrays), *TRAINED, "--out", "run"]
    assert main(words) == 0
    trials: Any = read_run(cache.parent / "run").trials
    assert trials["status"].tolist() == ["completed"]
    assert trials["epoch"].tolist() == [2]
    assert trials["test_accuracy"].notna().all()


@pytest.mark.slow
@pytest.mark.usefixtures("one_ray")
def test_a_run_outlives_its_data(cache: Path, arrays: Any, capsys: Any) -> None:  # noqa: F811
    """The sweep reads the file; the rerun finds the data by hash, the export again at their place."""
    file = cache.parent / make("npz", cache.parent, arrays)[0]
    sweep = [
        "sweep",
        "--dataset",
        "mine.npz",
        "--architectures",
        "conv",
        "--samples",
        "2",
        "--epochs",
        "1",
        "--out",
        "run",
    ]
    assert main(sweep) == 0
    moved = file.rename(file.with_suffix(".away"))
    assert main(["rerun", "run", "--seeds", "1", "--epochs", "1"]) == 0
    (cache / "own").rename(cache / "gone")
    capsys.readouterr()
    export = ["best", "run", "--architecture", "conv", "--export"]
    assert main([*export, "nowhere"]) == 2
    assert "is no longer in" in capsys.readouterr().err
    moved.rename(file)
    assert main([*export, "exported"]) == 0
    config = json.loads((cache.parent / "exported" / "config.json").read_text())
    known = find_dataset("mine.npz")
    assert (config["data_source"], config["data_hash"]) == (f"npz:{file}", known.data_hash)
    assert config["normalisation"] == {"mean": known.mean, "std": known.std} | {
        "formula": "(grey level / 255 - mean) / std"
    }
    done = subprocess.run([sys.executable, "exported/load.py"], capture_output=True, text=True, cwd=cache.parent)
    assert done.returncode == 0, done.stderr
    judged, recorded = done.stdout.splitlines()[-2:]
    assert judged.startswith("accuracy on 12 test images")
    assert judged.split()[-2:] == recorded.split()[-2:]
    arrays["y_train"][:3] = 2
    np.savez(file, **arrays)
    assert main(sweep) == 2
    assert "the run folder holds another run: data-hash is" in capsys.readouterr().err
