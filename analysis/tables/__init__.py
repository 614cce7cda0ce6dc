"""The tables of the chapter and of our own, filled from runs and listed in ``TABLES``."""

from analysis.tables.accuracy import SUMMARY, TABLE_1_3
from analysis.tables.choice import CHOICE
from analysis.tables.deep import TABLE_1_6, TABLE_1_7
from analysis.tables.effects import EFFECTS
from analysis.tables.epochs import EPOCHS
from analysis.tables.equivalence import EQUIVALENCE
from analysis.tables.fairness import FAIRNESS, NEAR
from analysis.tables.gaps import ASSUMPTIONS, GAPS
from analysis.tables.images import IMAGE_PAIRS, IMAGES
from analysis.tables.importance import BREAKDOWNS, IMPORTANCE
from analysis.tables.luck import LUCK, LUCK_PAIRS
from analysis.tables.outcomes import OUTCOMES
from analysis.tables.pairs import PAIRS, RANKING
from analysis.tables.replicates import REPLICATE_CHOICES, REPLICATE_PAIRS, REPLICATES
from analysis.tables.sources import REPLICATE_SOURCES
from analysis.tables.table import Filled, Table
from analysis.tables.table_1_4 import TABLE_1_4

OF_THE_CHAPTER = (TABLE_1_3, TABLE_1_4, TABLE_1_6, TABLE_1_7)
OUR_OWN = (
    SUMMARY,
    RANKING,
    PAIRS,
    EFFECTS,
    EPOCHS,
    OUTCOMES,
    IMAGES,
    IMAGE_PAIRS,
    EQUIVALENCE,
    GAPS,
    ASSUMPTIONS,
    CHOICE,
    LUCK,
    LUCK_PAIRS,
    FAIRNESS,
    NEAR,
    BREAKDOWNS,
    IMPORTANCE,
    REPLICATES,
    REPLICATE_SOURCES,
    REPLICATE_PAIRS,
    REPLICATE_CHOICES,
)
TABLES: dict[str, Table] = {table.number: table for table in (*OF_THE_CHAPTER, *OUR_OWN)}

__all__ = ["TABLES", "Filled", "Table"]
