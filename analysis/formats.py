"""Tables as text: Markdown, LaTeX and CSV, listed in ``FORMATS``."""

from __future__ import annotations

from collections.abc import Callable

import pandas as pd

from analysis import spreadsheet
from analysis.tables.table import Filled

LATEX_ESCAPES = str.maketrans(
    {
        "\\": r"\textbackslash{}",
        "~": r"\textasciitilde{}",
        "^": r"\textasciicircum{}",
        "<": r"\textless{}",
        ">": r"\textgreater{}",
        **{character: f"\\{character}" for character in "&%$#_{}"},
    }
)


def markdown(table: Filled) -> str:
    """A pipe table with its title above and its notes below."""
    cells = table.cells
    sides = ["right" if name in table.right else "left" for name in cells]
    body = piped(cells).to_markdown(index=False, disable_numparse=True, colalign=sides)
    notes = "".join(f"\n- {note}" for note in table.notes)
    return f"**Table {table.number}.** {table.title}\n\n{body}\n{notes}\n"


def piped(cells: pd.DataFrame) -> pd.DataFrame:
    """Cells that no bar can break out of: names come from strangers."""
    return cells.map(lambda cell: str(cell).replace("|", "\\|"))


def latex(table: Filled) -> str:
    """A booktabs table with table notes; it needs the packages booktabs and threeparttable."""
    cells = table.cells
    sides = "".join("r" if name in table.right else "l" for name in cells)
    escaped = cells.map(lambda cell: str(cell).translate(LATEX_ESCAPES))
    escaped.columns = [str(name).translate(LATEX_ESCAPES) for name in cells]
    body = escaped.to_latex(index=False, escape=False, column_format=sides)
    notes = "".join(f"\\item {note.translate(LATEX_ESCAPES)}\n" for note in table.notes)
    return (
        "% Needs \\usepackage{booktabs,threeparttable}.\n"
        "\\begin{table}\n\\centering\n\\begin{threeparttable}\n"
        f"\\caption{{{table.title.translate(LATEX_ESCAPES)}}}\n"
        f"{body}"
        f"\\begin{{tablenotes}}\n{notes}\\end{{tablenotes}}\n"
        "\\end{threeparttable}\n\\end{table}\n"
    )


FORMATS: dict[str, Callable[[Filled], str]] = {
    "md": markdown,
    "latex": latex,
    "csv": lambda table: spreadsheet.csv(table.frame),  # Without notes.
}
