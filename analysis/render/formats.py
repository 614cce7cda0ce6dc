"""Tables as text: Markdown, LaTeX and CSV, listed in ``FORMATS``."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection

import pandas as pd

from analysis.render import spreadsheet
from analysis.render.latex import write_latex
from analysis.render.narrow import stack_columns, wrap_text
from analysis.tables.table import Filled

MARKUP = re.compile(r"<(?=[A-Za-z/!?])|`|(?<=\])\(|(?<!\w)_(?=\w)|(?<=\w)_(?!\w)|~(?=~)")


def write_markdown(table: Filled, width: int | None = None) -> str:
    """A pipe table with its title above and its notes below.

    Args:
        table: what to write.
        width: columns of the terminal, in which wide tables go on below and sentences are wrapped; None is no limit.
    """

    def write_part(cells: pd.DataFrame) -> str:
        return write_grid(cells, table.right.intersection(cells))

    body = "\n\n".join(stack_columns(table.cells, width, write_part)) or write_grid(table.cells, table.right)
    title = wrap_text(f"**Table {table.number}.** {table.title}", width)
    notes = "".join(f"\n{wrap_text(f'- {escape_markdown(note)}', width, '  ')}" for note in table.notes)
    return f"{title}\n\n{body}\n{notes}\n"


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
