"""Table 1.3: the convolutional against the invariant network."""

from analysis.records import Run
from analysis.tables.notes import notes_on
from analysis.tables.rows import accuracy_rows
from analysis.tables.table import Table

ARCHITECTURES = ("conv", "invariant")


def table_1_3(run: Run) -> Table:
    """Test accuracy of ``conv`` and ``invariant`` at their optimal hyperparameters, beside Table 1.3."""
    rows = accuracy_rows(run, ARCHITECTURES)
    return Table("1.3", "Architecture performance comparison.", rows, notes_on(run, rows))
