"""The tables of the text, filled from a run: one file each, listed in ``TABLES``."""

from collections.abc import Callable

from analysis.records import Run
from analysis.tables.table import Table
from analysis.tables.table_1_3 import table_1_3
from analysis.tables.table_1_4 import table_1_4

TABLES: dict[str, Callable[[Run], Table]] = {
    "1.3": table_1_3,
    "1.4": table_1_4,
}

__all__ = ["TABLES", "Table"]
