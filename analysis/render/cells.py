"""The text of a table's cells: rounding, compact numbers, blanks."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.schema import records
from spaces.hyperparameters import NAMES

THETA = "{lr, mom, wd, a}"
RIGHT = frozenset({"param", "mults", "mults + transform", "mean", "std", "n", "published param", "published mults"}) | {
    "published mean",
    "published std",
}


def display(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    """Turns the raw values of an accuracy table into text, with the headings of the text.

    ``""`` stands for nothing was rerun or counted, ``-`` for a number that too few seeds have.
    """
    costs = "param_ratio" in frame
    return pd.DataFrame([_row(row, costs) for row in records(frame)]), RIGHT


def compact(value: float) -> str:
    """The shortest exact text of a number: 0.1, 1e-5, 3.16e-5."""
    forms = np.format_float_positional(value, trim="0"), np.format_float_scientific(value, trim="-", exp_digits=1)
    return min(forms, key=len)


def ratio(value: float) -> str:
    """A cost relative to another: 7/9 where it is such a fraction, else three digits."""
    if math.isnan(value):
        return ""
    fraction = Fraction(value).limit_denominator(36)  # Seven thirty-sixths is the finest that the text has.
    return str(fraction) if float(fraction) == value else f"{value:.3g}"


def finished_of(finished: int, asked: int) -> str:
    """How many seeds finished: 10, or 7 of 10 where more were asked for."""
    return f"{finished}" if finished == asked else f"{finished} of {asked}"


def _row(row: dict[str, Any], costs: bool) -> dict[str, str]:
    blank = row["finished"] + row["diverged"] + row["failed"] + row["unfinished"] == 0
    cells = {
        "Architecture": row["title"] + ("*" if row.get("cost_differs") else ""),
        f"theta = {THETA}": "" if blank else _theta(row, ""),
    }
    if costs:
        cells["param"] = ratio(row["param_ratio"])
        cells["mults"] = ratio(row["mult_ratio"])
        cells["mults + transform"] = ratio(row["mult_with_transform_ratio"])
    low, high = row["ci_low_percent"], row["ci_high_percent"]
    cells["mean"] = "" if blank else _rounded(row["mean_percent"], 1)
    cells["std"] = "" if blank else _rounded(row["std_percent"], 2)
    cells["95 % CI"] = "" if blank else "-" if math.isnan(low) else f"{low:.1f} to {high:.1f}"
    asked = sum(row[kind] for kind in ("finished", "diverged", "failed", "unfinished", "not_started"))
    cells["n"] = "" if blank else finished_of(row["finished"], asked)
    known = "published_mean_percent" in row
    if known:
        cells["published theta"] = _theta(row, "published_")
    if costs:
        cells["published param"] = ratio(row["published_param_ratio"])
        cells["published mults"] = ratio(row["published_mult_ratio"])
    if known:
        cells["published mean"] = _rounded(row["published_mean_percent"], 1)
        cells["published std"] = _rounded(row["published_std_percent"], 2)
    return cells


def _theta(row: dict[str, Any], prefix: str) -> str:
    theta = [row[f"{prefix}{name}"] for name in NAMES]
    if any(map(math.isnan, theta)):
        return ""  # The text knows no such architecture.
    values = map(compact, theta)
    return "{" + ", ".join(values) + "}"


def _rounded(value: float, digits: int) -> str:
    return "-" if math.isnan(value) else f"{value:.{digits}f}"
