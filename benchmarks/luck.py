"""Does the interval with the luck of the search in it cover what searches find? ``python -m benchmarks.luck``.

Searches, seeds and images are simulated with known truth. A configuration has a level, drawn from a population; seed s
of it is right about image i with the probability Phi(level + a_s + b_i + c_i), as in ``benchmarks.images``. A search
draws configurations, stops three in four by a noisy early score, and chooses the best on one seed, or by a race. Its
choice is trained again on new seeds and judged on images. The truth is the difference of the mean accuracies, over all
seeds and images, of what 20,000 such searches choose.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import scipy

from analysis.choice import list_stages
from analysis.stats.images import Sample, find_interval, measure_errors
from analysis.stats.luck import Search, join_errors, learn_means, measure_curse, repeat_search
from analysis.stats.samples import compare_by_welch
from benchmarks.common.options import print_lines

EXPERIMENTS = 2000
SEARCHES = 20_000
BATCH = 1000
DRAWS = 500  # Repetitions of each search; the table of a run takes 2,000.
LOW = float(scipy.special.ndtri(0.1))  # The level of a seed that broke down: guessing among ten.


@dataclass(frozen=True)
class World:
    """A known truth.

    Attributes:
        name: what is special about it.
        levels: of the two networks' best or typical configurations.
        population: how configurations lie about that level: ``normal``, ``ceiling`` (below it, most of them close to
            it) or ``flat`` (evenly below it).
        spread: of the population.
        by_seed: the standard deviation a of seeds.
        images: of the test set.
        by_image: the standard deviation b of images, which both networks share.
        by_both: the standard deviation c of images for one network.
        configurations: that a search tries, of which a quarter is trained to the end.
        finalists: of a race over up to 8 seeds; 0 for the best on one seed.
        reruns: seeds of what was chosen.
        breakdowns: the probability that a seed breaks down.
    """

    name: str
    levels: tuple[float, float] = (6.5, 6.3)
    population: str = "normal"
    spread: float = 0.1
    by_seed: float = 0.1
    images: int = 1000
    by_image: float = 3.0
    by_both: float = 1.0
    configurations: int = 64
    finalists: int = 0
    reruns: int = 10
    breakdowns: float = 0.0

    @property
    def race_seeds(self) -> int:
        """The most that a finalist gets."""
        return 8 if self.finalists else 0

    def measure_truth(self, levels: np.ndarray) -> np.ndarray:
        """Accuracies in percent over all seeds and images."""
        root = np.sqrt(1 + self.by_seed**2 + self.by_image**2 + self.by_both**2)
        return 100 * ((1 - self.breakdowns) * scipy.special.ndtr(levels / root) + self.breakdowns * 0.1)

    def draw_levels(self, rng: np.random.Generator, level: float, shape: tuple[int, ...]) -> np.ndarray:
        """Those of configurations."""
        if self.population == "normal":
            return level + self.spread * rng.standard_normal(shape)
        below = rng.exponential(self.spread, shape) if self.population == "ceiling" else rng.random(shape) * self.spread
        return level - below

    def draw_seeds(self, rng: np.random.Generator, levels: np.ndarray) -> np.ndarray:
        """The level of one seed of each."""
        drawn = levels + self.by_seed * rng.standard_normal(levels.shape)
        return np.where(rng.random(levels.shape) < self.breakdowns, LOW * self._root, drawn)

    def score(self, seeds: np.ndarray) -> np.ndarray:
        """Accuracies in percent of seeds on very many held-out images."""
        return 100 * scipy.special.ndtr(seeds / self._root)

    @property
    def _root(self) -> float:
        return float(np.sqrt(1 + self.by_image**2 + self.by_both**2))


class Searches(NamedTuple):
    """Some searches.

    Attributes:
        scores: (searches, C) on the sweep's seed, the best first.
        seeds: (searches, C, K) of the race; NaN where there are none.
        chosen: (searches,) places.
        levels: (searches,) of what was chosen.
        first: (searches,) of the best on the sweep's seed.
    """

    scores: np.ndarray
    seeds: np.ndarray
    chosen: np.ndarray
    levels: np.ndarray
    first: np.ndarray


def run_searches(world: World, level: float, count: int, rng: np.random.Generator) -> Searches:
    """Simulates searches of one network."""
    levels = world.draw_levels(rng, level, (count, world.configurations))
    early = levels + 2 * world.by_seed * rng.standard_normal(levels.shape)
    kept = np.argsort(-early, axis=1)[:, : max(2, world.configurations // 4)]
    levels = np.take_along_axis(levels, kept, 1)
    scores = world.score(world.draw_seeds(rng, levels))
    order = np.argsort(-scores, axis=1)
    levels, scores = (np.take_along_axis(part, order, 1) for part in (levels, scores))
    many = world.race_seeds
    every = world.score(world.draw_seeds(rng, np.repeat(levels[:, :, None], many, axis=2)))
    given = np.zeros(levels.shape, dtype=int)
    field = np.tile(np.arange(levels.shape[1]), (count, 1))
    for size, seeds in list_stages(min(world.finalists, levels.shape[1]), many):
        field = field[:, :size]
        np.put_along_axis(given, field, seeds, 1)
        means = np.take_along_axis(every[:, :, :seeds].mean(axis=2), field, 1)
        field = np.take_along_axis(field, np.argsort(-means, axis=1), 1)
    known = np.where(np.arange(many) < given[:, :, None], every, np.nan)
    best = np.take_along_axis(levels, field[:, :1], 1)[:, 0]
    return Searches(scores, known, field[:, 0], best, levels[:, 0])


def find_truth(world: World, level: float, searches: int | None = None) -> tuple[float, float]:
    """The mean accuracy of what searches choose, and its standard deviation over them."""
    searches = searches or SEARCHES
    rng, batches = np.random.default_rng(12345), max(1, searches // BATCH)
    made = [run_searches(world, level, min(BATCH, searches), rng).levels for _ in range(batches)]
    values = world.measure_truth(np.concatenate(made))
    return float(values.mean()), float(values.std())


def rerun(world: World, levels: tuple[float, float], rng: np.random.Generator) -> list[Sample]:
    """The reruns of both choices, on one draw of images."""
    shared = world.by_image * rng.standard_normal(world.images)
    samples = []
    for level in levels:
        seeds = world.draw_seeds(rng, np.full((world.reruns, 1), level))
        chances = scipy.special.ndtr(seeds + shared + world.by_both * rng.standard_normal(world.images))
        right = rng.random(chances.shape) < chances
        samples.append(Sample(100.0 * right.mean(axis=1), world.images, right))
    return samples


CEILING: dict[str, Any] = {"population": "ceiling", "spread": 0.5}
WORLDS = (
    World("seeds dominate", spread=0.05, by_seed=0.5, images=20_000),
    World("images dominate", spread=0.05, by_seed=0.05, images=1000, by_both=3.0),
    World("search dominates", spread=1.0, by_seed=0.15, images=20_000),
    World("search dominates, seeds almost alike", spread=1.0, by_seed=0.03, images=20_000),
    World("search dominates, 256 configurations", spread=1.0, by_seed=0.1, images=20_000, configurations=256),
    World("search dominates, below a ceiling", **CEILING, by_seed=0.2, images=20_000),
    World("search dominates, evenly spread", population="flat", spread=4.0, by_seed=0.2, images=20_000),
    World("all alike in size", spread=0.3, by_seed=0.3),
    World("all alike in size, 256 configurations", spread=0.3, by_seed=0.3, configurations=256),
    World("16 configurations, 5 reruns", spread=0.3, by_seed=0.3, configurations=16, reruns=5),
    World("race, seeds dominate", spread=0.05, by_seed=0.5, images=20_000, finalists=12),
    World("race, search dominates", spread=1.0, by_seed=0.3, images=20_000, finalists=12),
    World("race, below a ceiling", **CEILING, by_seed=0.3, images=4000, finalists=12),
    World("race, all alike in size", spread=0.3, by_seed=0.3, finalists=12),
    World("race, a seed in 20 breaks down", **CEILING, by_seed=0.3, images=4000, finalists=12, breakdowns=0.05),
)
NAMES = ("by seeds (Welch)", "by seeds and images", "with the search (luck-pairs)")


class Coverage(NamedTuple):
    """What a world gave.

    Attributes:
        covered: the share of experiments in which each of ``NAMES`` covers the truth.
        widths: their mean widths in points.
        std: the standard deviation in points of what searches of the first network find,
        estimated: and the root of the mean square of what single searches estimate.
        share: of the searches in the variance of the difference, as estimated, on average.
        curse: the share in which the interval of the winner's curse covers it; NaN without a race.
    """

    covered: tuple[float, ...]
    widths: tuple[float, ...]
    std: float
    estimated: float
    share: float
    curse: float


def measure_coverage(world: World, experiments: int, seed: int = 0, searches: int | None = None) -> Coverage:
    """Simulates experiments in a world."""
    rng = np.random.default_rng(seed)
    truths = [find_truth(world, level, searches) for level in world.levels]
    truth = truths[0][0] - truths[1][0]
    made = [run_searches(world, level, experiments, rng) for level in world.levels]
    ends, stds, shares, curses = [], [], [], []
    for place in range(experiments):
        ours, theirs = rerun(world, (made[0].levels[place], made[1].levels[place]), rng)
        luck = []
        for one, sample in zip(made, (ours, theirs), strict=True):
            repeats = sample.accuracies[:, None]
            search = Search(world.configurations, one.scores[place], one.seeds[place], repeats, world.finalists)
            means = learn_means(search)
            assert means is not None
            luck.append(repeat_search(search, means, DRAWS, seed=place))
            curse = measure_curse(search.seeds, search.scores)
            true = search.scores[0] - world.measure_truth(one.first[place])
            curses.append(curse.low <= true <= curse.high if world.finalists else np.nan)
        errors = measure_errors(ours, theirs)
        whole = join_errors(errors, luck)
        known = (compare_by_welch(ours.accuracies, theirs.accuracies), find_interval(errors), whole.interval)
        ends.append([(one.low, one.high) for one in known])
        stds.append(luck[0].std)
        shares.append(whole.search)
    low, high = np.array(ends).transpose(2, 0, 1)
    covered, widths = ((low <= truth) & (truth <= high)).mean(axis=0), np.nanmean(high - low, axis=0)
    means = (np.sqrt(np.mean(np.square(stds))), np.mean(shares), np.mean(curses))
    return Coverage((*map(float, covered),), (*map(float, widths),), truths[0][1], *map(float, means))


def write_lines(experiments: int) -> Iterator[str]:
    """The table, as Markdown, a row as soon as it is known."""
    error = 100 * np.sqrt(0.95 * 0.05 / experiments)
    yield "# Coverage of the interval with the luck of the search\n"
    yield (
        f"`python -m benchmarks.luck`: {experiments} simulated experiments a row, so 95 % is measured to within "
        f"{1.96 * error:.1f} points. In brackets: mean width in points. *std*: of what searches find, true and as "
        "single searches estimate it (root mean square); *share*: of the searches in the variance, estimated; *curse*: "
        "coverage of the interval of the winner's curse. What is drawn: `benchmarks/luck.py`. All worlds have held-out "
        "images that tell configurations apart as test images do, and the same spread, seed scatter and rate of "
        "breakdowns in all configurations of both networks.\n"
    )
    yield f"| world | {' | '.join(NAMES)} | std | estimated | share | curse |"
    yield "|---" * (len(NAMES) + 5) + "|"
    for number, world in enumerate(WORLDS):
        found = measure_coverage(world, experiments, seed=number)
        cells = [f"{100 * share:.1f} % ({width:.2f})" for share, width in zip(found.covered, found.widths, strict=True)]
        rest = f"{found.std:.2f} | {found.estimated:.2f} | {100 * found.share:.0f} %"
        curse = "-" if np.isnan(found.curse) else f"{100 * found.curse:.1f} %"
        yield f"| {world.name} | {' | '.join(cells)} | {rest} | {curse} |"


def main() -> None:
    """Prints the table."""
    print_lines(write_lines, (__doc__ or "").splitlines()[0], EXPERIMENTS)


if __name__ == "__main__":
    main()
