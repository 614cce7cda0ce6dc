"""Plain data for the page: long columns as plotly's typed arrays, text without markup."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from itertools import groupby

import numpy as np

SHORT = 64  # Values that are easier read than decoded.
INTEGERS = (("u1", 0, 255), ("i2", -(2**15), 2**15 - 1), ("i4", -(2**31), 2**31 - 1))


def pack_columns(values: Sequence[float] | np.ndarray) -> list[float | None] | dict[str, str]:
    """A column as a list with null for what is not finite, or, where it is long, as base64 of its smallest type.

    Fractions are kept in float32: seven digits, in half the room.
    """
    column = np.asarray(values, float)
    if len(column) <= SHORT:
        return [float(value) if np.isfinite(value) else None for value in column]
    kind = "f4"
    if np.isfinite(column).all() and (column == np.rint(column)).all():
        low, high = column.min(), column.max()
        kind = next((name for name, least, most in INTEGERS if least <= low and high <= most), "f4")
    return {"dtype": kind, "bdata": base64.b64encode(column.astype(f"<{kind}").tobytes()).decode()}


def count_runs(rows: Sequence[int]) -> list[list[int]]:
    """A column of equal neighbours as [value, how many]."""
    return [[int(value), len(list(same))] for value, same in groupby(rows)]


def escape_html(text: str) -> str:
    """Text that plotly shows as it is: it reads some HTML, and a name in a record may be a stranger's."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
