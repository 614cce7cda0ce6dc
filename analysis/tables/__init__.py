"""The tables of the text, filled from a run: one file each, listed in ``TABLES``."""

from analysis.tables.summary import SUMMARY
from analysis.tables.table import Filled, Table
from analysis.tables.table_1_3 import TABLE_1_3
from analysis.tables.table_1_4 import TABLE_1_4

TABLES: dict[str, Table] = {table.number: table for table in (TABLE_1_3, TABLE_1_4, SUMMARY)}

__all__ = ["TABLES", "Filled", "Table"]
