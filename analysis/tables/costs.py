"""The cost columns of Table 1.4: what the chapter counts and what the built networks cost."""

from __future__ import annotations

import math
from collections.abc import Iterable
from fractions import Fraction
from typing import Any

import pandas as pd

from analysis.costs import Cost, find_network_cost
from analysis.published.mnist import PUBLISHED
from analysis.records.reader import Run


def build_cost_rows(run: Run, architectures: Iterable[str]) -> pd.DataFrame:
    """One row per architecture: costs relative to ``conv``; blank (NaN) without ``conv`` in costs.json.

    Returns:
        Columns ``param_ratio`` and ``mult_ratio`` (mixing or convolution only, as the chapter counts,
        but summed over the layers of the built network), ``mult_with_transform_ratio``,
        ``published_param_ratio``, ``published_mult_ratio``, and ``cost_differs``: whether any of
        the first three is not the published fraction.
    """
    conv = find_network_cost(run, "conv")
    return pd.DataFrame([_row(find_network_cost(run, name), conv, name) for name in architectures])


def _row(cost: Cost | None, conv: Cost | None, name: str) -> dict[str, Any]:
    published = PUBLISHED[name]
    params = mults = with_transform = None
    differs = False
    if cost is not None and conv is not None and conv.params > 0 and conv.mults > 0:
        # Exact: 7/9 of conv's parameters is 7/9, not 0.7777. conv itself has no transform.
        params = Fraction(cost.params, conv.params)
        mults = Fraction(cost.mults, conv.mults)
        with_transform = Fraction(cost.mults + cost.transform, conv.mults)
        differs = params != published.params or mults != published.mults or with_transform != published.mults
    return {
        "param_ratio": _convert_ratio(params),
        "mult_ratio": _convert_ratio(mults),
        "mult_with_transform_ratio": _convert_ratio(with_transform),
        "cost_differs": differs,
        "published_param_ratio": float(published.params),
        "published_mult_ratio": float(published.mults),
    }


def _convert_ratio(ratio: Fraction | None) -> float:
    return math.nan if ratio is None else float(ratio)
