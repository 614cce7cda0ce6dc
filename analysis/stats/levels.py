"""Hyperparameters as a few levels each: the grid's own values, or bins of a continuous range."""

from __future__ import annotations

import itertools

import numpy as np
import pandas as pd

from analysis.render.cells import format_compact

MOST = 8
"""Values of one hyperparameter that still count as a grid."""
BINS = 4


def make_levels(values: pd.Series) -> pd.Series:
    """Gives each value the name of its level, as an ordered category.

    Up to ``MOST`` different values are levels themselves. More are put into ``BINS`` bins that hold equally
    many of them, named by their ends, such as ``0.01 to 0.0316``.
    """
    distinct = sorted(values.unique())
    if len(distinct) <= MOST:
        named = {value: format_compact(float(value)) for value in distinct}
        return values.map(named).astype(pd.CategoricalDtype(list(named.values()), ordered=True))
    edges = np.unique(np.quantile(values, np.linspace(0, 1, BINS + 1)))
    return pd.cut(values, list(edges), labels=_name_intervals(edges), include_lowest=True)


def _name_intervals(edges: np.ndarray) -> list[str]:
    texts = ([f"{edge:.{digits}g}" for edge in edges] for digits in range(2, 18))  # 17 digits tell all floats apart.
    ends = next(ends for ends in texts if len(set(ends)) == len(ends))
    return [f"{low} to {high}" for low, high in itertools.pairwise(ends)]
