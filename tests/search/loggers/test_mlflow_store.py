"""What MLflow's files say, read without MLflow, whatever happened while they were written."""

from __future__ import annotations

import importlib
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

pytest.importorskip("mlflow")

from search.loggers.mlflow_store import MlflowLogger

ROOT = Path(__file__).resolve().parents[3]
RUNNING, FINISHED, FAILED = 1, 3, 4  # RunStatus of MLflow's service.proto.


def runs(folder: Path) -> dict[str, Path]:
    """Trial id -> folder of each MLflow run that was not deleted."""
    found: dict[str, Path] = {}
    for meta in folder.glob("*/*/meta.yaml"):
        about = yaml.safe_load(meta.read_text())
        if "run_name" in about and about["lifecycle_stage"] == "active":
            assert about["run_name"] not in found, "a trial has two runs"
            found[about["run_name"]] = meta.parent
    return found


def only(folder: Path) -> Path:
    ((_, path),) = runs(folder).items()
    return path


def metric(run: Path, tag: str) -> list[tuple[int, float, int]]:
    """(step, value, milliseconds), in the order in which they were written."""
    lines = [line.split() for line in (run / "metrics" / tag).read_text().splitlines()]
    return [(int(step), float(value), int(time)) for time, value, step in lines]


def status(run: Path) -> int:
    return yaml.safe_load((run / "meta.yaml").read_text())["status"]


def test_what_it_says(tmp_path: Path, grown: Any) -> None:
    MlflowLogger(tmp_path).log(grown(3, "completed"))
    run = only(tmp_path)
    assert list(runs(tmp_path)) == [grown(3).spec.trial_id]
    milliseconds = [int(1000 * (1.79e9 + epoch)) for epoch in (1, 2, 3)]
    assert metric(run, "loss/train") == [(e, pytest.approx(1 / e), milliseconds[e - 1]) for e in (1, 2, 3)]
    assert [value for _, value, _ in metric(run, "accuracy/val")] == [0.5, 0.75, 0.875]
    params = {path.name: path.read_text() for path in (run / "params").iterdir()}
    assert params == {
        "lr": "0.05",
        "momentum": "0.5",
        "weight_decay": "0.0001",
        "gain": "1.0",
        "architecture": "conv",
        "dataset": "digits",
        "phase": "sweep",
        "seed": "0",
    }
    assert status(run) == FINISHED


def test_its_own_client_reads_start_and_end(tmp_path: Path, grown: Any) -> None:
    """The first epoch, of one second, was recorded at 1.79e9 + 1, the third at 1.79e9 + 3."""
    from mlflow.tracking import MlflowClient

    MlflowLogger(tmp_path).log(grown(3, "completed"))
    client = MlflowClient(tracking_uri=tmp_path.as_uri())
    experiment = client.get_experiment_by_name("invsearch")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert (run.info.start_time, run.info.end_time) == (1_790_000_000_000, 1_790_000_003_000)
    assert run.data.metrics["accuracy/val"] == 0.875


def test_invocations_after_one_another(tmp_path: Path, grown: Any) -> None:
    for epochs, ended in ((1, None), (1, None), (2, None), (4, "diverged"), (4, "diverged")):
        logger = MlflowLogger(tmp_path)
        logger.log(grown(epochs, ended))
        logger.log(grown(epochs, ended))
        assert [step for step, _, _ in metric(only(tmp_path), "loss/val")] == list(range(1, epochs + 1))
        assert status(only(tmp_path)) == (FAILED if ended else RUNNING)


@pytest.mark.parametrize("after", range(1, 8))
def test_a_kill_between_any_two_writes(after: int, tmp_path: Path, grown: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """MLflow's store stops after some of its writes; the next invocation adds what is missing and nothing else."""
    file_store: Any = importlib.import_module("mlflow.store.tracking.file_store")
    left = [after]
    append = file_store.append_to

    def killed(path: str, text: str) -> None:
        if not left[0]:
            raise SystemExit
        left[0] -= 1
        append(path, text)

    MlflowLogger(tmp_path).log(grown(1))
    monkeypatch.setattr(file_store, "append_to", killed)
    with pytest.raises(SystemExit):
        MlflowLogger(tmp_path).log(grown(4, "completed"))
    monkeypatch.undo()
    MlflowLogger(tmp_path).log(grown(4, "completed"))
    for tag in ("loss/train", "loss/val", "accuracy/val"):
        assert [step for step, _, _ in metric(only(tmp_path), tag)] == [1, 2, 3, 4]


def test_a_kill_between_making_any_file_and_writing_it(tmp_path: Path, grown: Any) -> None:
    """MLflow writes in place, so a file may be there and be empty."""
    MlflowLogger(tmp_path / "whole").log(grown(2))
    files = [path.relative_to(tmp_path / "whole") for path in sorted((tmp_path / "whole").rglob("*")) if path.is_file()]
    kinds = {(len(file.parts), file.parts[2:-1]): file for file in files}
    assert len(kinds) == 6  # Of an experiment, of a run, its tags, params and two folders of metrics.
    for number, file in enumerate(kinds.values()):
        folder = tmp_path / str(number)
        shutil.copytree(tmp_path / "whole", folder)
        (folder / file).write_bytes(b"")
        MlflowLogger(folder).log(grown(3, "completed"))
        run = only(folder)
        for tag in ("loss/train", "loss/val", "accuracy/val"):
            assert sorted(step for step, _, _ in metric(run, tag)) == [1, 2, 3], file
        assert {path.name: path.read_text() for path in (run / "params").iterdir()}["lr"] == "0.05", file
        assert status(run) == FINISHED


def test_a_trial_that_goes_on_after_its_end_runs_again(tmp_path: Path, grown: Any) -> None:
    logger = MlflowLogger(tmp_path)
    logger.log(grown(1, "completed"))
    logger.log(grown(2))
    assert status(only(tmp_path)) == RUNNING


def test_a_trial_that_was_trained_anew_gets_a_new_run(tmp_path: Path, grown: Any) -> None:
    logger = MlflowLogger(tmp_path)
    logger.log(grown(3))
    logger.log(grown(1))
    assert [step for step, _, _ in metric(only(tmp_path), "loss/val")] == [1]


def test_neither_sqlalchemy_nor_the_network_is_needed(tmp_path: Path) -> None:
    code = (
        "import socket, sys\n"
        "sys.modules['sqlalchemy'] = sys.modules['alembic'] = None\n"
        "def refuse(*_): raise AssertionError('the network was used')\n"
        "socket.socket.connect = socket.getaddrinfo = refuse\n"
        "from pathlib import Path\n"
        "from search.loggers import LOGGERS, Recorded\n"
        "from spaces import Hyperparameters, TrialSpec\n"
        "trial = TrialSpec('sweep', 'conv', 'digits', '0' * 16, Hyperparameters(0.1, 0, 0, 1), 0, 0, 16)\n"
        "row = {'epoch': 1, 'val_loss': 1.0, 'time': 1.0}\n"
        "LOGGERS['mlflow'](Path(sys.argv[1])).log(Recorded(trial, [row], None))\n"
    )
    environment = {name: value for name, value in os.environ.items() if not name.startswith("MLFLOW")}
    done = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert metric(only(tmp_path), "loss/val") == [(1, 1.0, 1000)]
