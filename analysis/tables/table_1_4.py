"""Table 1.4: all eight networks, with their costs."""

from __future__ import annotations

import pandas as pd

from analysis.published.mnist import PUBLISHED
from analysis.records.reader import Run
from analysis.tables.accuracy import make_table
from analysis.tables.costs import build_cost_rows

ARCHITECTURES = tuple(PUBLISHED)

COUNTING = (
    "Costs are relative to Convolutional, summed over its two layers: param and mults as the chapter counts (the "
    "mixing or convolution only), then the multiplies with the transform of equation 1.4.3."
)
DIFFERS = (
    "Rows marked *: on the built network a cost differs from the chapter's, which leaves out the transform and gives "
    "Wide Convolutional 7 and 7."
)
UNKNOWN = "The costs are blank, because costs.json does not hold Convolutional, which they are relative to."


def add_costs(run: Run) -> tuple[pd.DataFrame, list[str]]:
    """The columns of costs, and what they count."""
    costs = build_cost_rows(run, ARCHITECTURES)
    if not costs["param_ratio"].notna().to_numpy().any():
        return costs, [UNKNOWN]
    return costs, [COUNTING, *([DIFFERS] if costs["cost_differs"].to_numpy().any() else [])]


TABLE_1_4 = make_table("1.4", "Modified architecture performance comparison.", ARCHITECTURES, add_costs)
