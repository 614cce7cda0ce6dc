"""Parallel coordinates as both renderers draw them: every axis goes from 0 at its foot to 1 at its head."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from analysis.figures.figure import Axis, Parallel
from analysis.render.layout import format_tick

FEW = 8  # Different values that are all written at their axis, if there is room between them.
TICKS = 5
LOWEST = 0.1
LINE = 0.06  # Of an axis: what a number takes, in the page and on paper.
WIDEST_RIBBON, SHARE_OF_GAP = 0.12, 0.6


class Scaled(NamedTuple):
    """One vertical axis."""

    label: str  # Below or above it.
    heights: np.ndarray  # Of each line, 0 to 1; NaN where a trial has no value.
    ticks: list[tuple[float, str]]  # (height, text).


def scale_values(parallel: Parallel) -> list[Scaled]:
    """The axes of parallel coordinates with the heights of every line."""
    colour = np.asarray(parallel.colour, float)
    columns = zip(parallel.axes, parallel.values, strict=True)
    return [_spread_labels(_scale_values(axis, np.asarray(values, float)), colour) for axis, values in columns]


def find_colour_range(parallel: Parallel) -> tuple[float, float]:
    """The colours at the ends of the scale; 0 and 1 where there is none.

    The lowest tenth shares one colour: a few trials that learned nothing would leave no difference to the others.
    """
    finite = np.asarray(parallel.colour, float)
    finite = finite[np.isfinite(finite)]
    if not len(finite):
        return 0.0, 1.0
    low, high = float(np.quantile(finite, LOWEST)), float(finite.max())
    return (low, high) if high > low else (low, low + 1.0)


def sort_by_colour(colour: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Those rows from the lowest colour to the highest; rows without one come first."""
    return rows[np.argsort(np.where(np.isfinite(colour), colour, -np.inf)[rows], kind="stable")]


def _spread_labels(axis: Scaled, colour: np.ndarray) -> Scaled:
    """Where many lines share few values, each value becomes a ribbon with the lowest colour at its foot.

    Otherwise the lines of a grid would lie on one another, and only the last could be seen.
    """
    known = np.unique(axis.heights[np.isfinite(axis.heights)])
    if not 1 < len(known) <= FEW or len(colour) <= len(known):
        return axis
    ribbon = min(WIDEST_RIBBON, SHARE_OF_GAP * float(np.diff(known).min()))
    room = 1.0 - ribbon
    heights = axis.heights * room + ribbon / 2
    for value in known:
        order = sort_by_colour(colour, np.flatnonzero(axis.heights == value))
        heights[order] += (np.arange(len(order)) / max(1, len(order) - 1) - 0.5) * ribbon if len(order) > 1 else 0.0
    return Scaled(axis.label, heights, [(at * room + ribbon / 2, text) for at, text in axis.ticks])


def _scale_values(axis: Axis, values: np.ndarray) -> Scaled:
    if axis.log:
        with np.errstate(divide="ignore", invalid="ignore"):
            values = np.where(values > 0, np.log10(values), np.nan)
    known = np.unique(values[np.isfinite(values)])
    low, high = (known[0], known[-1]) if len(known) else (0.0, 1.0)
    if axis.low is not None and axis.high is not None:
        low, high = axis.low, axis.high
    low, high = (low, high) if high > low else (low - 0.5, low + 0.5)
    if axis.categories:
        ticks = [((place - low) / (high - low), name) for place, name in enumerate(axis.categories)]
        return Scaled(axis.label, (values - low) / (high - low), ticks)
    legible = 0 < len(known) <= FEW and (np.diff(known) >= LINE * (high - low)).all()
    at = known if legible else _round_numbers(low, high, axis.log)
    ticks = [(float((value - low) / (high - low)), format_tick(10.0**value if axis.log else value)) for value in at]
    return Scaled(
        axis.label,
        (values - low) / (high - low),
        [tick for tick in ticks if -0.001 <= tick[0] <= 1.001],
    )


def _round_numbers(low: float, high: float, log: bool) -> np.ndarray:
    if not log:
        rough = (high - low) / TICKS
        unit = 10.0 ** np.floor(np.log10(rough))
        step = unit * min((1, 2, 5, 10), key=lambda factor: abs(factor * unit - rough))
        return np.arange(np.ceil(low / step - 1e-9), np.floor(high / step + 1e-9) + 1) * step
    if high - low < 1.0:
        return np.linspace(low, high, TICKS)
    powers = np.arange(np.ceil(low - 1e-9), np.floor(high + 1e-9) + 1)
    if len(powers) >= TICKS - 2:
        return powers[:: max(1, -(-len(powers) // FEW))]
    between = np.add.outer(np.append(powers[0] - 1, powers), np.log10([1, 2, 5])).ravel()
    return between[(between >= low) & (between <= high)]
