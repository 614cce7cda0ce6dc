"""The figures of the report: one file each, listed in ``FIGURES``."""

from analysis.figures.budget import BUDGET
from analysis.figures.costs import COSTS
from analysis.figures.curves import RERUN_CURVES, SWEEP_CURVES
from analysis.figures.figure import Drawing, Figure
from analysis.figures.importance import IMPORTANCE
from analysis.figures.parallel import PARALLEL
from analysis.figures.seeds import SEEDS
from analysis.figures.surface import SURFACE

FIGURES: dict[str, Figure] = {
    figure.name: figure for figure in (SEEDS, SWEEP_CURVES, RERUN_CURVES, PARALLEL, SURFACE, IMPORTANCE, BUDGET, COSTS)
}

__all__ = ["FIGURES", "Drawing", "Figure"]
