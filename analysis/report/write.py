"""Writes a report: the page, and beside it every figure and table as files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from analysis.evidence import Evidence
from analysis.figures import FIGURES
from analysis.figures.figure import Drawing, Figure
from analysis.render.spreadsheet import csv
from analysis.report.files import folder, slug, write_whole
from analysis.report.sections import SECTIONS, Section
from analysis.report.summary import verdict
from analysis.report.text_tables import SOURCES, Shown, Source

PAGE = "report.html"


@dataclass(eq=False)
class Content:
    """What a report shows, before it is written.

    Attributes:
        figures: name -> the drawing, or why there is none.
        tables: name -> the table.
    """

    figures: dict[str, Drawing | str] = field(default_factory=dict)
    tables: dict[str, Shown] = field(default_factory=dict)


def fill(
    evidence: Evidence,
    sections: Sequence[Section] = SECTIONS,
    figures: Mapping[str, Figure] = FIGURES,
    sources: Mapping[str, Source] = SOURCES,
    only: str | None = None,
) -> Content:
    """Draws and fills what the sections name; ``only`` tables leaves the figures out, and the other way round."""
    content = Content()
    for section in sections:
        if only != "tables":
            content.figures |= {name: figures[name].draw(evidence) for name in section.figures}
        if only != "figures":
            found = {name: sources[name](evidence) for name in section.tables}
            content.tables |= {name: shown for name, shown in found.items() if shown is not None}
    return content


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
        sections: what stands in the page, in which order.
        figures: what the sections' figures are called.
        sources: what their tables are called.
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
    from analysis.report.trials import trial_table  # Only here, so that each --only pays for what it writes.

    folder(target)
    files: dict[Path, bytes] = {}
    trials = trial_table(evidence)
    if only in (None, "tables"):
        where = folder(target / "tables")
        for shown in content.tables.values():
            files |= {
                where / f"{slug(shown.name)}.{ending}": f"{text.rstrip()}\n".encode("utf-8", "replace")
                for ending, text in shown.files.items()
            }
        files[where / "trials.csv"] = csv(trials.frame).encode("utf-8", "replace")
    if only in (None, "figures"):
        from analysis.render.paper import printed

        where = folder(target / "figures")
        for drawing in (drawing for drawing in content.figures.values() if not isinstance(drawing, str)):
            both = printed(drawing)
            files[where / f"{slug(drawing.name)}.png"] = both.png
            files[where / f"{slug(drawing.name)}.pdf"] = both.pdf
    if only in (None, "html"):
        from analysis.report.page import page

        files[target / PAGE] = page(evidence, sections, content.figures, content.tables, trials, verdict(evidence))
    for path, text in files.items():
        write_whole(path, text)
    return list(files)
