"""The main job in small, with real Ray, on real digits: sweep, rerun, table, and the same again."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from analysis.records.reader import read_run
from search.cli import main
from search.datasets import DATASETS, Arrays, load_split
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.training.loop import Training, make_repeatable

SWEEP = ["sweep", "--architectures", "conv,invariant", "--samples", "4", "--epochs", "2", "--grace-period", "1"]


def untouchable(root: Path | None) -> Arrays:
    raise AssertionError("a sweep touched the test set")


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A sweep for which there is no test set, then reruns, which need it."""
    out = tmp_path_factory.mktemp("runs") / "run"
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(DATASETS, "digits", replace(DATASETS["digits"], load_test=untouchable))
        assert main([*SWEEP, "--out", str(out)]) == 0
        patch.undo()
    assert main(["rerun", str(out), "--seeds", "2", "--epochs", "2"]) == 0
    return out


@pytest.fixture(scope="module")
def trials(run: Path) -> Any:
    """One row a trial: a pandas DataFrame."""
    return read_run(run).trials


def test_a_sweep_never_reads_the_test_set(trials: Any) -> None:
    """The fixture's test loader would have failed it."""
    swept = trials[trials["phase"] == "sweep"]
    assert len(swept) == 8
    assert swept["val_accuracy"].notna().all()
    assert swept["test_accuracy"].isna().all()


def test_every_trial_has_an_outcome(trials: Any) -> None:
    assert set(trials["status"]) <= {"completed", "stopped"}
    completed = trials[trials["status"] == "completed"]
    assert set(completed["epoch"]) == {2}
    assert set(completed["architecture"]) == {"conv", "invariant"}
    assert set(trials.loc[trials["status"] == "stopped", "epoch"]) <= {1}


def test_architectures_share_configurations_and_seed(trials: Any) -> None:
    swept = trials[trials["phase"] == "sweep"]
    thetas = swept.groupby("architecture")[["lr", "momentum", "weight_decay", "gain"]].agg(sorted)
    assert thetas.loc["conv"].equals(thetas.loc["invariant"])
    assert set(swept["seed"]) == {0}


def test_reruns_repeat_the_incumbent_on_fresh_seeds(trials: Any) -> None:
    swept = trials[(trials["phase"] == "sweep") & (trials["status"] == "completed")]
    for name, again in trials[trials["phase"] == "rerun"].groupby("architecture"):
        best = swept[swept["architecture"] == name].sort_values(["val_accuracy", "val_loss"], ascending=[False, True])
        assert set(again["config_id"]) == {best.iloc[0]["config_id"]}
        assert set(again["seed"]) == {1, 2}


@pytest.mark.parametrize("phase", ["sweep", "rerun"])
def test_ray_changes_nothing(run: Path, phase: str) -> None:
    """What a trial computed beside others on Ray is bitwise what it computes alone without Ray."""
    folder = next(folder for folder in RunFolder(run).list_recorded(phase) if folder.read_outcome() == "completed")
    make_repeatable("cpu", 1)  # Sums over images depend on how many threads share them.
    training = Training(folder.spec, load_split(DATASETS["digits"], phase, 0))
    judged = {"sweep": "val", "rerun": "test"}[phase]
    for row in folder.rows:
        epoch = training.run_epoch()
        assert (epoch.train_loss, epoch.loss, epoch.accuracy) == (
            row["train_loss"],
            row[f"{judged}_loss"],
            row[f"{judged}_accuracy"],
        )


def test_the_same_commands_again_change_no_trial(run: Path, capfd: pytest.CaptureFixture[str]) -> None:
    before = {path: path.stat().st_mtime_ns for path in (run / "trials").rglob("*")}
    assert main([*SWEEP, "--out", str(run)]) == 0
    assert main(["rerun", str(run), "--seeds", "2", "--epochs", "2"]) == 0
    assert {path: path.stat().st_mtime_ns for path in (run / "trials").rglob("*")} == before
    assert "sweep complete" in capfd.readouterr().out


def test_ray_tune_leaves_nothing_behind(run: Path) -> None:
    assert not (run / ".tune").exists()


def test_table(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["table", "1.3", str(run), "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [row["architecture"] for row in rows] == ["conv", "invariant"]
    for row in rows:
        reruns = RunFolder(run).list_recorded("rerun")
        tested = [
            folder.rows[-1]["test_accuracy"] for folder in reruns if folder.spec.architecture == row["architecture"]
        ]
        accuracies = [100 * accuracy for accuracy in tested]
        assert float(row["mean_percent"]) == pytest.approx(sum(accuracies) / 2)
        assert float(row["std_percent"]) == pytest.approx(abs(accuracies[0] - accuracies[1]) / 2**0.5)


def test_status(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    columns = "trial_id,architecture,lr,momentum,weight_decay,gain,status,epoch,val_accuracy,engine"
    assert main(["status", str(run), "--csv", "--sort", "val_accuracy", "--filter", "architecture=conv"]) == 0
    header, *rows = capsys.readouterr().out.splitlines()
    assert header == columns
    assert len(rows) == 4
    accuracies = [float(row.rsplit(",", 2)[1]) for row in rows]
    assert accuracies == sorted(accuracies, reverse=True)
    assert main(["status", str(run)]) == 0
    assert "no driver is working on it" in capsys.readouterr().out


def test_show(run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(run).list_recorded("sweep")[0]
    assert main(["show", str(run), folder.spec.trial_id]) == 0
    shown = capsys.readouterr().out
    for word in (folder.spec.trial_id, "momentum", "val_loss", f"{100 * folder.rows[0]['val_accuracy']:.2f} %"):
        assert word in shown
    assert main(["show", str(run), "conv"]) == 2
    assert "beginning of" in capsys.readouterr().err


def test_records_say_what_made_them(run: Path) -> None:
    import json

    folder: TrialFolder = RunFolder(run).list_recorded("sweep")[0]
    record: dict[str, Any] = json.loads((folder.path / "record.json").read_text())
    assert record["trial"]["data_hash"] == DATASETS["digits"].data_hash
    engine = {"engine", "engine_version", "instruction_set"}
    assert {"invsearch", "torch", "numpy", "code", "device", "threads", "host", "node"} | engine <= record["makers"][
        0
    ].keys()
