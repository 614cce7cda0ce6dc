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
    Section(
        "published",
        "Beside the published numbers",
        "Our means over fresh seeds, what the text reports, and whether the two agree.",
        tables=("1.6", "1.7", "beside", "published"),
    ),
    Section(
        "ranking",
        "Who is ahead",
        "Which differences are real, and how large one would have had to be to show.",
        tables=("ranking", "pairs"),
    ),
    Section(
        "seeds",
        "Seeds",
        "Each incumbent, or given configuration, was trained from several seeds and judged on the test images.",
        figures=("seeds",),
    ),
    Section(
        "curves",
        "Learning curves",
        "What every trial scored after each epoch.",
        figures=("sweep-curves", "rerun-curves"),
    ),
    Section(
        "parallel",
        "Configurations",
        "Every configuration of the sweep with the accuracy it reached.",
        figures=("parallel",),
    ),
    Section(
        "surface", "Learning rate and momentum", "The best that the sweep found for each pair.", figures=("surface",)
    ),
    Section(
        "importance",
        "What mattered",
        "Which hyperparameters decide what breaks down, and which change the accuracy of the rest.",
        figures=("importance",),
        tables=("breakdowns", "importance"),
    ),
    Section("budget", "Budget", "What a search of any size would have found.", figures=("budget",)),
    Section("cost", "Cost and accuracy", "What a network costs and what it reaches.", figures=("costs",)),
    Section(
        "search",
        "Fairness of the search",
        "Whether each architecture had the same chances, and whether its winner was luck.",
        tables=("search", "near"),
    ),
    Section("provenance", "Where the numbers come from"),
    Section(
        "trials",
        "All trials",
        "Click a heading to sort by it. A click on a point or line of a plot leads to its row here.",
    ),
)
