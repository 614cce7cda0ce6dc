"""The page: one HTML file with everything in it, so that it can be opened, sent and kept without a network.

Nothing that a run folder holds may become markup or script.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Mapping, Sequence
from functools import cache
from importlib import resources
from typing import Any, NamedTuple

import jinja2
import pandas as pd
from markupsafe import Markup
from plotly.offline import get_plotlyjs

from analysis.evidence import Evidence
from analysis.figures.figure import Drawing
from analysis.render import theme
from analysis.render.layout import Entry, place_legend
from analysis.render.screen import make_panels
from analysis.report.files import make_slug
from analysis.report.provenance import describe_provenance
from analysis.report.sections import Section
from analysis.report.summary import explain_missing, summarize
from analysis.report.text_tables import Shown
from analysis.report.trials import TrialTable
from spaces.common.errors import escape_text

SCRIPTS = ("plots.js", "parallel.js", "tables.js", "page.js")
LIVE = "live.js"
OWN = ("summary", "provenance", "trials")  # Sections whose content comes neither from figures nor from tables.
NOTHING = {
    "default-src": "'none'",
    "style-src": "'unsafe-inline'",  # plotly makes its own style sheet.
    "img-src": "data:",
    "base-uri": "'none'",
    "form-action": "'none'",
}
# JSON allows them as escapes, and HTML and JavaScript give the characters themselves a meaning.
ESCAPES = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&\u2028\u2029"})
# The small pictures of a legend, in colours that follow the page.
SWATCH = Markup('<svg class="swatch" viewBox="-14 -7 28 14" width="28" height="14" aria-hidden="true">{}</svg>')
STROKE = Markup('<path d="M-13,0H13" stroke="{}" stroke-width="2"{}/>')
MARKER = Markup('<path d="{}" transform="scale(4.5)" fill="{}" stroke="{}" stroke-width=".35"/>')


class Plot(NamedTuple):
    """A figure of the page."""

    drawing: Drawing
    file: str  # Its files' name without the ending.
    panels: list[tuple[str, int]]  # (title, height in pixels) of each.
    data: Markup  # Its panels as JSON for a script tag.
    legend: list[Entry]
    wide: bool  # Whether each panel takes the whole width.
    focused: bool  # Whether its vertical axes show only what matters at first.


def render_page(
    evidence: Evidence,
    sections: Sequence[Section],
    figures: Mapping[str, Drawing | str],
    tables: Mapping[str, Shown],
    trials: TrialTable,
    live: str | None = None,
    beside: bool = False,
) -> bytes:
    """Renders the page, in UTF-8.

    Args:
        evidence: what the page is about.
        sections: in their order.
        figures: by name; a sentence where there is nothing to draw.
        tables: by name.
        trials: the table of all trials.
        live: the version of a page that asks its server for the next.
        beside: whether all figures and tables lie beside the page as files, so that it links to them.
    """
    runs = list(zip(evidence.names, evidence.runs, strict=True))
    scripts = [get_plotlyjs(), "\n".join(_read_part(name) for name in (*SCRIPTS, *[LIVE] * (live is not None)))]
    hashes = [base64.b64encode(hashlib.sha256(script.encode()).digest()).decode() for script in scripts]
    policy = NOTHING | {"script-src": " ".join(f"'sha256-{code}'" for code in hashes)}  # No other script runs.
    policy |= {} if live is None else {"connect-src": "'self'"}
    environment = jinja2.Environment(
        loader=jinja2.FunctionLoader(_read_part),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"slug": make_slug, "swatch": _make_swatch, "escaped": escape_text, "as_data": _make_address}
    environment.filters["counted"] = lambda number, noun: f"{number:,} {noun}{'s' * (number != 1)}"
    environment.globals |= {"rows_of": _list_rows, "is_text": lambda value: isinstance(value, str)}
    pairs = {"ink": theme.INK, "muted": theme.MUTED, "grid": theme.GRID, "surface": theme.SURFACE}
    pairs |= {f"g{number}": pair for number, pair in enumerate(theme.COLOURS)}
    dark = dict([*pairs.values(), *theme.CELL_INK.values(), theme.HALO])  # On white -> its counterpart on dark.
    text = environment.get_template("report.html.j2").render(
        policy="; ".join(f"{what} {value}" for what, value in policy.items()),
        title=escape_text(", ".join(run.path.resolve().name for run in evidence.runs)),
        runs=[(name, run.spec, len(run.trials), len(run.epochs)) for name, run in runs],
        missing=[
            escape_text(line)
            for name, run in runs
            for line in explain_missing(run, f"{name}: " if len(runs) > 1 else "")
        ],
        sections=[section for section in sections if section.figures or section.tables or section.id in OWN],
        summary=summarize(evidence),
        plots={
            name: _plot(drawing, trials) if isinstance(drawing, Drawing) else drawing
            for name, drawing in figures.items()
        },
        tables=tables,
        origins=[describe_provenance(run, name) for name, run in runs],
        count=len(trials.keys),
        trials=_embed(trials.data),
        colours=_embed({"dark": dark, "scale": theme.SEQUENTIAL}),
        variables=Markup("".join(f"--{name}:light-dark({','.join(pair)});" for name, pair in pairs.items())),
        css=Markup(_read_part("page.css")),
        scripts=list(map(Markup, scripts)),
        live=live,
        beside=beside,
    )
    return text.encode("utf-8", "replace")


@cache
def _read_part(name: str) -> str:
    return (resources.files("analysis.report") / "page" / name).read_text(encoding="utf-8")


def _plot(drawing: Drawing, trials: TrialTable) -> Plot:
    drawn = make_panels(drawing, trials.row)
    panels = [(panel.title, data["height"]) for panel, data in zip(drawing.panels, drawn, strict=True)]
    wide = drawing.columns == 1 or len(drawn) == 1 or any("parallel" in data for data in drawn)
    focused = any("whole" in data for data in drawn)
    return Plot(drawing, make_slug(drawing.name), panels, _embed(drawn), place_legend(drawing), wide, focused)


def _embed(content: Any) -> Markup:
    """Plain data as JSON that can stand between ``<script>`` tags; a number that is not finite is an error."""
    return Markup(json.dumps(content, allow_nan=False, separators=(",", ":")).translate(ESCAPES))


def _make_address(text: str, ending: str) -> str:
    """A small file as an address that holds it: a page that was sent alone still has it."""
    kind = {"csv": "text/csv", "md": "text/markdown"}.get(ending, "text/plain")
    content = base64.b64encode((text.rstrip() + "\n").encode("utf-8", "replace")).decode()
    return f"data:{kind};charset=utf-8;base64,{content}"


def _list_rows(cells: pd.DataFrame) -> list[list[tuple[str, str]]]:
    """(column, text) of every cell, row by row."""
    rows = cells.itertuples(index=False)
    return [[(str(name), escape_text(text)) for name, text in zip(cells.columns, row, strict=True)] for row in rows]


def _make_swatch(entry: Entry) -> Markup:
    colour = f"var(--g{entry.look.number})" if entry.look.number >= 0 else "var(--muted)"
    line = STROKE.format(colour, Markup(' stroke-dasharray="5 4"') if entry.dashed else "")
    return SWATCH.format(line + MARKER.format(entry.look.path, colour, colour) if entry.marked else line)
