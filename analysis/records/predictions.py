"""Which test images each rerun classified correctly, and how many there are."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import numpy as np

from analysis.records.reader import Run

MAX_IMAGES = 10**6
LEAST_VALUES = 10
"""Different accuracies that tell how many images there are: that all of ten miss a factor of 2 is one in a thousand."""


def stack_right(run: Run, trial_ids: Iterable[str]) -> np.ndarray | None:
    """Whether each trial was right about each test image, bool (trials, images); None unless all kept predictions."""
    kept = [run.predictions.get(trial_id) for trial_id in trial_ids]
    if not kept or len({None if one is None else (one.labels, one.images) for one in kept} - {None}) != 1:
        return None
    if any(one is None for one in kept):
        return None
    return np.stack([np.frombuffer(one.unpack(), f"<u{one.width}") == 0 for one in kept if one is not None])


def count_test_images(run: Run) -> int | None:
    """How many test images a run has; None where that cannot be known.

    Records from before predictions were kept do not say it. But each accuracy is a whole number of images divided by
    it, so it is the common denominator of enough of them.
    """
    if run.predictions:
        return next(iter(run.predictions.values())).images
    return find_denominator(run.epochs["test_accuracy"].dropna().unique())


def find_denominator(fractions: Iterable[float]) -> int | None:
    """The least number that all fractions are whole multiples of one over; None unless it is clear.

    >>> find_denominator(k / 450 for k in range(400, 420))
    450
    """
    values = {float(value) for value in fractions} - {0.0, 1.0}
    exact = [Fraction(value).limit_denominator(MAX_IMAGES) for value in values]
    missed = any(abs(float(near) - value) > 1e-12 for near, value in zip(exact, values, strict=True))
    if missed or len(values) < LEAST_VALUES:
        return None
    found = math.lcm(*(near.denominator for near in exact))
    return found if found <= MAX_IMAGES else None
