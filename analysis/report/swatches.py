"""The small pictures of a legend, in colours that follow the page."""

from __future__ import annotations

from markupsafe import Markup

from analysis.render.layout import Entry

SVG = Markup('<svg class="swatch" viewBox="-14 -7 28 14" width="28" height="14" aria-hidden="true">{}</svg>')
STROKE = Markup('<path d="M-13,0H13" stroke="{}" stroke-width="2"{}/>')
MARKER = Markup('<path d="{}" transform="scale(4.5)" fill="{}" stroke="{}" stroke-width=".35"/>')
BAR = Markup('<rect x="-11" y="-5" width="22" height="10" fill="{}"/>')


def swatch(entry: Entry) -> Markup:
    """An entry of a legend as SVG."""
    colour = f"var(--g{entry.look.number})" if entry.look.number >= 0 else "var(--muted)"
    if entry.kind == "bar":
        return SVG.format(BAR.format(colour))
    if entry.kind == "dashed":
        return SVG.format(STROKE.format(colour, Markup(' stroke-dasharray="5 4"')))
    fill = "var(--surface)" if entry.kind == "hollow" else colour
    marker = MARKER.format(entry.look.path, fill, colour)
    line = STROKE.format(colour, "")
    if entry.kind == "line":
        return SVG.format(line + marker if entry.look.number >= 0 else line)
    return SVG.format(marker)
