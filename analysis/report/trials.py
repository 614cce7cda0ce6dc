"""The table of all trials as data; page.js shows a part at a time."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pandas as pd

from analysis.evidence import Evidence
from analysis.records.schema import holds_words, join_trials
from analysis.render.cells import format_cell
from spaces.common.errors import escape_text
from spaces.hyperparameters import NAMES

LONGEST_ERROR = 4000  # Letters, from its end: a traceback says what went wrong in its last lines.
ALL_ERRORS = 1_000_000  # Letters, so that a run full of failures leaves the page small enough to open.
LEFT_OUT = "left out to keep this page small; see invsearch show"
COLUMNS = {  # Heading -> column; the further hyperparameters stand after gain a.
    "trial": "trial_id",
    "architecture": "architecture",
    "phase": "phase",
    "status": "status",
    "validation %": "val_accuracy",
    "test %": "test_accuracy",
    "epochs": "epoch",
    "lr": "lr",
    "momentum": "momentum",
    "weight decay": "weight_decay",
    "gain a": "gain",
    "seed": "seed",
    "seconds": "seconds",
    "made by": "made_by",
}


@dataclass(frozen=True, eq=False)
class TrialTable:
    """All trials."""

    keys: list[str]  # What each row is called in the page's addresses.
    # headings, numeric, columns (numbers with null, or words and codes), keys, and errors (row -> text).
    data: dict[str, Any]
    frame: pd.DataFrame  # The same as a table with raw values, for the CSV file.
    rows: dict[tuple[str, str], int]  # (group or "", trial) -> row.

    def row(self, group: str, trial: str) -> int:
        """The row of a trial; in several runs the one whose colour its point has. -1 if there is none."""
        return self.rows.get((group, trial), self.rows.get(("", trial), -1))


def make_trial_table(evidence: Evidence) -> TrialTable:
    """Gathers the trials of all runs, run by run and ordered by trial."""
    names, frames = evidence.names, []
    for run in evidence.runs:
        last = run.epochs.drop_duplicates("trial_id", keep="last").set_index("trial_id")["made_by"]
        frames.append(run.trials.assign(made_by=run.trials["trial_id"].map(last)))
    frame = join_trials(frames)
    owners = [owner for owner, part in enumerate(frames) for _ in range(len(part))]
    groups = {(id(candidate.run), candidate.architecture): candidate.group for candidate in evidence.candidates}
    keys: list[str] = []
    rows: dict[tuple[str, str], int] = {}
    trials = zip(owners, frame["trial_id"], frame["architecture"], strict=True)
    for row, (owner, trial, architecture) in enumerate(trials):
        new = rows.setdefault(("", trial), row) == row
        rows.setdefault((groups.get((id(evidence.runs[owner]), architecture), ""), trial), row)
        keys.append(trial if new else f"{names[owner]}/{trial}")
    pairs = list(COLUMNS.items())
    place = 1 + list(COLUMNS).index("gain a")
    pairs[place:place] = [(name.replace("_", " "), name) for name in evidence.hyperparameters if name not in NAMES]
    if len(evidence.runs) > 1:
        pairs.insert(0, ("run", "run"))
        frame.insert(0, "run", [escape_text(names[owner]) for owner in owners])
    data = {
        "headings": [heading for heading, _ in pairs],
        "numeric": [not holds_words(frame[name]) for _, name in pairs],
        "columns": [
            _find_words(frame[name]) if holds_words(frame[name]) else _list_numbers(frame[name]) for _, name in pairs
        ],
        "keys": keys,
        "errors": _list_errors(frame["error"].tolist()),
    }
    return TrialTable(keys, data, frame, rows)


def _list_numbers(column: pd.Series) -> list[float | None]:
    """Accuracies in percent, and seconds, with as many digits as the page shows or sorts by."""
    if str(column.name).endswith("_accuracy"):
        column = (100.0 * column).round(3)
    elif column.name == "seconds":
        column = column.round(2)
    return [None if pd.isna(value) or math.isinf(value) else value for value in column.tolist()]


def _find_words(column: pd.Series) -> dict[str, list[Any]]:
    """Repeated words once each, with a number for every row."""
    codes, words = pd.factorize(column.astype(object).map(format_cell, na_action="ignore").fillna("").to_numpy())
    return {"words": [escape_text(word) for word in words], "codes": codes.tolist()}


def _list_errors(texts: Sequence[Any]) -> dict[str, str]:
    found, left = {}, ALL_ERRORS
    for row, text in enumerate(texts):
        if isinstance(text, str) and text:
            short = text[-LONGEST_ERROR:].strip()
            found[str(row)] = short if len(short) <= left else LEFT_OUT
            left -= min(left, len(short))
    return found
