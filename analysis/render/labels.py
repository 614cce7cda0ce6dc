"""Where names stand beside their points, so that they hide neither one another nor a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.figures.figure import Axis, Panel, Points
from analysis.render.layout import break_name

# Sizes in pixels of an ordinary panel; only their proportions matter.
WIDTH, HEIGHT = 380.0, 260.0
LETTER, LINE, GAP = 6.2, 13.0, 8.0
# plotly's name -> (x, y) of the text's middle, in halves of its size and gaps from the point.
PLACES = {
    "top center": (0, 1),
    "bottom center": (0, -1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, 1),
    "top left": (-1, 1),
    "bottom right": (1, -1),
    "bottom left": (-1, -1),
}
Box = tuple[float, float, float, float]  # The middle, and half of the width and of the height.


def choose_places(panel: Panel) -> dict[Points, list[str]]:
    """For each mark of a panel whose texts stand beside its points: the texts' places."""
    marks = [mark for mark in panel.marks if isinstance(mark, Points)]
    found: dict[Points, list[str]] = {mark: [] for mark in marks if mark.named and mark.texts}
    if not found:
        return found
    across = _scale(panel.x, [mark.x for mark in marks], WIDTH)
    up = _scale(panel.y, [mark.y for mark in marks], HEIGHT)
    points = [(across(x), up(y), 3.0, 3.0) for mark in marks for x, y in zip(mark.x, mark.y, strict=True)]
    taken = [point for point in points if np.isfinite(point[0] + point[1])]
    for mark, places in found.items():
        for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
            place, box = _pick_best(across(x), up(y), text, taken)
            places.append(place)
            taken.append(box)
    return found


def _pick_best(x: float, y: float, text: str, taken: Sequence[Box]) -> tuple[str, Box]:
    """The place with the least overlap; the first of equals."""
    lines = break_name(text).split("\n")
    half, tall = LETTER * max(map(len, lines)) / 2, LINE * len(lines) / 2
    boxes = {
        name: (x + right * (half + GAP), y + above * (tall + (GAP if not right else GAP / 2)), half, tall)
        for name, (right, above) in PLACES.items()
    }

    def measure_hidden(place: str) -> float:
        across, up, wide, high = boxes[place]
        outside = max(0.0, wide - across) + max(0.0, across + wide - WIDTH)
        shared = [(wide + box[2] - abs(across - box[0]), high + box[3] - abs(up - box[1])) for box in taken]
        return outside * LINE + sum(width * height for width, height in shared if width > 0 and height > 0)

    best = min(boxes, key=measure_hidden)
    return best, boxes[best]


def _scale(axis: Axis, columns: Sequence[Sequence[float] | np.ndarray], size: float):
    """A function from a value to pixels of the panel."""
    shown = (lambda value: np.log10(value) if value > 0 else np.nan) if axis.log else float
    values = np.array([shown(value) for column in columns for value in column])
    values = values[np.isfinite(values)]
    low = shown(axis.low) if axis.low is not None else values.min() if len(values) else 0.0
    high = shown(axis.high) if axis.high is not None else values.max() if len(values) else 1.0
    margin = 0.06 * (high - low) or 0.5
    return lambda value: float((shown(value) - low + margin) / (high - low + 2 * margin) * size)
