"""The text of a table's cells: rounding, compact numbers, blanks."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

THETA = "{lr, mom, wd, a}"


def format_compact(value: float) -> str:
    """The shortest exact text of a number: 0.1, 1e-5, 3.16e-5."""
    forms = np.format_float_positional(value, trim="0"), np.format_float_scientific(value, trim="-", exp_digits=1)
    return min(forms, key=len)


def format_ratio(value: float) -> str:
    """A cost relative to another: 7/9 where it is such a fraction, else three digits."""
    if math.isnan(value):
        return ""
    fraction = Fraction(value).limit_denominator(36)  # Seven thirty-sixths is the finest that the chapter has.
    return str(fraction) if float(fraction) == value else f"{value:.3g}"


def format_finished(finished: int, asked: int) -> str:
    """How many seeds finished: 10, or 7 of 10 where more were asked for."""
    return f"{finished}" if finished == asked else f"{finished} of {asked}"
