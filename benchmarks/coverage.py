"""How often an interval holds the mean it is for, where accuracy dips: ``python -m benchmarks.coverage``.

Simulated experiments with a known mean: each of n seeds has an accuracy after each of five epochs. Every candidate for
the interval of a mean is tried on the same experiments. The table is in results/benchmarks/coverage.md.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from typing import TypeAlias

import numpy as np
import pandas as pd
import scipy.special

EPOCHS = 5
STD = 0.12  # Of a seed after an epoch without a dip, in points: conv on an earlier run of Table 1.3.
DIP, RATE = 1.0, 0.1
RISE = 0.2  # Points from the first to the last of the epochs, where accuracy still rises.
SIZES = (5, 10, 20)
RESAMPLES = 999
BATCH = 500  # Experiments whose resamples are in memory at once.

Interval: TypeAlias = "tuple[np.ndarray, np.ndarray]"
Draw: TypeAlias = "Callable[[np.random.Generator, tuple[int, int]], np.ndarray]"


def draw_normal(rng: np.random.Generator, size: tuple[int, int], shared: float = 0.5) -> np.ndarray:
    """Accuracies minus their mean after the last epoch, (experiments, seeds, epochs); ``shared``: a seed's own part."""
    seeds, epochs = rng.standard_normal((*size, 1)), rng.standard_normal((*size, EPOCHS))
    return STD * (np.sqrt(shared) * seeds + np.sqrt(1 - shared) * epochs)


