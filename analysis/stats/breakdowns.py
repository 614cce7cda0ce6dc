"""Which configurations broke down (diverged or collapsed), and which hyperparameters decide that."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Candidate
from analysis.records.schema import holds_words
from analysis.render.cells import format_cell
from analysis.stats.collapse import find_collapsed
from analysis.stats.samples import ALPHA, correct_by_holm
from spaces.common.wording import format_count

COLUMNS = ["term", "by_level", "p_holm", "matters"]
DRAWS = 9999
MOST = 8
"""Values of one hyperparameter that still count as a grid."""
BINS = 4


def make_levels(values: pd.Series, order: Sequence[Any] = ()) -> pd.Series:
    """Gives each value the name of its level, as an ordered category.

    Words, truth values and up to ``MOST`` different numbers are levels themselves. More numbers are put into ``BINS``
    bins that hold equally many of them, named by their ends, such as ``0.01 to 0.0316``.

    Args:
        values: of one hyperparameter.
        order: of words, where they have one; others follow by their letters.
    """
    distinct = sorted(values.dropna().unique().tolist())
    if is_category := holds_words(values):
        distinct.sort(key=lambda value: order.index(value) if value in order else len(order))
    if is_category or len(distinct) <= MOST:
        named = {value: format_cell(value) for value in distinct}
        return values.astype(object).map(named).astype(pd.CategoricalDtype(list(named.values()), ordered=True))
    values = values.astype(float)
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    texts = ([f"{edge:.{digits}g}" for edge in edges] for digits in range(2, 18))  # 17 digits tell all floats apart.
    ends = itertools.pairwise(next(ends for ends in texts if len(set(ends)) == len(ends)))
    return pd.cut(values, list(edges), labels=[f"{low} to {high}" for low, high in ends], include_lowest=True)


@functools.lru_cache(maxsize=64)  # Tables, figure and summary ask for it; none of them changes it.
def list_outcomes(candidate: Candidate) -> pd.DataFrame:
    """How the configurations of a sweep came out that ended other than by a failure.

    Returns:
        The level (``make_levels``) of each hyperparameter that varied; whether the configuration ``broke`` down; its
        validation ``accuracy`` at the end of the grace period, since the scheduler chooses who has later ones.
    """
    sweep, spec = candidate.sweep, candidate.run.spec
    budget = spec.get("max_epochs") or 1
    epoch = min(spec.get("grace_period") or budget, budget)
    rows = candidate.epochs
    accuracy = sweep["trial_id"].map(rows[rows["epoch"] == epoch].set_index("trial_id")["val_accuracy"])
    broke = (sweep["status"] == "diverged") | find_collapsed(candidate.run, sweep)
    ended = broke | (sweep["status"].isin(["completed", "stopped"]) & accuracy.notna())
    tried = {name: sweep.loc[ended, name] for name in candidate.hyperparameters}
    levels = {
        name: make_levels(values, candidate.find_domain(name)[1])
        for name, values in tried.items()
        if values.nunique() > 1
    }
    frame = pd.DataFrame(levels, index=sweep.index[ended])
    return frame.assign(broke=broke[ended], accuracy=accuracy[ended])


def list_terms(table: pd.DataFrame) -> list[str]:
    """The hyperparameters in ``list_outcomes``."""
    return [str(name) for name in table if name not in ("broke", "accuracy")]


def count_broken(table: pd.DataFrame) -> str:
    """Says how many of ``list_outcomes`` broke down, and which levels all of these share."""
    broke = table[table["broke"]]
    shared = [f"{name} {broke[name].iloc[0]}" for name in list_terms(table) if broke[name].nunique() == 1]
    where = f", all with {' and '.join(shared)}" if shared and len(broke) > 1 else ""
    return f"{len(broke)} of {format_count(len(table), 'configuration')} broke down{where}"


def find_breakdowns(candidate: Candidate) -> pd.DataFrame:
    """Tests whether the levels of a hyperparameter break down equally often: chi-square, by permutations.

    Returns:
        One row per hyperparameter that varied: how many broke down ``by_level``, in words; the p-value, corrected over
        the hyperparameters (Holm); whether it ``matters`` at 5 %. No rows where all or none broke down.
    """
    table, rows = list_outcomes(candidate), []
    total, random = int(table["broke"].sum()), np.random.default_rng(0)
    for name in list_terms(table) if 0 < total < len(table) else []:
        counts = table.groupby(name, observed=True)["broke"].agg(["sum", "size"])
        text = ", ".join(f"{level}: {broke}/{size}" for level, broke, size in counts.itertuples())
        observed, sizes = counts.to_numpy().T
        dealt = np.vstack([observed, random.multivariate_hypergeometric(sizes, total, DRAWS)])
        apart = ((dealt - total * sizes / len(table)) ** 2 / sizes).sum(axis=1)
        rows.append((name, text, float(np.mean(apart >= apart[0] * (1 - 1e-9)))))
    frame = pd.DataFrame(rows, columns=COLUMNS[:3]).astype({"term": str, "by_level": str, "p_holm": float})
    return frame.assign(p_holm=correct_by_holm(frame["p_holm"]), matters=lambda frame: frame["p_holm"] < ALPHA)
