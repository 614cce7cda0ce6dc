"""What a logger is, and what it is told."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from spaces import TrialSpec
from spaces.hyperparameters import Value

MEASURES = {  # A row's number -> its name in the log; what stands before the slash is drawn together.
    "train_loss": "loss/train",
    "val_loss": "loss/val",
    "val_accuracy": "accuracy/val",
    "test_loss": "loss/test",
    "test_accuracy": "accuracy/test",
}


@dataclass(frozen=True)
class Recorded:
    """A trial as it is on record.

    Attributes:
        spec: the trial.
        rows: one dict per epoch.
        status: completed, stopped, diverged or failed; None while it has not ended.
    """

    spec: TrialSpec
    rows: Sequence[Mapping[str, Any]]
    status: str | None

    @property
    def start(self) -> float | None:
        """When its first epoch began, in Unix seconds; None before the first row."""
        return self.rows[0]["time"] - (self.rows[0].get("seconds") or 0.0) if self.rows else None

    @property
    def end(self) -> float | None:
        """When its last epoch was recorded."""
        return self.rows[-1]["time"] if self.rows else None

    @property
    def hyperparameters(self) -> dict[str, Value]:
        """What a log tells trials apart by."""
        return {
            **self.spec.theta.as_dict(),
            "architecture": self.spec.architecture,
            "dataset": self.spec.dataset,  # Several runs may stand on one page.
            "phase": self.spec.phase,
            "seed": self.spec.seed,
        }


def list_measures(row: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    """The numbers of a row under their names in the log; those that were not finite are left out."""
    for name, tag in MEASURES.items():
        if row.get(name) is not None:
            yield tag, row[name]


def claim_folder(path: Path) -> None:
    """Makes a folder; raises ``OSError`` where a file, or a link that leads elsewhere, stands in its place."""
    if path.is_symlink() or (path.exists() and not path.is_dir()):
        raise OSError(f"{path} is not a folder of its own; remove it")
    path.mkdir(exist_ok=True)


class Logger(ABC):
    """Keeps a log of a run's trials in RUN/log/NAME, a folder of its own, which is made on the first use.

    What was logged by an invocation that was killed counts: ``log`` finds out what is there and adds
    what is missing, so that no epoch is ever logged twice.

    Attributes:
        MODULE: what it needs, to be imported.
        INSTALL: the same, to be installed with pip.

    Raises:
        ImportError: it is not there, or broken.
    """

    MODULE: ClassVar[str]
    INSTALL: ClassVar[str]

    @abstractmethod
    def __init__(self, folder: Path) -> None: ...

    @abstractmethod
    def log(self, trial: Recorded) -> None:
        """Brings the log of a trial up to its record; nothing happens where it is."""
