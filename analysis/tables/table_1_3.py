"""Table 1.3: the convolutional against the invariant network."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.records.reader import Run
from analysis.render.cells import display
from analysis.tables.notes import notes_on
from analysis.tables.rows import accuracy_rows
from analysis.tables.table import Table, each_run

ARCHITECTURES = ("conv", "invariant")


def compared(evidence: Evidence, run: Run) -> tuple[pd.DataFrame, list[str]]:
    """Test accuracy of the two networks at their optimal hyperparameters, beside the published one."""
    rows = accuracy_rows(evidence, run, ARCHITECTURES)
    return rows, notes_on(evidence, run, rows)


TABLE_1_3 = Table("1.3", "Architecture performance comparison.", ARCHITECTURES, each_run(compared), display)
