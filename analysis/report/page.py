"""The page: one HTML file with everything in it, so that it can be opened, sent and kept without a network."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import jinja2
import pandas as pd
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from analysis.evidence import Evidence, list_names
from analysis.figures.figure import Drawing
from analysis.render import theme
from analysis.render.layout import Entry, place_legend
from analysis.render.screen import make_panels
from analysis.report.files import make_slug
from analysis.report.missing import explain_missing
from analysis.report.provenance import describe_provenance
from analysis.report.safe import embed, hash_source
from analysis.report.sections import Section
from analysis.report.swatches import make_swatch
from analysis.report.text_tables import Shown
from analysis.report.trials import TrialTable
from spaces.common.errors import escape_text

SCRIPTS = ("plots.js", "parallel.js", "tables.js", "page.js")
NOTHING = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",  # plotly makes its own style sheet.
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}


@dataclass(frozen=True, eq=False)
class Plot:
    """A figure of the page.

    Attributes:
        drawing: what it shows.
        file: its files' name without the ending.
        panels: (title, height in pixels) of each.
        data: its panels as JSON for a script tag.
        legend: its entries.
        wide: whether each panel takes the whole width.
    """

    drawing: Drawing
    file: str
    panels: list[tuple[str, int]]
    data: Markup
    legend: list[Entry]
    wide: bool


def render_page(
    evidence: Evidence,
    sections: Sequence[Section],
    figures: Mapping[str, Drawing | str],
    tables: Mapping[str, Shown],
    trials: TrialTable,
    sentences: Sequence[str],
) -> bytes:
    """Renders the page, in UTF-8."""
    names = list_names(evidence.runs)
    several = len(names) > 1
    scripts = [get_plotlyjs(), "\n".join(_read_part(name) for name in SCRIPTS)]
    policy = NOTHING | {"script-src": " ".join(map(hash_source, scripts))}
    text = _load_template().render(
        policy="; ".join(f"{what} {value}" for what, value in policy.items()),
        title=escape_text(", ".join(run.path.resolve().name for run in evidence.runs)),
        runs=[
            (name, run.spec, len(run.trials), len(run.epochs)) for name, run in zip(names, evidence.runs, strict=True)
        ],
        missing=[
            escape_text(line)
            for name, run in zip(names, evidence.runs, strict=True)
            for line in explain_missing(run, name if several else "")
        ],
        sections=[section for section in sections if section.figures or section.tables or section.id in OWN],
        sentences=sentences,
        plots={
            name: _plot(drawing, trials) if isinstance(drawing, Drawing) else drawing
            for name, drawing in figures.items()
        },
        tables=tables,
        origins=[describe_provenance(run, name) for name, run in zip(names, evidence.runs, strict=True)],
        count=len(trials.keys),
        trials=Markup(embed(trials.data)),
        colours=Markup(embed({"dark": theme.darken(), "scale": theme.SEQUENTIAL})),
        variables=Markup(_make_variables()),
        css=Markup(_read_part("page.css")),
        scripts=list(map(Markup, scripts)),
    )
    return text.encode("utf-8", "replace")


OWN = ("summary", "provenance", "trials")  # Sections whose content comes neither from figures nor from tables.


@cache
def _read_part(name: str) -> str:
    return (resources.files("analysis.report") / "page" / name).read_text(encoding="utf-8")


def _load_template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"slug": make_slug, "swatch": make_swatch, "escaped": escape_text}
    environment.globals |= {"rows_of": _list_rows, "is_text": lambda value: isinstance(value, str)}
    return environment.get_template("report.html.j2")


def _plot(drawing: Drawing, trials: TrialTable) -> Plot:
    drawn = make_panels(drawing, trials.row)
    return Plot(
        drawing,
        make_slug(drawing.name),
        [(panel.title, data["height"]) for panel, data in zip(drawing.panels, drawn, strict=True)],
        Markup(embed(drawn)),
        place_legend(drawing),
        drawing.columns == 1 or len(drawn) == 1 or any("parallel" in data for data in drawn),
    )


def _list_rows(cells: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """(column, text) of every cell, row by row."""
    return [
        [(str(name), escape_text(text)) for name, text in zip(cells.columns, row, strict=True)]
        for row in cells.itertuples(index=False)
    ]


def _make_variables() -> str:
    """The theme as CSS variables: on white, on dark."""
    named: dict[str, Any] = {
        "ink": theme.INK,
        "muted": theme.MUTED,
        "grid": theme.GRID,
        "surface": theme.SURFACE,
        **{f"g{number}": pair for number, pair in enumerate(theme.COLOURS)},
    }
    return "".join(f"--{name}:light-dark({light},{dark});" for name, (light, dark) in named.items())
