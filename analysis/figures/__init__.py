"""The figures: one file each, listed in ``FIGURES``."""

from analysis.figures.figure import Figure

FIGURES: dict[str, Figure] = {}
