"""Tables as text: Markdown, LaTeX and CSV, listed in ``FORMATS``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import pandas as pd

from analysis.render import spreadsheet
from analysis.render.latex import write_latex
from analysis.tables.table import Filled

MARKUP = re.compile(r"<(?=[A-Za-z/!?])|`|(?<=\])\(|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|~(?=~)")


def write_markdown(table: Filled) -> str:
    """A pipe table with its title above and its notes below."""
    body = write_grid(table.cells, table.right)
    notes = "".join(f"\n- {escape_markdown(note)}" for note in table.notes)
    return f"**Table {table.number}.** {table.title}\n\n{body}\n{notes}\n"


def write_grid(cells: pd.DataFrame, right: Collection[str] = ()) -> str:
    """Cells, all of them text, as a pipe table; ``right`` names the columns that are right-aligned."""
    sides = ["right" if name in right else "left" for name in cells]
    return escape_pipes(cells).to_markdown(index=False, disable_numparse=True, colalign=sides)


def escape_markdown(text: object) -> str:
    """Text that stays text in Markdown: tags, code, links and emphasis of a stranger's name would vanish from it."""
    escaped = MARKUP.sub(r"\\\g<0>", str(text))
    return escaped.replace("*", "\\*") if escaped.count("*") > 1 else escaped  # One alone is a mark, as in our notes.


def escape_pipes(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that no bar can break out of: names come from strangers."""
    return cells.map(lambda cell: escape_markdown(cell).replace("|", "\\|"))


FORMATS: dict[str, Callable[[Filled], str]] = {
    "md": write_markdown,
    "latex": write_latex,
    "csv": lambda table: spreadsheet.write_csv(table.frame),  # Without notes.
}
