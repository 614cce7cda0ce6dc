"""What stands in the report, in which order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the page.

    Attributes:
        id: its address in the page; ``verdict``, ``provenance`` and ``trials`` also show what only they have.
        title: its heading.
        intro: one or two sentences below it.
        figures: names in ``analysis.figures.FIGURES``.
        tables: names in ``analysis.report.text_tables.SOURCES``.
    """

    id: str
    title: str
    intro: str = ""
    figures: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


SECTIONS: tuple[Section, ...] = (
    Section("verdict", "Verdict"),
    Section("published", "Beside the published numbers", tables=("published",)),
    Section(
        "seeds",
        "Seeds",
        "Each incumbent was trained again from several seeds and judged on the test images.",
    ),
    Section(
        "curves",
        "Learning curves",
        "What every trial scored after each epoch.",
    ),
    Section(
        "parallel",
        "Configurations",
        "Every configuration of the sweep with the accuracy it reached.",
    ),
    Section(
        "lr-momentum",
        "Learning rate and momentum",
        "The best that the sweep found for each pair.",
    ),
    Section(
        "importance",
        "Importance of the hyperparameters",
        "How much of the spread in accuracy each hyperparameter accounts for.",
    ),
    Section(
        "budget",
        "Budget",
        "What a search of any size would have found.",
    ),
    Section(
        "cost",
        "Cost and accuracy",
        "What a network costs and what it reaches.",
    ),
    Section(
        "fairness",
        "Fairness of the search",
        "Whether every architecture was given the same chances.",
    ),
    Section("provenance", "Where the numbers come from"),
    Section(
        "trials",
        "All trials",
        "Click a heading to sort by it. A click on a point or line of a plot leads to its row here.",
    ),
)
