"""A small whole grid, written by hand, as a tabular benchmark: read back with pandas and NumPy alone."""

import io
import json
import math
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from analysis.records.reader import read_run
from analysis.tabular.collect import collect
from analysis.tabular.configspace import describe_space
from analysis.tabular.files import make_files
from search.cli import main
from spaces import Hyperparameters, UserError, make_space
from tests.analysis.conftest import RunFolder

SPACE = {
    "name": "small",
    "lr": {"choice": [1.0, 0.01, 0.1]},
    "momentum": {"choice": [0.0, 0.9]},
    "weight_decay": {"choice": [1e-5]},
    "gain": {"choice": [0.5, 1.0]},
}
EPOCHS = 4
Curve = list[float | None]


def draw_curves() -> dict[tuple[str, Hyperparameters], Curve]:
    """Random curves; one of conv diverges in its second epoch."""
    random, found = np.random.default_rng(3), dict[tuple[str, Hyperparameters], Curve]()
    for name in ("conv", "invariant"):
        for theta in make_space(SPACE, "space").walk(0):
            found[name, theta] = random.uniform(0.1, 0.9, size=EPOCHS).tolist()
    first = next(iter(found))
    found[first] = [found[first][0], None]
    return found


@pytest.fixture
def curves() -> dict[tuple[str, Hyperparameters], Curve]:
    return draw_curves()


@pytest.fixture
def whole(make_folder: Any, curves: dict[tuple[str, Hyperparameters], Curve]) -> RunFolder:
    folder: RunFolder = make_folder("whole")
    folder.spec.update(space=SPACE, samples=12, scheduler="none", rerun_seeds=None, rerun_epochs=None)
    for (name, theta), curve in curves.items():
        ends = ("completed", "running") if len(curve) == EPOCHS else ("diverged", "diverged")
        folder.sweep(name, curve, ends[0], theta=theta, status=ends[1])
    folder.shuffle(1)
    return folder


def export(run: RunFolder, out: Path, *more: str) -> int:
    return main(["export", "benchmark", str(run.write()), "--out", str(out), *more])


def test_every_number_of_the_records_is_in_the_files(whole: RunFolder, curves: Any, tmp_path: Path) -> None:
    """Against the records as JSON, which is how they were written."""
    assert export(whole, tmp_path / "out") == 0
    names = json.loads((tmp_path / "out" / "metadata.json").read_text())
    points = pd.read_parquet(tmp_path / "out" / "hyperparameters.parquet")
    table = np.load(tmp_path / "out" / "objectives_evaluations.npy")
    trials = pd.read_parquet(tmp_path / "out" / "trials.parquet").set_index("trial_id")
    assert table.shape == (2, 12, 1, EPOCHS, 4)
    assert table.dtype == np.float64
    assert np.load(tmp_path / "out" / "fidelities_values.npy").tolist() == [1, 2, 3, 4]
    assert names["task_names"] == ["conv", "invariant"]
    assert names["status"] == {"conv": {"completed": 11, "diverged": 1}, "invariant": {"completed": 12}}
    seen = 0
    for path in (whole.path / "trials").glob("*/record.json"):
        record = json.loads(path.read_text())
        theta, task = record["trial"], record["trial"]["architecture"]
        row = points.index[(points == {name: theta[name] for name in points}).all(axis=1)].item()
        values = dict(
            zip(names["objectives_names"], table[names["task_names"].index(task), row, 0].T.tolist(), strict=True)
        )
        for epoch in record["rows"]:
            for name in ("val_accuracy", "val_loss", "train_loss"):
                found = values[name][epoch["epoch"] - 1]
                assert math.isnan(found) if epoch[name] is None else found == epoch[name]
                seen += 1
        took = np.cumsum([epoch["seconds"] for epoch in record["rows"]]).tolist()
        assert values["elapsed_time"] == took + took[-1:] * (EPOCHS - len(took))
        about = trials.loc[theta["trial_id"]]
        assert (about["task"], about["epochs"], about["seconds"]) == (task, len(took), took[-1])
        assert about["status"] == ("diverged" if len(took) < EPOCHS else "completed")
        assert about["engine"] == "native 1 avx2"
        data = pd.read_parquet(tmp_path / "out" / f"data-{task}.parquet").query("trial_id == @theta['trial_id']")
        assert data["epoch"].tolist() == [epoch["epoch"] for epoch in record["rows"]]
        assert (data[[*points]] == points.loc[row]).all(axis=None)
        assert data["seconds"].tolist() == [epoch["seconds"] for epoch in record["rows"]]
    assert seen == 3 * (23 * EPOCHS + 2)


