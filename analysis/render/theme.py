"""One look for all plots, on screens and on paper.

The colours are those of Okabe and Ito (2008), which people with any kind of colour vision can tell apart, made darker
for white paper and lighter for dark screens until each has a contrast of at least 3 : 1 with its background
(WCAG 2.2, 1.4.11). Colour is never the only cue: each group has its own marker too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

COLOURS = (  # On white, on dark.
    ("#0072b2", "#3f9be0"),  # Blue.
    ("#d55e00", "#ff7f32"),  # Vermilion.
    ("#00875f", "#18b88a"),  # Green.
    ("#b5548f", "#e59ac6"),  # Purple.
    ("#a87400", "#e69f00"),  # Orange.
    ("#2e93d1", "#9adcf7"),  # Sky blue.
    ("#857a00", "#f0e442"),  # Yellow.
    ("#4a4a4a", "#bbbbbb"),  # Grey.
)
# Each marker as plotly, matplotlib and SVG know it; the path is drawn in a box from -1 to 1.
SYMBOLS = (
    ("circle", "o", "M1,0A1,1 0 1 1 -1,0A1,1 0 1 1 1,0Z"),
    ("square", "s", "M-.86,-.86H.86V.86H-.86Z"),
    ("diamond", "D", "M0,-1.15L1.15,0L0,1.15L-1.15,0Z"),
    ("triangle-up", "^", "M0,-1.1L1.05,.8H-1.05Z"),
    ("triangle-down", "v", "M0,1.1L1.05,-.8H-1.05Z"),
    ("cross", "P", "M-.4,-1H.4V-.4H1V.4H.4V1H-.4V.4H-1V-.4H-.4Z"),
    ("pentagon", "p", "M0,-1.1L1.05,-.34L.65,.89H-.65L-1.05,-.34Z"),
    ("hexagon", "h", "M1,-.55V.55L0,1.1L-1,.55V-.55L0,-1.1Z"),
)
# What is drawn around the data: (on white, on dark).
INK = ("#1d1f24", "#e6e6e9")
MUTED = ("#5c6068", "#a3a7b0")
GRID = ("#e3e5e9", "#33363d")
SURFACE = ("#ffffff", "#17191e")
# Perceptually uniform (viridis). The highest values stand out: its dark end on white, its light end on dark.
SEQUENTIAL = (
    "#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725",
)  # fmt: skip
# Of the numbers in a heat map: (on white, on dark), by what can be read on the cell in each of the two.
CELL_INK = {
    (False, False): ("#000000", "#000000"),
    (False, True): ("#000001", "#fefefe"),  # Each colour on white has one counterpart on dark.
    (True, False): ("#fefeff", "#000000"),
    (True, True): ("#fefefe", "#fefefe"),
}
AROUND = "-1px -1px 1px {0}, -1px 1px 1px {0}, 1px -1px 1px {0}, 1px 1px 1px {0}"
HALO = (AROUND.format(SURFACE[0]), AROUND.format(SURFACE[1]))  # Around names, so that no line runs through them.
FONT = "system-ui, -apple-system, 'Segoe UI', Roboto, 'Noto Sans', 'DejaVu Sans', sans-serif"
SCREEN_FONT_PX = 13
PAPER_FONT_PT = 8
MARKER_PX = 7
THIN_OPACITY = 0.35
BAND_OPACITY = 0.18
BAR = 0.72  # How thick bars are, of the room between two categories.


class Look(NamedTuple):
    """How a group is drawn: one of ``COLOURS``, one of ``SYMBOLS``, and the colour's number."""

    colour: str
    dark: str
    symbol: str
    marker: str
    path: str
    number: int  # -1 for what belongs to no group.


def choose_look(group: str, groups: Sequence[str]) -> Look:
    """The look of a group by its place in ``groups``; what is not among them is drawn in muted ink.

    Colours repeat after 8 groups, with other markers, so the first 64 groups differ.
    """
    if group not in groups:
        return Look(*MUTED, *SYMBOLS[0], -1)
    place = list(groups).index(group)
    number = place % len(COLOURS)
    return Look(*COLOURS[number], *SYMBOLS[(place + place // len(COLOURS)) % len(SYMBOLS)], number)


def compute_luminance(colour: str) -> float:
    """How bright a hex colour is, from 0 to 1 (WCAG 2.2)."""
    parts = [int(colour[start : start + 2], 16) / 255 for start in (1, 3, 5)]
    red, green, blue = [part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in parts]
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def measure_contrast(one: str, other: str) -> float:
    """The contrast of two hex colours, from 1 to 21 (WCAG 2.2).

    >>> round(measure_contrast("#000000", "#ffffff"), 6)
    21.0
    """
    low, high = sorted((compute_luminance(one), compute_luminance(other)))
    return (high + 0.05) / (low + 0.05)


def choose_cell_ink(share: float) -> tuple[str, str]:
    """The colours of a number, on white and on dark, that are easiest to read at this share of the colour scale."""
    there = min(1.0, max(0.0, share))
    cells = [SEQUENTIAL[round(at * (len(SEQUENTIAL) - 1))] for at in (1.0 - there, there)]
    light, dark = (measure_contrast(cell, "#ffffff") > measure_contrast(cell, "#000000") for cell in cells)
    return CELL_INK[light, dark]
