"""The luck of a search: what it would have found with other configurations and other seeds.

A search is repeated without training: as many configurations are drawn with replacement from those that it tried, each
gets a mean from what is known of it, new seeds scatter about that, and the run's own rule chooses again. The means of
configurations are taken as normal about a common one, and the seeds of one as normal about its mean, so a mean is drawn
from the normal distribution that its scores leave (empirical Bayes; Efron and Morris, 1975). Which share of the scores'
variance is the configurations' is the median of what the scores leave open, after a uniform prior (Daniels, 1999), so
it is neither 0 nor 1 where they say little.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import scipy

from analysis.choice import list_stages
from analysis.stats.images import Errors, find_interval
from analysis.stats.samples import ALPHA, Difference

DRAWS = 2000
SHARES = 200
"""How many values the share of the configurations in the variance of a score may have, all equally probable."""
FREEDOM = 4
"""Of a variance between the few that repetitions find, which rests on a gap or two; tried in ``benchmarks.luck``."""
FAR = 3 * 1.4826
"""Median absolute deviations below the median, from where on a seed is taken to have broken down."""


@dataclass(frozen=True, eq=False)
class Search:
    """What is known of the search of one architecture; accuracies in percent on held-out images.

    Attributes:
        asked: how many configurations were tried, also those that were stopped or diverged.
        scores: (C,) of those that were trained to the end, on the sweep's one seed, the best first.
        seeds: (C, K) what they scored on the seeds of the race; NaN where they were given none.
        repeats: (n, any) accuracies of one configuration over n seeds, whose spread in each column is that of one seed;
            only where there was no race.
        finalists: how many race; 0 where the sweep's seed decides.
    """

    asked: int
    scores: np.ndarray
    seeds: np.ndarray
    repeats: np.ndarray
    finalists: int

    @property
    def freedom(self) -> int:
        """Degrees of freedom of the seeds' variance."""
        counts = (~np.isnan(self.seeds)).sum(axis=1)
        return int(counts.sum() - (counts > 0).sum()) if self.finalists else len(self.repeats) - 1


class Luck(NamedTuple):
    """What repeated searches find.

    Attributes:
        found: (draws,) the true mean of what each finds, on held-out images, in percent.
        winners: (draws,) the place of what each finds.
        freedom: degrees of freedom of the variance of ``found``.
    """

    found: np.ndarray
    winners: np.ndarray
    freedom: float

    @property
    def std(self) -> float:
        """The standard deviation of what a search finds."""
        return float(self.found.std())


