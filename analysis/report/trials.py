"""The table of all trials as data: page.js shows a part of it at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Evidence, names_of
from analysis.records.reader import Run
from spaces.common.errors import escaped
from spaces.hyperparameters import NAMES

LONGEST_ERROR = 4000  # Letters, from its end: a traceback says last what went wrong.
ALL_ERRORS = 1_000_000  # Letters, so that a run of failures leaves the page small enough to open.
LEFT_OUT = "left out to keep this page small; see invsearch show"
# (heading, whether of numbers)
COLUMNS = (
    ("trial", False),
    ("architecture", False),
    ("phase", False),
    ("status", False),
    ("validation %", True),
    ("test %", True),
    ("epochs", True),
    ("lr", True),
    ("momentum", True),
    ("weight decay", True),
    ("gain a", True),
    ("seed", True),
    ("seconds", True),
    ("made by", False),
)


@dataclass(frozen=True, eq=False)
class TrialTable:
    """All trials.

    Attributes:
        keys: what each row is called in the page's addresses.
        data: ``headings``, ``numeric``, ``columns`` (numbers with null, or ``words`` and ``codes``), ``keys``,
            and ``errors`` (row -> text).
        frame: the same as a table with raw values, for the CSV file.
        rows: (group or "", trial) -> row.
    """

    keys: list[str]
    data: dict[str, Any]
    frame: pd.DataFrame
    rows: dict[tuple[str, str], int]

    def row(self, group: str, trial: str) -> int:
        """The row of a trial; in several runs the one whose colour its point has. -1 if there is none."""
        return self.rows.get((group, trial), self.rows.get(("", trial), -1))


def trial_table(evidence: Evidence) -> TrialTable:
    """Gathers the trials of all runs, run by run and ordered by trial."""
    several = len(evidence.runs) > 1
    names = names_of(evidence.runs)
    frames = [_frame(run) for run in evidence.runs]
    frame = pd.concat(frames, ignore_index=True)
    owners = [owner for owner, part in enumerate(frames) for _ in range(len(part))]
    groups = {(id(candidate.run), candidate.architecture): candidate.group for candidate in evidence.candidates}
    keys: list[str] = []
    rows: dict[tuple[str, str], int] = {}
    for row, (owner, trial, architecture) in enumerate(
        zip(owners, frame["trial_id"], frame["architecture"], strict=True)
    ):
        new = rows.setdefault(("", trial), row) == row
        rows.setdefault((groups.get((id(evidence.runs[owner]), architecture), ""), trial), row)
        keys.append(trial if new else f"{names[owner]}/{trial}")
    values = _columns(frame)
    headings = [*COLUMNS]
    if several:
        headings.insert(0, ("run", False))
        values.insert(0, [escaped(names[owner]) for owner in owners])
        frame.insert(0, "run", values[0])
    data = {
        "headings": [heading for heading, _ in headings],
        "numeric": [numeric for _, numeric in headings],
        "columns": [
            _numbers(column) if numeric else _words(column)
            for (_, numeric), column in zip(headings, values, strict=True)
        ],
        "keys": keys,
        "errors": _errors(frame["error"].tolist()),
    }
    return TrialTable(keys, data, frame, rows)


def _frame(run: Run) -> pd.DataFrame:
    """The trials of a run, with who made the last epoch of each."""
    last = run.epochs.drop_duplicates("trial_id", keep="last").set_index("trial_id")["made_by"]
    return run.trials.assign(made_by=run.trials["trial_id"].map(last))


def _columns(frame: pd.DataFrame) -> list[Sequence[Any]]:
    return [
        frame["trial_id"].tolist(),
        frame["architecture"].tolist(),
        frame["phase"].tolist(),
        frame["status"].tolist(),
        (100.0 * frame["val_accuracy"]).round(3).tolist(),
        (100.0 * frame["test_accuracy"]).round(3).tolist(),
        frame["epoch"].tolist(),
        *(frame[name].tolist() for name in NAMES),
        frame["seed"].tolist(),
        frame["seconds"].round(2).tolist(),
        ["" if value is None or value != value else value for value in frame["made_by"]],
    ]


def _numbers(column: Sequence[float]) -> list[float | None]:
    return [value if math.isfinite(value) else None for value in column]


def _words(column: Sequence[str]) -> dict[str, list[Any]]:
    """Repeated words once each, with a number for every row."""
    codes, words = pd.factorize(np.asarray(column, dtype=object))
    return {"words": [escaped(word) for word in words], "codes": codes.tolist()}


def _errors(texts: Sequence[Any]) -> dict[str, str]:
    found, left = {}, ALL_ERRORS
    for row, text in enumerate(texts):
        if isinstance(text, str) and text:
            short = text[-LONGEST_ERROR:].strip()
            found[str(row)] = short if len(short) <= left else LEFT_OUT
            left -= min(left, len(short))
    return found
