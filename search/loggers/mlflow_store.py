"""MLflow: RUN/log/mlflow, MLflow's own store of plain files, one MLflow run a trial.

MLflow's databases would need SQLAlchemy; its file store needs nothing, and MLflow 3 opens it with
``MLFLOW_ALLOW_FILE_STORE=true``. Nothing leaves this machine: telemetry is turned off before the import.
"""

from __future__ import annotations

import logging
import os
import shutil
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar

from search.loggers.base import MEASURES, Logger, Recorded, list_measures

EXPERIMENT = "invsearch"
SETTINGS = {
    "MLFLOW_ALLOW_FILE_STORE": "true",
    "MLFLOW_DISABLE_TELEMETRY": "true",
    "DO_NOT_TRACK": "true",
    "GIT_PYTHON_REFRESH": "quiet",  # It need not complain that there is no git.
}
PAGE = 1000
EPOCHS, STATUS = "invsearch.epochs", "invsearch.status"  # Tags: how far a trial is logged; how it ended.
ENDS = {"completed": "FINISHED", "stopped": "KILLED", "diverged": "FAILED", "failed": "FAILED"}


class MlflowLogger(Logger):
    """Metrics of every epoch and the hyperparameters as params; the MLflow run is named by the trial id."""

    MODULE: ClassVar[str] = "mlflow"
    INSTALL: ClassVar[str] = "mlflow-skinny"

    def __init__(self, folder: Path) -> None:
        os.environ.update(SETTINGS)
        from mlflow.tracking import MlflowClient  # Here and not in a thread: it is large, and so is Ray.

        logging.getLogger("mlflow").setLevel(logging.ERROR)
        self._folder = folder
        self._client = MlflowClient(tracking_uri=folder.as_uri(), registry_uri=folder.as_uri())
        self._runs: dict[str, tuple[str, dict[str, str]]] = {}  # Trial id -> MLflow's run id, its tags.
        self._added: dict[str, int] = {}  # Epochs that this process knows to be there.

    @cached_property
    def _experiment(self) -> str:
        """MLflow's id of it; at the first use what earlier invocations logged is found, too."""
        mend(self._folder)
        found = self._client.get_experiment_by_name(EXPERIMENT)
        experiment = found.experiment_id if found else self._client.create_experiment(EXPERIMENT)
        token: str | None = ""
        while token is not None:
            page = self._client.search_runs([experiment], max_results=PAGE, page_token=token or None)
            self._runs.update((run.info.run_name or "", (run.info.run_id, dict(run.data.tags))) for run in page)
            token = page.token or None
        return experiment

    def log(self, trial: Recorded) -> None:
        """Adds the epochs that the trial's MLflow run lacks; one that was trained anew gets a new run."""
        experiment, name, epochs = self._experiment, trial.spec.trial_id, len(trial.rows)
        if name in self._runs and epochs < int(self._runs[name][1].get(EPOCHS, 0)):
            self._client.delete_run(self._runs.pop(name)[0])
        if name not in self._runs:
            start = convert_to_milliseconds(trial.start)
            created = self._client.create_run(experiment, start_time=start, run_name=name)
            self._runs[name] = created.info.run_id, {}
        run, tags = self._runs[name]
        if tags.get(EPOCHS) != str(epochs):
            self._add_rows(run, trial)
        for tag, value in {EPOCHS: str(epochs), STATUS: trial.status or "running"}.items():
            if tags.get(tag) == value:
                continue
            self._client.set_tag(run, tag, value)  # After the metrics: what a tag says is there.
            if tag == STATUS and trial.status is None:
                self._client.update_run(run, status="RUNNING")
            elif tag == STATUS:
                self._client.set_terminated(run, ENDS[value], convert_to_milliseconds(trial.end))
            tags[tag] = value

    def _add_rows(self, run: str, trial: Recorded) -> None:
        """Adds what is missing; a process that was killed may have added a part of an epoch."""
        from mlflow.entities import Metric, Param

        sure = self._added.pop(run, None)
        if sure is None:
            there = {tag: {m.step for m in self._client.get_metric_history(run, tag)} for tag in MEASURES.values()}
        else:
            there = dict.fromkeys(MEASURES.values(), range(1, sure + 1))
        missing: list[Any] = [
            Metric(tag, value, int(1000 * row["time"]), row["epoch"])
            for row in trial.rows
            for tag, value in list_measures(row)
            if row["epoch"] not in there[tag]
        ]
        params = [Param(name, str(value)) for name, value in trial.hyperparameters.items()] if sure is None else []
        for start in range(0, max(len(missing), 1), PAGE):  # It takes no more at a time.
            self._client.log_batch(run, metrics=missing[start : start + PAGE], params=[] if start else params)
        self._added[run] = len(trial.rows)


def convert_to_milliseconds(seconds: float | None) -> int | None:
    """A time as MLflow counts it, which for None takes the present."""
    return None if seconds is None else int(1000 * seconds)


def mend(folder: Path) -> None:
    """Removes what a killed process made and had not written yet: MLflow writes in place and stumbles over empty files.

    Of what is removed, all is logged again: a run or experiment that has no description goes as a whole.
    """
    for root, _, files in os.walk(folder):
        empty = [name for name in files if os.lstat(os.path.join(root, name)).st_size == 0]
        if "meta.yaml" in empty:
            shutil.rmtree(root)
        else:
            for name in empty:
                os.unlink(os.path.join(root, name))