class Means(NamedTuple):
    """What scores tell of configurations' means.

    Attributes:
        centre: the mean of all configurations.
        between: the variance of means about it.
        within: the variance of the seeds of one configuration.
        known: (C,) the mean of each configuration's scores.
        counts: (C,) how many these are.
    """

    centre: float
    between: float
    within: float
    known: np.ndarray
    counts: np.ndarray

    @property
    def kept(self) -> np.ndarray:
        """(C,) how much of a configuration's distance from the centre is not put down to luck."""
        return self.counts * self.between / (self.counts * self.between + self.within)

    @property
    def estimates(self) -> np.ndarray:
        """(C,) the mean of each, shrunk towards the centre."""
        return self.centre + self.kept * (self.known - self.centre)

    @property
    def errors(self) -> np.ndarray:
        """(C,) the standard errors of the estimates."""
        return np.sqrt((1 - self.kept) * self.between)

    @property
    def gaps(self) -> np.ndarray:
        """(C,) how far each estimate is from its neighbours on both sides, on average; of the best, from the next."""
        order = np.argsort(-self.estimates, kind="stable")
        ranked, place = self.estimates[order], np.arange(len(order))
        above, below = np.maximum(place - 1, 0), np.minimum(place + 1, len(order) - 1)
        found = np.empty(len(order))
        found[order] = (ranked[above] - ranked[below]) / (below - above)
        return found

    def draw(self, places: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """True means of configurations like those in these places, of the same shape.

        Another draw would not have the same ones, but others between them, so each lies anywhere up to its neighbours.
        Without that the best of those drawn is one of two in 86 % of all repetitions, and its variance 41 % of what it
        is where the best of many has Gumbel's distribution.
        """
        scattered = self.errors[places] * rng.standard_normal(places.shape)
        return self.estimates[places] + scattered + self.gaps[places] * rng.uniform(-1.0, 1.0, places.shape)


def learn_means(search: Search) -> Means | None:
    """What a search tells of its configurations.

    Returns:
        None where too little is known of its seeds, or fewer than two configurations were compared.
    """
    return _learn_from_race(search.seeds) if search.finalists else _learn_from_sweep(search.scores, search.repeats)


def repeat_search(search: Search, means: Means, draws: int = DRAWS, seed: int = 0) -> Luck:
    """Repeats a search from what is known about it."""
    rng = np.random.default_rng(seed)
    drawn = rng.integers(search.asked, size=(draws, search.asked))
    found, winners = (_race if search.finalists else _choose)(search, means, drawn, rng)
    some = winners < len(search.scores)  # A repetition may draw nothing that was trained to the end.
    freedom = _count_freedom(found[some], means.errors[winners[some]], search.freedom)
    return Luck(found[some], winners[some], freedom)


def _count_freedom(found: np.ndarray, errors: np.ndarray, seeds: int) -> float:
    """Degrees of freedom of the variance of what repetitions find (Satterthwaite).

    What is not known of single configurations' means rests on the variance of the seeds. The other part, between the
    few that repetitions find, rests on the gaps between the best of them.

    Args:
        found: see ``Luck``; not empty.
        errors: the standard errors of those that were found.
        seeds: degrees of freedom of the seeds' variance.
    """
    whole = float(found.var())
    unknown = min(float(np.mean(errors**2)), whole)
    parts = unknown**2 / seeds + (whole - unknown) ** 2 / FREEDOM
    return whole**2 / parts if parts else math.inf


def lift_breakdowns(values: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Moves what broke down up to where seeds still scatter, since no normal distribution has such seeds.

    Args:
        values: of any shape; NaN where there is none.

    Returns:
        The same, and which were moved.
    """
    middle = np.nanmedian(values)
    least = middle - FAR * np.nanmedian(np.abs(values - middle))
    return np.where(values < least, least, values), values < least


def _learn_from_sweep(scores: np.ndarray, repeats: np.ndarray) -> Means | None:
    """One score for each configuration, and the spread of seeds from elsewhere.

    Only those above the median can be chosen, and those below have another spread, so it is measured above.
    """
    free = len(repeats) - 1
    if free < 1 or len(scores) < 2:
        return None
    lifted = np.stack([lift_breakdowns(column)[0] for column in repeats.T], axis=1)
    centre, within = float(np.median(scores)), free * float(lifted.var(axis=0, ddof=1).mean())
    above = scores[scores >= centre] - centre
    shares, ratios = _list_shares()
    squares = (1 - shares) * float((above**2).sum()) + within
    if not squares.all():
        return None
    many = len(above) + free
    place = _find_middle((len(above) * np.log(1 - shares) - many * np.log(squares)) / 2)
    variance = float(squares[place]) / many
    return Means(centre, variance * float(ratios[place]), variance, scores, np.ones(len(scores)))


def _learn_from_race(seeds: np.ndarray) -> Means | None:
    """Several scores for some configurations: one-way analysis of variance, unbalanced (REML).

    Who left the race was decided by scores that are all here, so the likelihood needs no correction for it.
    """
    counts = (~np.isnan(seeds)).sum(axis=1)
    raced, many = counts > 0, int(counts.sum())
    if raced.sum() < 2 or many <= raced.sum():
        return None
    lifted = lift_breakdowns(seeds[raced])[0]
    means, had = np.nanmean(lifted, axis=1), counts[raced]
    _, ratios = _list_shares()
    weights = had / (1 + had * ratios[:, None])  # (shares, raced)
    centre = (weights * means).sum(axis=1) / weights.sum(axis=1)
    squares = np.nansum((lifted - means[:, None]) ** 2) + (weights * (means - centre[:, None]) ** 2).sum(axis=1)
    if not squares.all():
        return None
    sizes = np.log1p(had * ratios[:, None]).sum(axis=1) + np.log(weights.sum(axis=1))
    place = _find_middle(-((many - 1) * np.log(squares) + sizes) / 2)
    known, variance = np.zeros(len(counts)), float(squares[place]) / (many - 1)
    known[raced] = means
    return Means(float(centre[place]), variance * float(ratios[place]), variance, known, counts)


def _list_shares() -> tuple[np.ndarray, np.ndarray]:
    """What the share of the configurations in the variance of a score may be, and what it then is of that of seeds."""
    shares = (np.arange(SHARES) + 0.5) / SHARES
    return shares, shares / (1 - shares)


def _find_middle(log: np.ndarray) -> int:
    """The place of the median of the shares with this log-likelihood."""
    chances = np.exp(log - log.max()).cumsum()
    return int(np.searchsorted(chances, chances[-1] / 2))


def _choose(search: Search, means: Means, drawn: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The true mean and the place of the best on one new seed, in each repetition."""
    lost = drawn >= len(search.scores)
    true = np.where(lost, -np.inf, means.draw(np.where(lost, 0, drawn), rng))
    best = (true + math.sqrt(means.within) * rng.standard_normal(true.shape)).argmax(axis=1)[:, None]
    return np.take_along_axis(true, best, 1)[:, 0], np.take_along_axis(drawn, best, 1)[:, 0]


def _race(search: Search, means: Means, drawn: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """The same of the winner of a race over new seeds, of those drawn that the sweep's own scores have in front."""
    many, size = search.seeds.shape[1], min(search.finalists, search.asked)
    field = np.sort(np.partition(drawn, size - 1, axis=1)[:, :size], axis=1)
    lost = field >= len(search.scores)
    true = np.where(lost, -np.inf, means.draw(np.where(lost, 0, field), rng))
    scores = true[:, :, None] + math.sqrt(means.within) * rng.standard_normal((*field.shape, many))
    _, broke = lift_breakdowns(search.seeds)
    depth = float((np.nanmedian(search.seeds) - search.seeds[broke]).mean()) if broke.any() else 0.0
    scores -= depth * (rng.random(scores.shape) < broke.sum() / (~np.isnan(search.seeds)).sum())
    order = np.tile(np.arange(size), (len(field), 1))
    for count, given in list_stages(size, many):
        order = order[:, :count]
        reached = np.take_along_axis(scores[:, :, :given].mean(axis=2), order, 1)
        order = np.take_along_axis(order, np.argsort(-reached, axis=1, kind="stable"), 1)
    best = order[:, :1]
    return np.take_along_axis(true, best, 1)[:, 0], np.take_along_axis(field, best, 1)[:, 0]


def measure_curse(seeds: np.ndarray, scores: np.ndarray) -> Difference:
    """By how much the sweep's one seed flatters the configuration that it takes, with its 95 % interval.

    Its score is held against its mean over the seeds of the race, on the same held-out images. The error is that of
    all finalists pooled, as it may have had one seed. The incumbent's mean is not used, since the race chose by it.

    Args:
        seeds: see ``Search``.
        scores: see ``Search``.
    """
    counts = (~np.isnan(seeds)).sum(axis=1)
    raced, freedom = counts > 0, int(counts.sum() - (counts > 0).sum())
    if not counts[:1].sum() or freedom < 1:
        return Difference()
    apart = seeds[raced] - np.nanmean(seeds[raced], axis=1, keepdims=True)
    half = math.sqrt(float(np.nansum(apart**2)) / freedom / counts[0])
    half *= float(scipy.special.stdtrit(freedom, 1 - ALPHA / 2))
    curse = float(scores[0] - np.nanmean(seeds[0]))
    return Difference(curse, curse - half, curse + half)


class Whole(NamedTuple):
    """The difference of two networks with all that varies in it.

    Attributes:
        interval: the difference in points with its 95 % interval, and the p-value that it is 0.
        search: the share of the searches in its variance.
        seeds: that of the seeds of the reruns.
        images: that of the test images.
    """

    interval: Difference
    search: float
    seeds: float
    images: float


def join_errors(errors: Errors, searches: Sequence[Luck]) -> Whole:
    """Adds the luck of searches to the errors by seeds and images.

    The reruns' mean is that of what one search found. Over searches it is the mean of what they find, since fresh seeds
    and images know nothing of the choice. So the variances add up; degrees of freedom are Satterthwaite's.

    Args:
        errors: of a mean or of a difference.
        searches: the search of each network.
    """
    variances = [one.std**2 for one in searches]
    whole = errors.both**2 + sum(variances)
    parts = sum(variance**2 / one.freedom for variance, one in zip(variances, searches, strict=True))
    parts += errors.both**4 / errors.freedom if errors.both else 0.0
    found = find_interval(errors._replace(both=math.sqrt(whole), freedom=whole**2 / parts if parts else math.inf))
    seeds = min(errors.seeds, errors.both) ** 2
    shares = (part / whole if whole else math.nan for part in (sum(variances), seeds, errors.both**2 - seeds))
    return Whole(found, *shares)
