"""Where names stand beside their points, so that they hide neither one another nor a point."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from analysis.figures.figure import Axis, Panel, Points

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


def choose_places(panel: Panel) -> dict[int, list[str]]:
    """For each mark of a panel whose texts stand beside its points, by its place among them: the texts' places."""
    named = [(i, mark) for i, mark in enumerate(panel.marks) if isinstance(mark, Points) and mark.named and mark.texts]
    marks = [mark for mark in panel.marks if isinstance(mark, Points)]
    if not named:
        return {}
    across = _scale(panel.x, [mark.x for mark in marks], WIDTH)
    up = _scale(panel.y, [mark.y for mark in marks], HEIGHT)
    points = [(across(x), up(y), 3.0, 3.0) for mark in marks for x, y in zip(mark.x, mark.y, strict=True)]
    taken = [point for point in points if np.isfinite(point[0] + point[1])]
    found: dict[int, list[str]] = {}
    for place, mark in named:
        found[place] = []
        for x, y, text in zip(mark.x, mark.y, mark.texts, strict=True):
            box, name = _pick_best(across(x), up(y), text, taken)
            found[place].append(name)
            taken.append(box)
    return found


Box = tuple[float, float, float, float]


def _pick_best(x: float, y: float, text: str, taken: Sequence[Box]) -> tuple[Box, str]:
    """The place with the least overlap; the first of equals."""
    half = LETTER * len(text) / 2
    boxes = {
        name: (x + right * (half + GAP), y + above * (LINE / 2 + (GAP if not right else GAP / 2)), half, LINE / 2)
        for name, (right, above) in PLACES.items()
    }
    name = min(
        boxes,
        key=lambda name: _measure_outside(boxes[name]) + sum(_measure_overlap(boxes[name], other) for other in taken),
    )
    return boxes[name], name


def _measure_overlap(one: Box, other: Box) -> float:
    wide = one[2] + other[2] - abs(one[0] - other[0])
    high = one[3] + other[3] - abs(one[1] - other[1])
    return wide * high if wide > 0 and high > 0 else 0.0


def _measure_outside(box: Box) -> float:
    beyond = max(0.0, box[2] - box[0]) + max(0.0, box[0] + box[2] - WIDTH)
    return beyond * LINE


def _scale(axis: Axis, columns: Sequence[Sequence[float] | np.ndarray], size: float):
    """A function from a value to pixels of the panel."""
    shown = (lambda value: np.log10(value) if value > 0 else np.nan) if axis.log else float
    values = np.array([shown(value) for column in columns for value in column])
    values = values[np.isfinite(values)]
    low = shown(axis.low) if axis.low is not None else values.min() if len(values) else 0.0
    high = shown(axis.high) if axis.high is not None else values.max() if len(values) else 1.0
    margin = 0.06 * (high - low) or 0.5
    return lambda value: float((shown(value) - low + margin) / (high - low + 2 * margin) * size)