def test_the_reader_of_the_readme_finds_the_best(
    whole: RunFolder, curves: dict[tuple[str, Hyperparameters], Curve], tmp_path: Path
) -> None:
    assert export(whole, tmp_path / "out") == 0
    [reader, other] = re.findall(r"```python\n(.*?)```", (tmp_path / "out" / "README.md").read_text(), re.DOTALL)
    assert len(reader.splitlines()) == 10
    assert "syne_tune" in other
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", reader], cwd=tmp_path / "out", capture_output=True, text=True, check=True
    )
    ends = {key: curve[-1] or 0.0 for key, curve in curves.items()}
    for line, name in zip(done.stdout.splitlines(), ("conv", "invariant"), strict=True):
        theta = max((one for task, one in ends if task == name), key=lambda one: ends[name, one])
        assert line.startswith(f"{name}: {ends[name, theta]:.4f} at {theta.as_dict()}; all took 0.0")


def test_what_a_scheduler_stopped_is_refused_or_marked(
    whole: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    number = next(place for place, one in enumerate(whole.trials) if one[0].architecture == "invariant")
    _, record, outcome = whole.trials[number]
    assert outcome is not None
    record["rows"] = record["rows"][:2]
    outcome.update(status="stopped", epoch=2)
    whole.trials.pop(next(place for place, one in enumerate(whole.trials) if one[0].architecture == "conv"))
    assert export(whole, tmp_path / "out") == 2
    said = capsys.readouterr().err
    assert "conv: of 12 trials 1 not begun; invariant: of 12 trials 1 stopped early; give a finished run of" in said
    assert not (tmp_path / "out").exists()
    assert export(whole, tmp_path / "out", "--partial") == 0
    said = capsys.readouterr().out
    assert "lacks: invariant: of 12 trials 1 stopped early" in said
    names = json.loads((tmp_path / "out" / "metadata.json").read_text())
    assert len(names["lacks"]) == 2
    trials = pd.read_parquet(tmp_path / "out" / "trials.parquet")
    assert sorted(trials["status"].unique()) == ["completed", "diverged", "missing", "stopped"]
    row = int(trials.index[trials["trial_id"] == record["trial"]["trial_id"]][0]) - 12
    values = np.load(tmp_path / "out" / "objectives_evaluations.npy")[1, row, 0]
    assert np.isfinite(values[:2]).all()
    assert np.isnan(values[2:]).all()
    assert "Not every trial was trained to the end" in (tmp_path / "out" / "README.md").read_text()
    assert export(whole, tmp_path / "one", "--architectures", "nets") == 2
    assert "architecture" in capsys.readouterr().err


def test_what_is_no_table_is_refused_in_one_line(whole: RunFolder, folder: RunFolder, tmp_path: Path) -> None:
    run = read_run(whole.write())
    with pytest.raises(UserError, match="architecture: 'nets'"):
        collect(run, ("nets",))
    run.spec["search"], run.spec["scheduler"] = "tpe", "none"
    with pytest.raises(UserError, match="the configurations of a tpe search are a selection"):
        collect(run)
    folder.spec["samples"] = None
    with pytest.raises(UserError, match="nothing was searched"):
        collect(read_run(folder.write()))


def test_the_place_must_be_free(whole: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "file").touch()
    assert export(whole, tmp_path / "out") == 2
    assert "out: " in (said := capsys.readouterr().err)
    assert "is not empty; give a new or empty folder" in said
    assert export(whole, whole.path / "inside") == 2
    assert "lies in the run folder" in capsys.readouterr().err


def test_the_same_run_makes_the_same_files(whole: RunFolder) -> None:
    run = read_run(whole.write())
    assert make_files(collect(run)) == make_files(collect(run))
    only = make_files(collect(run, ("invariant",)))
    assert np.load(io.BytesIO(only["objectives_evaluations.npy"])).shape == (1, 12, 1, EPOCHS, 4)
    assert "data-conv.parquet" not in only


def test_domains_are_those_of_syne_tune() -> None:
    """As its own ``config_space_to_json_dict`` writes ordinal(.., kind="nn-log"), choice(..) and randint(..)."""
    space = {
        "name": "all",
        "lr": {"choice": [1.0, 0.1]},
        "momentum": {"choice": [0.9]},
        "weight_decay": {"choice": [0.0, 1e-3]},
        "activation": {"choice": ["relu", "gelu"]},
        "width": {"randint": [1, 8]},
        "flag": {"choice": [True, False]},
    }
    uniform = {"sampler_cls": "Uniform", "sampler_kwargs": {}}

    def categorical(*values: object) -> dict[str, object]:
        return {"domain_cls": "Categorical", "domain_kwargs": {"categories": [*values]}, **uniform}

    def ordinal(log: bool, *values: float) -> dict[str, object]:
        return {
            "domain_cls": "OrdinalNearestNeighbor",
            "domain_kwargs": {"categories": [*values], "log_scale": log},
        }

    assert describe_space(make_space(space, "space")) == {
        "lr": ordinal(True, 0.1, 1.0),
        "momentum": categorical(0.9),
        "weight_decay": ordinal(False, 0.0, 1e-3),
        "activation": categorical("relu", "gelu"),
        "flag": categorical(True, False),
        "width": {"domain_cls": "Integer", "domain_kwargs": {"lower": 1, "upper": 8}, **uniform},
    }
