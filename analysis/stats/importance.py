"""How much each hyperparameter, and each pair of them, changes the accuracy of what did not break down."""

from __future__ import annotations

import functools
import itertools
import math
from collections import Counter
from typing import NamedTuple

import numpy as np
import pandas as pd
import scipy

from analysis.evidence import Candidate
from analysis.stats.breakdowns import DRAWS, list_outcomes, list_terms
from analysis.stats.samples import ALPHA, correct_by_holm
from spaces.common.wording import format_count

COLUMNS = ["term", "share", "p_holm", "matters"]
PAIRED = 8  # Hyperparameters that varied; more have more pairs than anybody reads.
LEAST = 5  # Degrees of freedom of the error, below which an F-test sees little.
NO_SHARES = (
    "No shares: they add up only over a balanced grid without breakdowns, and none is left with enough configurations."
)
SMALL = 1e-9  # Of a sum of squares: rounding.
MANY = 6  # Terms, or combinations of levels, beyond which a sentence does not name each.


class Importance(NamedTuple):
    """What changes the accuracy of the configurations that did not break down.

    Attributes:
        effects: one row per term, hyperparameters that varied before pairs such as ``lr:momentum``: its ``share`` of
            the variance; its p-value, corrected over the terms (Holm); whether it ``matters`` at 5 %. NaN where it
            cannot be told, no rows where nothing can.
        where: the configurations that the shares are of, in words; empty where there are no shares.
        said: what could not be told and why, in sentences.
    """

    effects: pd.DataFrame
    where: str
    said: list[str]


@functools.lru_cache(maxsize=64)  # As of ``list_outcomes``.
def measure_importance(candidate: Candidate) -> Importance:
    """Analyses of variance of type II: tests on ranks, and shares where these are a partition.

    Ranks, because a few configurations that barely learn have most of the variance and would hide all else. Shares add
    up to a whole only in a balanced design: a grid that was tried in full and in which nothing broke down.
    """
    table = list_outcomes(candidate)
    left = table[~table["broke"]]
    names = [name for name in list_terms(table) if left[name].nunique() > 1]
    if not names or np.ptp(left["accuracy"]) == 0:
        nothing = pd.DataFrame(columns=COLUMNS).astype({"term": str, "share": float, "p_holm": float, "matters": bool})
        return Importance(nothing, "", ["Nothing to compare among the configurations that did not break down."])
    said, ranks = [], left["accuracy"].rank()
    pairs = [*map(":".join, itertools.combinations(names, 2))] if len(names) <= PAIRED else []
    effects, spare = _run_anova(left, ranks, [*names, *pairs], LEAST if pairs else 0)
    if len(names) > PAIRED:
        said = [f"Pairs are not judged where more than {PAIRED} hyperparameters varied."]
    elif spare < LEAST and pairs:
        said = ["Too few configurations to judge pairs, whose effects are in what is left unexplained."]
        effects, spare = _run_anova(left, ranks, names)
    if spare < LEAST:
        said = ["Too few configurations for one model, so each hyperparameter is tested alone, by permutations."]
        effects["p"] = [_test_alone(ranks, left[name]) for name in names]
    said += _explain_untested(left, effects["term"][effects["p"].isna()].tolist())
    grid, where = _find_grid(table), ""
    shares, spare = _run_anova(grid, grid["accuracy"], list(effects["term"])) if len(grid) else (effects, 0)
    effects["share"] = shares["share"] if spare > 0 else math.nan
    if spare > 0:
        kept = {name: grid[name].cat.remove_unused_categories().cat.categories for name in list_terms(grid)}
        less = [f"{name} {', '.join(kept[name])}" for name in kept if len(kept[name]) < table[name].nunique()]
        where = format_count(len(grid), "configuration") + (f" with {' and '.join(less)}" if less else "")
    else:
        said.append(NO_SHARES)
    effects = effects.assign(p_holm=correct_by_holm(effects["p"]), matters=lambda frame: frame["p_holm"] < ALPHA)
    return Importance(effects[COLUMNS], where, said)


