"""Whatever a run holds: every architecture of it, also those that the text does not know."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.records.reader import Run
from analysis.render.cells import display
from analysis.tables.notes import notes_on
from analysis.tables.rows import accuracy_rows
from analysis.tables.table import Table, each_run


def compared(evidence: Evidence, run: Run) -> tuple[pd.DataFrame, list[str]]:
    """Test accuracy of the run's architectures, in its order; published numbers where there are any."""
    rows = accuracy_rows(evidence, run, run.spec["architectures"])
    return rows, notes_on(evidence, run, rows)


SUMMARY = Table("summary", "Every architecture of the run.", (), each_run(compared), display)
