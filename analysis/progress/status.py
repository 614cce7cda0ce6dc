"""How far a run is: its trials, filtered and sorted, and counts per architecture."""

from __future__ import annotations

import math
import operator
import re
from collections import Counter
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any

import numpy as np
import pandas as pd

from analysis.incumbents import find_incumbents
from analysis.races import find_races
from analysis.records.reader import Run
from analysis.records.schema import holds_words, list_hyperparameters
from spaces.common.errors import UserError, quote
from spaces.common.lookup import choose
from spaces.specs.protocol import PHASES, STATUSES

COLUMNS = {  # After the trial, its architecture and its hyperparameters.
    "sweep": ["status", "epoch", "val_accuracy", "engine"],
    "choice": ["seed", "status", "epoch", "val_accuracy", "engine"],
    "rerun": ["seed", "status", "epoch", "test_accuracy", "engine"],
}
OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "=": operator.eq,
    "!=": operator.ne,
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def build_status_table(run: Run, phase: str) -> pd.DataFrame:
    """One row per recorded trial of a phase, with its hyperparameters and ``COLUMNS[phase]``; accuracies are fractions.

    Raises:
        UserError: the phase is none of ``PHASES``.
    """
    columns = ["trial_id", "architecture", *list_hyperparameters(run.trials), *choose("phase", phase, COLUMNS)]
    return run.trials.loc[run.trials["phase"] == phase, columns].reset_index(drop=True)


def filter_status(table: pd.DataFrame, conditions: Iterable[str]) -> pd.DataFrame:
    """Keeps the rows that meet every condition, such as ``status=diverged`` or ``val_accuracy>0.9``.

    A missing number meets only ``!=``.

    Raises:
        UserError: not a condition, or an unknown column, operator or value.
    """
    for condition in conditions:
        parts = re.fullmatch(r"\s*([^<>=!\s]+)\s*([<>=!]+)\s*([^<>=!]*?)\s*", condition)
        if parts is None:
            raise UserError(
                f"filter: {quote(condition)} is not a condition; write for example status=diverged or epoch>=5"
            )
        column, symbol, value = parts.groups()
        choose("filter: column", column, dict.fromkeys(map(str, table)))
        values = table[column]
        if is_text := holds_words(values):
            values = values.astype(object).replace({True: "true", False: "false"})
        allowed = ("=", "!=") if is_text else OPERATORS
        if symbol not in allowed:
            raise UserError(f"filter: operator {symbol} is unknown for {column}; allowed are {', '.join(allowed)}")
        met = OPERATORS[symbol](values, _convert_value(values, value)).fillna(symbol == "!=")
        table = table.take(np.flatnonzero(met))
    return table.reset_index(drop=True)


def sort_status(table: pd.DataFrame, column: str) -> pd.DataFrame:
    """Sorts by a column, the best accuracy first, everything else ascending; missing values last.

    Raises:
        UserError: the column is unknown.
    """
    choose("sort: column", column, dict.fromkeys(map(str, table)))
    ascending = not column.endswith("_accuracy")
    return table.sort_values([column, "trial_id"], ascending=[ascending, True]).reset_index(drop=True)


def summarize_progress(run: Run) -> pd.DataFrame:
    """How the trials of each phase stand, per architecture.

    Returns:
        One row per architecture and phase, those of the spec first: ``architecture``, ``phase``,
        trials ``planned``, one count per status of those that have begun (of a race those that are in it now, of reruns
        those of the incumbent), ``incumbent_val_accuracy`` (a fraction: of the sweep on its one seed, of a race its
        mean; NaN in a rerun).
    """
    best, races, trials = find_incumbents(run), find_races(run), run.trials
    raced = {trial_id for race in races.values() for trial_id in race.trials}
    trials = trials[(trials["phase"] != "choice") | trials["trial_id"].isin(raced)]
    phases = set(trials["phase"]) or {"sweep"}
    current = trials["config_id"] == trials["architecture"].map(best["config_id"])
    trials = trials[(trials["phase"] != "rerun") | current]
    counts = Counter(zip(trials["architecture"], trials["phase"], trials["status"], strict=True))
    planned = {
        "sweep": run.planned,
        "choice": {name: race.race.planned for name, race in races.items()},
        "rerun": dict.fromkeys(run.spec["architectures"], int(run.spec.get("rerun_seeds") or 0)),
    }
    accuracies = {"sweep": best["val_accuracy"], "choice": best["choice_accuracy"], "rerun": {}}
    names = dict.fromkeys([*run.spec["architectures"], *sorted(trials["architecture"].unique())])
    rows = [
        {
            "architecture": name,
            "phase": phase,
            "planned": planned[phase].get(name, 0),
            **{status: counts[name, phase, status] for status in STATUSES},
            "incumbent_val_accuracy": accuracies[phase].get(name, float("nan")),
        }
        for name in names
        for phase in PHASES
        if phase in phases
    ]
    return pd.DataFrame(rows)


def _convert_value(values: pd.Series, text: str) -> str | float:
    """Reads a condition's value, refusing what could never match."""
    column = values.name
    if not holds_words(values):
        with suppress(ValueError):
            if not math.isnan(number := float(text)):
                return number
        raise UserError(f"filter: {column}: {quote(text)} is not a number; give one such as 0.1 or 1e-5")
    known = STATUSES if column == "status" else sorted(values.dropna().unique())
    if column != "trial_id" and known:
        choose(f"filter: {column}", text, dict.fromkeys(known))
    return text
