"""Do the intervals of a difference cover the truth as often as they say? ``python -m benchmarks.images``.

Two networks are simulated on the same images, with known truth. Seed s of a network is right about image i with the
probability Phi(level + a_s + b_i + c_i), where a (of the seed), b (of the image, the same for both networks) and c (of
the image for this network) are normal with given standard deviations. Over all seeds and images its accuracy is then
Phi(level / sqrt(1 + a^2 + b^2 + c^2)) exactly. Each experiment draws seeds and images anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import scipy

from analysis.stats.images import Sample, find_interval, measure_errors, resample_images
from analysis.stats.samples import compare_by_welch
from benchmarks.common.options import print_lines

EXPERIMENTS = 2000
RESAMPLES = 300  # Of the two-way bootstrap, which is only a contender.
ENDS = (0.025, 0.975)


@dataclass(frozen=True)
class World:
    """A known truth.

    Attributes:
        name: what is special about it.
        levels: of the two networks.
        seeds: of each network.
        images: of the test set.
        spreads: the standard deviations a, b and c.
    """

    name: str
    levels: tuple[float, float]
    seeds: int
    images: int
    spreads: tuple[float, float, float]

    @property
    def truths(self) -> tuple[float, float]:
        """The accuracies of both networks over all seeds and images, in percent."""
        root = np.sqrt(1 + np.square(self.spreads).sum())
        first, second = 100 * scipy.special.ndtr(np.array(self.levels) / root)
        return float(first), float(second)

    def draw(self, rng: np.random.Generator) -> tuple[Sample, Sample]:
        """One experiment: both networks' seeds on one draw of images."""
        by_seed, by_image, by_both = self.spreads
        shared = by_image * rng.standard_normal(self.images)
        first, second = (self._draw(rng, level + shared, by_seed, by_both) for level in self.levels)
        return first, second

    def _draw(self, rng: np.random.Generator, means: np.ndarray, by_seed: float, by_both: float) -> Sample:
        means = means + by_both * rng.standard_normal(self.images)
        chances = scipy.special.ndtr(by_seed * rng.standard_normal((self.seeds, 1)) + means)
        right = rng.random(chances.shape) < chances
        return Sample(100.0 * right.mean(axis=1), self.images, right)


WORLDS = (
    World("like MNIST", (6.8, 6.3), 10, 10_000, (0.10, 3.0, 1.0)),
    World("like MNIST, 5 seeds", (6.8, 6.3), 5, 10_000, (0.10, 3.0, 1.0)),
    World("seeds alike", (6.8, 6.3), 10, 10_000, (0.01, 3.0, 1.0)),
    World("unstable seeds", (3.0, 2.5), 10, 450, (0.60, 1.5, 0.5)),
    World("like digits", (3.0, 2.5), 10, 450, (0.15, 1.5, 0.5)),
    World("like digits, no difference", (3.0, 3.0), 10, 450, (0.15, 1.5, 0.5)),
    World("hard images, as on CIFAR", (0.6, 0.5), 5, 2000, (0.05, 1.0, 0.5)),
)


def list_intervals(ours: Sample, theirs: Sample, rng: np.random.Generator) -> dict[str, tuple[float, float]]:
    """The contenders' 95 % intervals of the difference."""
    assert ours.by_image is not None
    assert theirs.by_image is not None
    by_seeds = compare_by_welch(ours.accuracies, theirs.accuracies)
    both = find_interval(measure_errors(ours, theirs))
    unkept = find_interval(measure_errors(*(Sample(one.accuracies, one.images) for one in (ours, theirs))))
    return {
        "by seeds (Welch)": (by_seeds.low, by_seeds.high),
        "by images (bootstrap)": resample_images(ours.by_image, theirs.by_image, seed=int(rng.integers(2**31))),
        "by both (table image-pairs)": (both.low, both.high),
        "by both, predictions not kept": (unkept.low, unkept.high),
        "two-way bootstrap": resample_both(ours, theirs, rng),
    }


def resample_both(ours: Sample, theirs: Sample, rng: np.random.Generator) -> tuple[float, float]:
    """Percentiles where seeds and images are drawn with replacement (the pigeonhole bootstrap; Owen, 2007)."""
    assert ours.right is not None
    assert theirs.right is not None
    columns, counts = np.unique(np.concatenate([ours.right, theirs.right]), axis=1, return_counts=True)
    shares = [rng.multinomial(n, np.full(n, 1 / n), RESAMPLES) / n for n in (len(ours.right), len(theirs.right))]
    weights = rng.multinomial(counts.sum(), counts / counts.sum(), RESAMPLES) / counts.sum()
    found = 100.0 * (np.concatenate([shares[0], -shares[1]], axis=1) @ columns * weights).sum(axis=1)
    low, high = np.quantile(found, ENDS)
    return float(low), float(high)


def measure_coverage(world: World, experiments: int, seed: int = 0) -> dict[str, tuple[float, float]]:
    """Of each contender: the share of experiments in which it covers the true difference, and its mean width."""
    rng = np.random.default_rng(seed)
    truth = world.truths[0] - world.truths[1]
    found: dict[str, list[tuple[bool, float]]] = {}
    for _ in range(experiments):
        for name, (low, high) in list_intervals(*world.draw(rng), rng).items():
            found.setdefault(name, []).append((low <= truth <= high, high - low))
    return {name: (float(np.mean(rows, axis=0)[0]), float(np.mean(rows, axis=0)[1])) for name, rows in found.items()}


def write_lines(experiments: int) -> Iterator[str]:
    """The tables of all worlds, as Markdown, one as soon as it is known."""
    error = 100 * np.sqrt(0.95 * 0.05 / experiments)
    yield "# Coverage of the intervals over seeds and images\n"
    yield (
        f"`python -m benchmarks.images`: {experiments} simulated experiments a row, so 95 % is measured to within "
        f"{1.96 * error:.1f} points. In brackets: mean width in points. What is drawn: `benchmarks/images.py`.\n"
    )
    for number, world in enumerate(WORLDS):
        first, second = world.truths
        found = measure_coverage(world, experiments, seed=number)
        if number == 0:
            yield f"| truth | {' | '.join(found)} |"
            yield "|---" * (len(found) + 1) + "|"
        cells = (f"{100 * share:.1f} % ({width:.2f})" for share, width in found.values())
        size = f"{world.seeds} seeds, {world.images} images"
        yield f"| {world.name}: {first:.2f} and {second:.2f} %, {size} | {' | '.join(cells)} |"


def main() -> None:
    """Prints the table."""
    print_lines(write_lines, (__doc__ or "").splitlines()[0], EXPERIMENTS)


if __name__ == "__main__":
    main()
