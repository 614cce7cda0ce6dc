"""Writes a report: the page, and beside it every figure and table as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TypeAlias

from analysis.evidence import Evidence
from analysis.figures import FIGURES
from analysis.figures.figure import Drawing, Figure
from analysis.render.spreadsheet import write_csv
from analysis.report.files import make_folder, make_slug
from analysis.report.sections import SECTIONS, Section
from analysis.report.text_tables import SOURCES, Shown, Source
from spaces.files.atomic import write_atomically

Content: TypeAlias = "tuple[dict[str, Drawing | str], dict[str, Shown]]"
"""Figures (name -> the drawing, or why there is none) and tables, before they are written."""


def fill(
    evidence: Evidence,
    sections: Sequence[Section] = SECTIONS,
    figures: Mapping[str, Figure] = FIGURES,
    sources: Mapping[str, Source] = SOURCES,
    only: str | None = None,
) -> Content:
    """Draws and fills what the sections name; ``only`` tables leaves the figures out, and vice versa."""
    drawn = {name: figures[name].draw(evidence) for section in sections if only != "tables" for name in section.figures}
    named = [name for section in sections if only != "figures" for name in section.tables]
    return drawn, {name: shown for name in named if (shown := sources[name](evidence)) is not None}


def write_report(
    evidence: Evidence,
    target: Path,
    sections: Sequence[Section] = SECTIONS,
    figures: Mapping[str, Figure] = FIGURES,
    sources: Mapping[str, Source] = SOURCES,
    only: str | None = None,
) -> list[Path]:
    """Writes TARGET/report.html, TARGET/figures and TARGET/tables; the same bytes for the same records.

    Args:
        evidence: the runs.
        target: a folder, made if need be; files of an older report are replaced.
        sections: of the page, in their order.
        figures: by the names that sections use.
        sources: of the tables, by the names that sections use.
        only: ``html``, ``figures`` or ``tables``; None writes all.

    Returns:
        The files, in the order in which they were written.

    Raises:
        UserError: the target is a link, or not a folder.
    """
    return write_content(evidence, target, sections, fill(evidence, sections, figures, sources, only), only)


def write_content(
    evidence: Evidence, target: Path, sections: Sequence[Section], content: Content, only: str | None = None
) -> list[Path]:
    """Writes what ``fill`` made; see ``write_report``."""
    from analysis.report.trials import make_trial_table  # Only here, so that each --only pays for what it writes.

    make_folder(target)
    figures, tables = content
    files: dict[Path, bytes] = {}
    trials = make_trial_table(evidence)
    if only in (None, "tables"):
        where = make_folder(target / "tables")
        for shown in tables.values():
            files |= {
                where / f"{make_slug(shown.name)}.{ending}": f"{text.rstrip()}\n".encode("utf-8", "replace")
                for ending, text in shown.files.items()
            }
        files[where / "trials.csv"] = write_csv(trials.frame).encode("utf-8", "replace")
    if only in (None, "figures"):
        from analysis.render.paper import draw_for_paper

        where = make_folder(target / "figures")
        for drawing in figures.values():
            if isinstance(drawing, Drawing):
                both, name = draw_for_paper(drawing), make_slug(drawing.name)
                files |= {where / f"{name}.png": both.png, where / f"{name}.pdf": both.pdf}
    if only in (None, "html"):
        from analysis.report.page import render_page

        files[target / "report.html"] = render_page(evidence, sections, figures, tables, trials, beside=only is None)
    for path, text in files.items():
        write_atomically(path, text)
    return list(files)
