"""Table 1.4: all eight networks, with their costs."""

import pandas as pd

from analysis.published import PUBLISHED
from analysis.records import Run
from analysis.tables.costs import cost_rows
from analysis.tables.notes import notes_on
from analysis.tables.rows import accuracy_rows
from analysis.tables.table import Table

COUNTING = (
    "Costs are relative to Convolutional, summed over its two layers: param and mults as the text counts (the mixing "
    "or convolution only), then the multiplies with the transform of equation 1.4.3."
)
DIFFERS = "* On the built network a cost differs from the text's, which counts one layer and leaves out the transform."
UNKNOWN = "The costs are blank, because costs.json does not hold Convolutional, which they are relative to."


def table_1_4(run: Run) -> Table:
    """Test accuracy and cost of every architecture of the text, beside Table 1.4."""
    rows, costs = accuracy_rows(run, PUBLISHED), cost_rows(run, PUBLISHED)
    notes = notes_on(run, rows)
    if not costs["param_ratio"].notna().to_numpy().any():
        notes.append(UNKNOWN)
    else:
        notes.append(COUNTING)
        if costs["cost_differs"].to_numpy().any():
            notes.append(DIFFERS)
    return Table("1.4", "Modified architecture performance comparison.", pd.concat([rows, costs], axis=1), notes)
