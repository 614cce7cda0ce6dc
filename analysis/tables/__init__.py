"""The tables of the chapter and of our own, filled from runs: one file each, listed in ``TABLES``."""

from analysis.tables.accuracy import SUMMARY, TABLE_1_3
from analysis.tables.equivalence import EQUIVALENCE
from analysis.tables.fairness import FAIRNESS
from analysis.tables.importance import BREAKDOWNS, IMPORTANCE
from analysis.tables.near import NEAR
from analysis.tables.pairs import PAIRS
from analysis.tables.ranking import RANKING
from analysis.tables.table import Filled, Table
from analysis.tables.table_1_4 import TABLE_1_4
from analysis.tables.table_1_6 import TABLE_1_6
from analysis.tables.table_1_7 import TABLE_1_7

TABLES: dict[str, Table] = {
    table.number: table
    for table in (
        TABLE_1_3,
        TABLE_1_4,
        TABLE_1_6,
        TABLE_1_7,
        SUMMARY,
        RANKING,
        PAIRS,
        EQUIVALENCE,
        FAIRNESS,
        NEAR,
        BREAKDOWNS,
        IMPORTANCE,
    )
}

__all__ = ["TABLES", "Filled", "Table"]