def _run_anova(table: pd.DataFrame, response: pd.Series, terms: list[str], least: int = 0) -> tuple[pd.DataFrame, int]:
    """Each term's share and p-value, NaN if the design lacks a part of it; the degrees of freedom of the error.

    With fewer of these than ``least`` no term is fitted, which takes time.
    """
    y = (response - response.mean()).to_numpy()
    whole = float(y @ y)
    cells = {term: table.groupby(term.split(":"), observed=True).ngroup().to_numpy() for term in terms}

    def fit(used: list[str]) -> tuple[float, int]:
        columns = (cells[term][:, None] == np.arange(cells[term].max() + 1) for term in used)
        design = np.column_stack([np.ones_like(y), *columns])
        solution, _, rank, _ = np.linalg.lstsq(design, y)
        return float(((y - design @ solution) ** 2).sum()), int(rank)

    rest, rank = fit(terms)
    terms = terms if len(y) - rank >= least else []
    error = max(rest / max(len(y) - rank, 1), SMALL**2 * whole)
    rows = []
    for term in terms:
        others = [other for other in terms if not {*term.split(":")} <= {*other.split(":")}]
        (without, fewer), (within, more) = fit(others), fit([*others, term])
        explained, freedom = without - within, more - fewer
        explained *= explained > SMALL * whole
        share = p = math.nan
        if whole and freedom == math.prod(table[name].nunique() - 1 for name in term.split(":")) > 0:
            share, p = (
                explained / whole,
                scipy.special.fdtrc(freedom, max(len(y) - rank, 1), explained / freedom / error),
            )
        rows.append((term, share, float(p)))
    return pd.DataFrame(rows, columns=["term", "share", "p"]), len(y) - rank


def _test_alone(ranks: pd.Series, level: pd.Series) -> float:
    """How often ranks dealt out at random differ as much from level to level (Kruskal-Wallis, by permutations)."""
    y = (ranks - ranks.mean()).to_numpy()
    cells = pd.get_dummies(level.cat.remove_unused_categories()).to_numpy(float)
    dealt = np.vstack([y, np.random.default_rng(0).permuted(np.tile(y, (DRAWS, 1)), axis=1)])
    apart = ((dealt @ cells) ** 2 / cells.sum(axis=0)).sum(axis=1)
    return float(np.mean(apart >= apart[0] * (1 - SMALL)))


def _explain_untested(left: pd.DataFrame, terms: list[str]) -> list[str]:
    """Why terms cannot be tested, in sentences: a few each by itself, many together."""
    lacking = {term: cells for term in terms if (cells := _list_missing(left, term.split(":")))}
    mixed = [term for term in terms if term not in lacking]
    if len(lacking) > MANY:
        said = [f"{', '.join(lacking)} are not tested: of each, some combinations of levels are not left."]
    else:
        said = [f"{term} is not tested: nothing is left with {cells}." for term, cells in lacking.items()]
    if len(mixed) > MANY:
        return [*said, f"{', '.join(mixed)} are not tested: they cannot be separated from other effects here."]
    return said + [f"{term} is not tested: it cannot be separated from other effects here." for term in mixed]


def _list_missing(left: pd.DataFrame, names: list[str]) -> str:
    """The combinations of levels of a pair that no configuration has, in words."""
    if len(names) == 1:
        return ""
    counts = left.groupby([left[name].cat.remove_unused_categories() for name in names], observed=False).size()
    cells = [" and ".join(map(" ".join, zip(names, cell, strict=True))) for cell in counts.index[counts == 0]]
    if more := len(cells) - MANY:
        cells = [*cells[:MANY], f"{more} other combinations"] if more > 1 else cells
    return ", or with ".join(cells)


def _find_grid(table: pd.DataFrame) -> pd.DataFrame:
    """A grid in which nothing broke down and each cell was tried equally often; empty where under half is left.

    The level with the largest part that broke down or was not tried is dropped, until no such part is left.
    """
    kept, names = table, list_terms(table)
    while 2 * len(kept) >= (~table["broke"]).sum():
        levels = {name: kept[name].cat.remove_unused_categories().cat.categories for name in names}
        whole = math.prod(map(len, levels.values()))  # Cells are counted, not listed: 20 hyperparameters have 4**20.
        cells = kept.groupby(names, observed=True)["broke"].agg(["sum", "size"])
        right = cells.index[(cells["sum"] == 0) & (cells["size"] == cells["size"].max())]
        if len(right) == whole:
            return kept
        parts: dict[tuple[str, str], float] = {}
        for name in names:
            counts, each = Counter(right.get_level_values(name)), whole // len(levels[name])
            parts |= {(name, level): (each - counts[level]) / each for level in levels[name]}
        worst, level = max(parts, key=lambda part: parts[part])
        kept = kept[kept[worst] != level]
    return table[:0]
