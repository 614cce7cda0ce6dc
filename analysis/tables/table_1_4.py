"""Table 1.4: all eight networks, with what the chapter counts of their costs and what the built networks cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction

import pandas as pd

from analysis.costs import find_network_cost
from analysis.published.mnist import PUBLISHED
from analysis.records.reader import Run
from analysis.tables.accuracy import make_table

COUNTING = (
    "Costs are relative to Convolutional, summed over its two layers: param and mults as the chapter counts (the "
    "mixing or convolution only), then the multiplies with the transform of equation 1.4.3."
)
DIFFERS = (
    "Rows marked *: on the built network a cost differs from the chapter's, which leaves out the transform and gives "
    "Wide Convolutional 7 and 7."
)
UNKNOWN = "The costs are blank, because costs.json does not hold Convolutional, which they are relative to."


def build_cost_rows(run: Run, architectures: Iterable[str]) -> pd.DataFrame:
    """One row per architecture: costs relative to ``conv``; blank (NaN) without ``conv`` in costs.json.

    Returns:
        Columns ``param_ratio`` and ``mult_ratio`` (mixing or convolution only, as the chapter counts,
        but summed over the layers of the built network), ``mult_with_transform_ratio``, ``cost_differs``: whether any
        of these three is not the published fraction, ``published_param_ratio`` and ``published_mult_ratio``.
    """
    conv, rows = find_network_cost(run, "conv"), []
    for name in architectures:
        cost, published = find_network_cost(run, name), PUBLISHED[name]
        known = ours = (published.params, published.mults, published.mults)
        if cost is not None and conv is not None and conv.params > 0 and conv.mults > 0:
            # Exact: 7/9 of conv's parameters is 7/9, not 0.7777. conv itself has no transform.
            mults = (Fraction(count, conv.mults) for count in (cost.mults, cost.mults + cost.transform))
            ours = (Fraction(cost.params, conv.params), *mults)
            ratios = [float(ratio) for ratio in ours]
        else:
            ratios = [math.nan] * 3
        rows.append((*ratios, ours != known, *map(float, known[:2])))
    counted = ["param_ratio", "mult_ratio", "mult_with_transform_ratio"]
    return pd.DataFrame(rows, columns=[*counted, "cost_differs", "published_param_ratio", "published_mult_ratio"])


def _add_costs(run: Run) -> tuple[pd.DataFrame, list[str]]:
    costs = build_cost_rows(run, PUBLISHED)
    if costs["param_ratio"].isna().all():
        return costs, [UNKNOWN]
    return costs, [COUNTING, *([DIFFERS] if costs["cost_differs"].any() else [])]


TABLE_1_4 = make_table("1.4", "Modified architecture performance comparison.", tuple(PUBLISHED), _add_costs)