def draw_heavy(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """As ``draw_normal``, of Student's t with three degrees of freedom, scaled to the same spread."""
    seeds, epochs = rng.standard_t(3, (*size, 1)), rng.standard_t(3, (*size, EPOCHS))
    return STD * np.sqrt(0.5 / 3) * (seeds + epochs)


def draw_dips(rng: np.random.Generator, size: tuple[int, int], shared: float = 0.5) -> np.ndarray:
    """As ``draw_normal``; an epoch in ten lies a point lower."""
    return draw_normal(rng, size, shared) + DIP * (RATE - (rng.random((*size, EPOCHS)) < RATE))


def draw_lasting(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """As ``draw_normal``; a seed in ten lies a point lower throughout."""
    return draw_normal(rng, size) + DIP * (RATE - (rng.random((*size, 1)) < RATE))


def draw_rising(rng: np.random.Generator, size: tuple[int, int]) -> np.ndarray:
    """As ``draw_normal``, and rises until the last epoch."""
    return draw_normal(rng, size) + np.linspace(-RISE, 0.0, EPOCHS)


KINDS: dict[str, Draw] = {
    "normal": draw_normal,
    "heavy tails": draw_heavy,
    "dips": draw_dips,
    "dips, seeds alike": lambda rng, size: draw_dips(rng, size, 0.0),
    "still rising": draw_rising,
    "dips that last": draw_lasting,
}


def take_student(values: np.ndarray) -> Interval:
    """Student's t of (experiments, seeds)."""
    mean, half = values.mean(1), _find_quantile(values) * values.std(1, ddof=1) / np.sqrt(values.shape[1])
    return mean - half, mean + half


def take_johnson(values: np.ndarray) -> Interval:
    """Student's t with Johnson's (1978) shift for skewness."""
    n = values.shape[1]
    third = ((values - values.mean(1, keepdims=True)) ** 3).sum(1) * n / ((n - 1) * (n - 2))
    shift = third / (6 * n * values.var(1, ddof=1))
    low, high = take_student(values)
    return low + shift, high + shift


def take_hall(values: np.ndarray) -> Interval:
    """Hall's (1992) monotone cubic transform of Student's t for skewness."""
    n, mean, std = values.shape[1], values.mean(1), values.std(1, ddof=1)
    skew = ((values - mean[:, None]) ** 3).mean(1) / values.std(1) ** 3
    skew = np.where(np.abs(skew) < 1e-9, 1e-9, skew)
    reach = _find_quantile(values) / np.sqrt(n)
    low, high = (3 / skew * (np.cbrt(1 + skew * (x - skew / (6 * n))) - 1) for x in (reach, -reach))
    return mean - std * low, mean - std * high


def take_bootstrap(values: np.ndarray, rng: np.random.Generator) -> Interval:
    """Bootstrap-t (Efron, 1982); a resample without spread says nothing and counts as 0."""
    ends = [_resample(part, rng) for part in np.array_split(values, max(1, len(values) // BATCH))]
    low, high = zip(*ends, strict=True)
    return np.concatenate(low), np.concatenate(high)


def _resample(values: np.ndarray, rng: np.random.Generator) -> Interval:
    count, n = values.shape
    drawn = np.take_along_axis(values[:, None], rng.integers(0, n, (count, RESAMPLES, n)), axis=2)
    mean, error = values.mean(1), values.std(1, ddof=1) / np.sqrt(n)
    spread = drawn.std(2, ddof=1) / np.sqrt(n)
    t = np.divide(drawn.mean(2) - mean[:, None], spread, out=np.zeros_like(spread), where=spread > 1e-9)
    least, most = np.quantile(t, [0.025, 0.975], axis=1)
    return mean - most * error, mean - least * error


def take_signed_rank(values: np.ndarray) -> Interval:
    """Wilcoxon's signed-rank interval (Hodges and Lehmann): of the centre, which dips move less than the mean."""
    n = values.shape[1]
    counts = np.array([1.0])
    for rank in range(1, n + 1):  # How many of the 2^n signs give each sum of ranks.
        counts = np.concatenate([counts, np.zeros(rank)]) + np.concatenate([np.zeros(rank), counts])
    below = max(0, int(np.searchsorted(np.cumsum(counts) / 2**n, 0.025, side="right")) - 1)
    first, second = np.triu_indices(n)
    averages = np.sort((values[:, first] + values[:, second]) / 2, axis=1)
    return averages[:, below], averages[:, -1 - below]


def join(one: Interval, other: Interval) -> Interval:
    """From the lower of the lower ends to the higher of the higher, as ``Summary.join``."""
    return np.minimum(one[0], other[0]), np.maximum(one[1], other[1])


def _find_quantile(values: np.ndarray) -> float:
    return float(scipy.special.stdtrit(values.shape[1] - 1, 0.975))


def list_intervals(accuracies: np.ndarray, rng: np.random.Generator) -> Mapping[str, Interval]:
    """Every candidate on (experiments, seeds, epochs)."""
    last, five = accuracies[:, :, -1], accuracies.mean(2)
    student = take_student(last)
    return {
        "t": student,
        "Johnson": take_johnson(last),
        "Hall": take_hall(last),
        "bootstrap-t": take_bootstrap(last, rng),
        "signed rank": take_signed_rank(last),
        "t of five": take_student(five),
        "Hall of five": take_hall(five),
        "joined": join(student, take_student(five)),
    }


def measure_coverage(experiments: int = 4000, seed: int = 0) -> pd.DataFrame:
    """Coverage in percent and mean width in points: a row for each kind of data, size and candidate."""
    rng, rows = np.random.default_rng(seed), []
    for (kind, draw), n in itertools.product(KINDS.items(), SIZES):
        found = list_intervals(draw(rng, (experiments, n)), rng)
        rows += [
            (kind, n, name, 100 * float(((low <= 0) & (high >= 0)).mean()), float((high - low).mean()))
            for name, (low, high) in found.items()
        ]
    return pd.DataFrame(rows, columns=["data", "n", "interval", "coverage", "width"])


def main() -> None:
    """Prints the table."""
    found = measure_coverage()
    found["shown"] = [f"{row.coverage:.0f} ({row.width:.2f})" for row in found.itertuples()]
    table = found.pivot(index=["data", "n"], columns="interval", values="shown")
    wide = table.reindex(pd.MultiIndex.from_product([KINDS, SIZES], names=table.index.names))[
        found["interval"].unique()
    ]
    print(wide.reset_index().to_markdown(index=False, disable_numparse=True))


if __name__ == "__main__":
    main()
