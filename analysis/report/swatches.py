"""The small pictures of a legend, in colours that follow the page."""

from __future__ import annotations

from markupsafe import Markup

from analysis.render.layout import Entry

SVG = Markup('<svg class="swatch" viewBox="-14 -7 28 14" width="28" height="14" aria-hidden="true">{}</svg>')
STROKE = Markup('<path d="M-13,0H13" stroke="{}" stroke-width="2"{}/>')
MARKER = Markup('<path d="{}" transform="scale(4.5)" fill="{}" stroke="{}" stroke-width=".35"/>')


def make_swatch(entry: Entry) -> Markup:
    """An entry of a legend as SVG."""
    colour = f"var(--g{entry.look.number})" if entry.look.number >= 0 else "var(--muted)"
    line = STROKE.format(colour, Markup(' stroke-dasharray="5 4"') if entry.dashed else "")
    return SVG.format(line + MARKER.format(entry.look.path, colour, colour) if entry.marked else line)
