"""CSV that spreadsheets leave as it is: no text of a run becomes a formula, a number or a date there."""

from __future__ import annotations

import re
from typing import Any

import pandas as pd

FORMULA = re.compile(r"\s*[=+\-@＝＋－＠\t\r\n]")
MONTH = (
    "(jan(uary)?|feb(ruary)?|mar(ch)?|apr(il)?|may|june?|july?|aug(ust)?|sep(t|tember)?|oct(ober)?|nov(ember)?|"
    "dec(ember)?)"
)
PARTS = r"[\d.,:/%'() $€£-]"
TAKEN = re.compile(  # For a number, an amount, a date, a time or a truth value, as some country writes it.
    rf"\s*({PARTS}*\d{PARTS}*(e[+-]?\d+|[ap]m?)?|{MONTH}[-/. ]?\d{{1,4}}|\d{{1,4}}[-/. ]?{MONTH}([-/. ]?\d{{1,4}})?"
    r"|true|false)\s*",
    re.IGNORECASE,
)


def write_csv(frame: pd.DataFrame, float_format: str | None = None) -> str:
    """A table as CSV, its numbers unrounded unless a format is given; empty where there is none.

    Text that a spreadsheet would take for something else has an apostrophe in front.
    """
    words = [
        name
        for name, kind in frame.dtypes.items()
        if not (pd.api.types.is_numeric_dtype(kind) or pd.api.types.is_bool_dtype(kind))
    ]
    return frame.assign(**{str(name): frame[name].map(_guard_formula) for name in words}).to_csv(
        index=False, float_format=float_format
    )


def _guard_formula(cell: Any) -> Any:
    if not isinstance(cell, str):
        return cell
    text = re.sub("\r\n?", "\n", cell)  # A lone carriage return is not quoted, and ends the row.
    return f"'{text}" if FORMULA.match(cell) or TAKEN.fullmatch(cell) else text
