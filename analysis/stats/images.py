"""What the test images add to the seeds: the test set is a sample too, and the same one for every network.

Whether seed s is right about image i is x_si, 0 or 1. In a table of seeds x images the mean varies with both, and the
two-way analysis of variance tells the parts apart (Searle, Casella and McCulloch, Variance Components, 1992, section
4.3; in reader studies, where seeds are readers and images are cases: Gallas et al., Acad. Radiol. 16, 2009):

    var(mean) = var(seeds' means) / n + var(images' means) / m - residual mean square / (n m)

Each of the first two contains the last, which would count twice. For two networks, with seeds of their own on the same
images, the second is of the images' differences, so that an image that is hard for both cancels.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, NamedTuple

import numpy as np
import scipy  # Only scipy.special, as in ``samples``.

from analysis.stats.samples import CONFIDENCE, Difference

DRAWS = 2000
"""Bootstrap samples: their percentiles are good to a thirtieth of the interval."""


@dataclass(frozen=True, eq=False)
class Sample:
    """A network's seeds on the test images.

    Or its searches, each with the share of its seeds that are right about an image; or the differences of two
    networks' shares, search by search.

    Attributes:
        accuracies: after the last epoch, in percent, one per seed.
        images: how many test images there are.
        right: bool (seeds, images), in the order of the accuracies, or shares; None where predictions were not kept.
    """

    accuracies: np.ndarray
    images: int
    right: np.ndarray | None = None

    @cached_property
    def by_image(self) -> np.ndarray | None:
        """Each image's percentage of seeds that are right about it."""
        return None if self.right is None else 100.0 * self.right.mean(axis=0)

    @cached_property
    def residual(self) -> float:
        """The residual mean square of seeds x images, in squared points."""
        assert self.right is not None
        assert self.by_image is not None
        n, m = self.right.shape
        squares = 1e4 * np.einsum("ij,ij->", self.right, self.right, dtype=float)
        total = squares - n * m * self.by_image.mean() ** 2
        seeds, images = 1e4 * np.var(self.right.mean(axis=1)) * n * m, np.var(self.by_image) * n * m
        return float((total - seeds - images) / ((n - 1) * (m - 1)))

    @property
    def image_variance(self) -> float:
        """Of the mean by the images alone, in squared points, without what the images do by chance to single seeds."""
        assert self.right is not None
        assert self.by_image is not None
        n, m = self.right.shape
        return float(np.var(self.by_image, ddof=1)) / m - self.residual / (n * m)


class Errors(NamedTuple):
    """Standard errors in points, of a mean or of a difference of two means.

    Attributes:
        value: the mean or the difference, in percent or points.
        seeds: the error by the seeds, if the test images are these for ever.
        seeds_freedom: its degrees of freedom, for two networks Welch's.
        images: the error by the images, if the seeds are these for ever.
        both: the error by both.
        freedom: its degrees of freedom (Satterthwaite).
    """

    value: float
    seeds: float
    seeds_freedom: float
    images: float
    both: float
    freedom: float


def compute_binomial_error(accuracy: float, images: int) -> float:
    """The standard error of one network's accuracy in percent, by the test images alone.

    >>> round(compute_binomial_error(97.3, 10_000), 2)
    0.16
    """
    return math.sqrt(accuracy * (100.0 - accuracy) / images)


def measure_errors(*samples: Sample) -> Errors:
    """The errors of a network's mean, or of the difference of two networks' means; each needs two seeds.

    Where predictions were not kept the images' error is the binomial one, as if each network had images of its own. It
    is an upper limit: seeds share their images, and two networks find the same images hard.
    """
    terms = [float(np.var(one.accuracies, ddof=1)) / len(one.accuracies) for one in samples]
    means, m = [float(np.mean(one.accuracies)) for one in samples], samples[0].images
    shares = [one.by_image for one in samples if one.by_image is not None]
    if len(shares) == len(samples):
        images = float(np.var(_subtract(shares), ddof=1)) / m
        twice = sum(one.residual / len(one.accuracies) / m for one in samples)
    else:
        images, twice = sum(compute_binomial_error(mean, m) ** 2 for mean in means), 0.0
    seeds = sum(terms)
    both = max(seeds + images - twice, seeds, images)
    parts = sum(term**2 / (len(one.accuracies) - 1) for term, one in zip(terms, samples, strict=True))
    freedom = both**2 / (parts + images**2 / (m - 1)) if both else math.nan
    seeds_freedom = seeds**2 / parts if parts else math.nan
    return Errors(_subtract(means), math.sqrt(seeds), seeds_freedom, math.sqrt(images), math.sqrt(both), freedom)


def _subtract(values: Sequence[Any]) -> Any:
    return values[0] - values[1] if len(values) > 1 else values[0]


def find_interval(errors: Errors, confidence: float = CONFIDENCE) -> Difference:
    """The Student-t interval by seeds and images, and the two-sided p-value that the value is 0.

    It is never narrower than the one by seeds alone, which has fewer degrees of freedom.
    """
    ways = ((errors.seeds, errors.seeds_freedom), (errors.both, errors.freedom))
    known = [(error, freedom) for error, freedom in ways if error > 0]
    if not known:
        return Difference(errors.value)
    half = max(error * float(scipy.special.stdtrit(freedom, (1 + confidence) / 2)) for error, freedom in known)
    p = max(2 * float(scipy.special.stdtr(freedom, -abs(errors.value) / error)) for error, freedom in known)
    return Difference(errors.value, errors.value - half, errors.value + half, p)


def resample_images(first: np.ndarray, second: np.ndarray, draws: int = DRAWS, seed: int = 0) -> tuple[float, float]:
    """The 95 % bootstrap interval of the mean difference of two networks' ``by_image``: these seeds, other images.

    Drawing images with replacement and counting how often each difference is drawn are the same; there are few.
    """
    values, counts = np.unique(first - second, return_counts=True)
    drawn = np.random.default_rng(seed).multinomial(counts.sum(), counts / counts.sum(), draws)
    low, high = np.quantile(drawn @ values / counts.sum(), [(1 - CONFIDENCE) / 2, (1 + CONFIDENCE) / 2])
    return float(low), float(high)


def compute_mcnemar(first: np.ndarray, second: np.ndarray) -> float:
    """McNemar's exact two-sided p-value that two trained networks are right equally often (McNemar, 1947).

    Only images about which one of the two is right count; under the hypothesis it is each with probability 1/2.

    Args:
        first: bool (images,): whether the first network was right.
        second: whether the second was, about the same images.
    """
    ours, theirs = int((first & ~second).sum()), int((second & ~first).sum())
    return min(1.0, 2 * float(scipy.special.bdtr(min(ours, theirs), ours + theirs, 0.5)))


def list_mcnemar(first: np.ndarray, second: np.ndarray) -> list[float]:
    """``compute_mcnemar`` of each pair of seeds, the n-th of one with the n-th of the other; bool (seeds, images)."""
    return [compute_mcnemar(ours, theirs) for ours, theirs in zip(first, second, strict=False)]
