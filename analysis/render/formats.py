"""Tables as text: Markdown, LaTeX and CSV, listed in ``FORMATS``."""

from __future__ import annotations

import re
from collections.abc import Callable

import pandas as pd

from analysis.render import spreadsheet
from analysis.render.latex import latex
from analysis.tables.table import Filled

MARKUP = re.compile(r"<(?=[A-Za-z/!?])|`|(?<=\])\(")


def markdown(table: Filled) -> str:
    """A pipe table with its title above and its notes below."""
    cells = table.cells
    sides = ["right" if name in table.right else "left" for name in cells]
    body = piped(cells).to_markdown(index=False, disable_numparse=True, colalign=sides)
    notes = "".join(f"\n- {plain(note)}" for note in table.notes)
    return f"**Table {table.number}.** {table.title}\n\n{body}\n{notes}\n"


def plain(text: object) -> str:
    """Text that stays text in Markdown: tags, code and links of a stranger's name would vanish from it."""
    return MARKUP.sub(r"\\\g<0>", str(text))


def piped(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that no bar can break out of: names come from strangers."""
    return cells.map(lambda cell: plain(cell).replace("|", "\\|"))


FORMATS: dict[str, Callable[[Filled], str]] = {
    "md": markdown,
    "latex": latex,
    "csv": lambda table: spreadsheet.csv(table.frame),  # Without notes.
}
