"""Table 1.4: all eight networks, with their costs."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.published.mnist import PUBLISHED
from analysis.records.reader import Run
from analysis.render.cells import display
from analysis.tables.costs import cost_rows
from analysis.tables.notes import notes_on
from analysis.tables.rows import accuracy_rows
from analysis.tables.table import Table, each_run

ARCHITECTURES = tuple(PUBLISHED)

COUNTING = (
    "Costs are relative to Convolutional, summed over its two layers: param and mults as the text counts (the mixing "
    "or convolution only), then the multiplies with the transform of equation 1.4.3."
)
DIFFERS = (
    "Rows marked *: on the built network a cost differs from the text's, which leaves out the transform and gives "
    "Wide Convolutional 7 and 7."
)
UNKNOWN = "The costs are blank, because costs.json does not hold Convolutional, which they are relative to."


def compared(evidence: Evidence, run: Run) -> tuple[pd.DataFrame, list[str]]:
    """Test accuracy and cost of all eight networks, beside the published ones."""
    rows, costs = accuracy_rows(evidence, run, ARCHITECTURES), cost_rows(run, ARCHITECTURES)
    notes = notes_on(evidence, run, rows)
    if not costs["param_ratio"].notna().to_numpy().any():
        notes.append(UNKNOWN)
    else:
        notes.append(COUNTING)
        if costs["cost_differs"].to_numpy().any():
            notes.append(DIFFERS)
    return pd.concat([rows, costs], axis=1), notes


TABLE_1_4 = Table("1.4", "Modified architecture performance comparison.", ARCHITECTURES, each_run(compared), display)
