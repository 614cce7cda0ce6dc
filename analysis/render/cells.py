"""The text of a table's cells: rounding, compact numbers, blanks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

import numpy as np
import pandas as pd

THETA = "theta = {lr, mom, wd, a}"


def format_compact(value: float) -> str:
    """The shortest exact text of a number: 0.1, 1e-5, 3.16e-5."""
    forms = np.format_float_positional(value, trim="0"), np.format_float_scientific(value, trim="-", exp_digits=1)
    return min(forms, key=len)


def format_cell(value: Any) -> str:
    """A hyperparameter as text: a number without loss, a truth value as YAML has it, a word; ``-`` where missing."""
    if pd.isna(value):
        return "-"
    if isinstance(value, bool | np.bool_):
        return "true" if value else "false"
    return (
        value
        if isinstance(value, str)
        else str(value)
        if isinstance(value, int | np.integer)
        else format_compact(float(value))
    )


def format_theta(theta: Mapping[str, Any], pairs: bool) -> str:
    """A configuration: its values in the order of Table 1.2, or all that are there as pairs such as ``lr=0.1``."""
    if pairs:
        return ", ".join(f"{name}={format_cell(value)}" for name, value in theta.items() if not pd.isna(value))
    return "{" + ", ".join(map(format_cell, theta.values())) + "}"


def format_ratio(value: float) -> str:
    """A cost relative to another: 7/9 where it is such a fraction, else three digits."""
    if math.isnan(value):
        return ""
    fraction = Fraction(value).limit_denominator(36)  # Seven thirty-sixths is the finest that the chapter has.
    return str(fraction) if float(fraction) == value else f"{value:.3g}"


def format_finished(finished: int, asked: int) -> str:
    """How many seeds finished: 10, or 7 of 10 where more were asked for."""
    return f"{finished}" if finished == asked else f"{finished} of {asked}"
