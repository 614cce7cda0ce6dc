"""Records and outcomes of trials, with every check of them: whoever reads a trial's folder reads it here.

RUN/trials/ID/record.json holds what was computed so far, verdict.json how the trial ended and a copy of the record.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from spaces.common.errors import UserError
from spaces.common.fields import make_number, make_optional
from spaces.files.sealed import ASIDE, Damaged, read_sealed
from spaces.specs.predictions import Predictions
from spaces.specs.protocol import ENDED, ENDED_BY_ITSELF, FORMAT
from spaces.specs.trial import TrialSpec

RECORD, OUTCOME = FILES = ("record.json", "verdict.json")
PLAIN = {"status": str, "error": str | None, "notes": list, "makers": list, "rows": list}
NUMBER = make_optional(make_number(-sys.float_info.max, sys.float_info.max, "a number"))
FRACTIONS = ("val_accuracy", "test_accuracy")


@dataclass(frozen=True)
class Record:
    """What is on record of a trial.

    Attributes:
        spec: what defines the trial.
        status: ``running``, ``diverged`` or ``failed``: what the worker knows.
        error: the traceback of a failed trial.
        notes: what a reader should know, such as epochs that had to be redone.
        makers: versions, device and node of every process that computed a row.
        rows: one dict per finished epoch; ``maker`` is an index into ``makers``, None a number that was not finite.
        predictions: of the last row, in a rerun that was trained to its end; None also where invsearch kept none yet.
    """

    spec: TrialSpec
    status: str = "running"
    error: str | None = None
    notes: list[str] = field(default_factory=list)
    makers: list[dict[str, Any]] = field(default_factory=list)
    rows: list[dict[str, Any]] = field(default_factory=list)
    predictions: Predictions | None = None

    def as_dict(self) -> dict[str, Any]:
        """Plain data for record.json."""
        kept = {} if self.predictions is None else {"predictions": vars(self.predictions)}
        plain = {name: getattr(self, name) for name in PLAIN}
        return {"format": FORMAT, "trial": self.spec.as_dict(), **plain, **kept}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any], trial_id: str | None = None) -> Record:
        """Reads what ``as_dict`` wrote; it must be the record of ``trial_id``, where that is known.

        Raises:
            Damaged: it is not a record, or it is another trial's.
        """
        try:
            if content["format"] != FORMAT:
                raise Damaged(f"format {content['format']} instead of {FORMAT}")
            spec = TrialSpec.from_dict(content["trial"])
            if trial_id not in (None, spec.trial_id):
                raise Damaged(f"it is the record of {spec.trial_id}")
            kept = content.get("predictions")
            predictions = None if kept is None else Predictions.from_dict(kept)
            record = cls(spec, **{name: content[name] for name in PLAIN}, predictions=predictions)
            if not record._is_sound():
                raise Damaged("its rows and fields are not those of a record")
            if predictions is not None and not record._predicts_its_accuracy(predictions):
                raise Damaged("its predictions are not those of its last epoch")
        except (KeyError, TypeError, AttributeError) as error:
            raise Damaged(f"a field is missing or of the wrong type ({error})") from None
        except UserError as error:
            raise Damaged(str(error)) from None
        return record

    def _is_sound(self) -> bool:
        rows, makers = self.rows, len(self.makers)
        return (
            all(isinstance(getattr(self, name), kind) for name, kind in PLAIN.items())
            and self.status in ("running", *ENDED_BY_ITSELF)
            and all(isinstance(note, str) for note in self.notes)
            and all(isinstance(maker, dict) for maker in self.makers)
            and [row["epoch"] for row in rows] == list(range(1, len(rows) + 1))
            and all(type(row["maker"]) is int and 0 <= row["maker"] < makers for row in rows)
            and all(row["time"] is not None and all(map(NUMBER.allows, row.values())) for row in rows)
            and all(0.0 <= (row.get(name) or 0.0) <= 1.0 for row in rows for name in FRACTIONS)
        )

    def _predicts_its_accuracy(self, predictions: Predictions) -> bool:
        last = self.rows[-1]["test_accuracy"] if self.rows else None
        return last is not None and last == predictions.count_right() / predictions.images


@dataclass(frozen=True)
class Outcome:
    """How a trial ended.

    Attributes:
        status: one of ``protocol.ENDED``.
        epoch: its last one.
        time: when that was decided, Unix seconds.
        record: a copy of its record as plain data, not checked.
    """

    status: str
    epoch: int
    time: float
    record: Any

    def as_dict(self) -> dict[str, Any]:
        """Plain data for verdict.json."""
        return {"format": FORMAT, **vars(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> Outcome:
        """Reads what ``as_dict`` wrote.

        Raises:
            Damaged: it is not an outcome.
        """
        sound = content.get("format") == FORMAT and content.get("status") in ENDED and "record" in content
        if not sound or type(content.get("epoch")) is not int:
            raise Damaged("its fields are not those of an outcome")
        return cls(content["status"], content["epoch"], content.get("time", 0.0), content["record"])


def read_record(folder: str | Path) -> Record | None:
    """The record in a trial's folder, None before the first commit; raises what ``read_trial`` does."""
    content = read_sealed(os.path.join(folder, RECORD))
    return None if content is None else Record.from_dict(content, os.path.basename(folder))


def read_outcome(folder: str | Path) -> Outcome | None:
    """The outcome in a trial's folder, None while the trial has not ended; raises what ``read_trial`` does."""
    content = read_sealed(os.path.join(folder, OUTCOME))
    return None if content is None else Outcome.from_dict(content)


def read_trial(folder: str | Path) -> tuple[Record, Outcome | None] | None:
    """Record and outcome in a trial's folder; None before the first commit.

    The outcome is read first: it is written last, so the record of a trial that ends meanwhile is at least as new.

    Raises:
        Damaged: one is not what was written, or another trial's, or there is an outcome without a record.
        OSError: one of them cannot be read.
    """
    outcome = read_outcome(folder)
    record = read_record(folder)
    if record is None and outcome is not None:
        raise Damaged("an outcome without a record")
    return None if record is None else (record, outcome)


def list_trial_folders(run: Path) -> Iterator[str]:
    """A run's trial folders by name, so that no result depends on the order of a directory."""
    trials = run / "trials"
    try:
        with os.scandir(trials) as entries:
            folders = [entry.name for entry in entries if entry.is_dir()]
    except (FileNotFoundError, NotADirectoryError):
        return
    for name in sorted(folders):
        if not name.startswith(".") and ASIDE not in name:
            yield os.path.join(trials, name)
