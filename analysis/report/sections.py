"""The sections of the report, in their order."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Section:
    """A part of the page."""

    id: str  # Its address in the page; ``summary``, ``provenance`` and ``trials`` also show what only they have.
    title: str
    intro: str = ""  # One or two sentences below the title.
    figures: tuple[str, ...] = ()  # Names in ``analysis.figures.FIGURES``.
    tables: tuple[str, ...] = ()  # Names in ``analysis.report.text_tables.SOURCES``.


SECTIONS: tuple[Section, ...] = (
    Section("summary", "Summary"),
    Section(
        "published",
        "Compared with the published numbers",
        "Our means over fresh seeds, what the chapter reports, and whether the two agree.",
        tables=("1.6", "1.7", "beside", "rest", "published", "gaps", "assumptions"),
    ),
    Section(
        "ranking",
        "Which network is ahead",
        "Which differences are significant, and how large a difference would have been detected.",
        tables=("ranking", "pairs", "effects"),
    ),
    Section(
        "seeds",
        "Seeds",
        "Each incumbent, or given configuration, was trained from several seeds and judged on the test images.",
        figures=("seeds",),
        tables=("outcomes", "epochs"),
    ),
    Section(
        "images",
        "Test images",
        "The test images are a sample, too: what other images of the same kind would add to the seeds' error.",
        tables=("images", "image-pairs"),
    ),
    Section(
        "replicates",
        "Replicates",
        "The same experiment with other seeds and other held-out images, from the first trial on: what is luck in it.",
        tables=("replicates", "replicate-sources", "replicate-pairs", "replicate-choices"),
    ),
    Section(
        "curves",
        "Learning curves",
        "The accuracy of every trial after each epoch.",
        figures=("sweep-curves", "rerun-curves"),
    ),
    Section(
        "parallel",
        "Configurations",
        "Every configuration of the sweep with the accuracy that it reached.",
        figures=("parallel",),
    ),
    Section(
        "surface",
        "Learning rate and momentum",
        "The best accuracy that the sweep found for each pair.",
        figures=("surface",),
    ),
    Section(
        "importance",
        "What mattered",
        "Which hyperparameters decide whether training breaks down, and which change the accuracy of the rest.",
        figures=("importance",),
        tables=("breakdowns", "importance"),
    ),
    Section(
        "choice",
        "The choice",
        "Which configurations raced over further seeds, and by how much the winner won.",
        tables=("choice",),
    ),
    Section(
        "luck",
        "The luck of the search",
        "What other searches of the same space would have found, and what that adds to the error of a difference.",
        tables=("luck", "luck-pairs"),
    ),
    Section("budget", "Budget", "What a smaller search would have found.", figures=("budget",)),
    Section(
        "cost", "Cost and accuracy", "What each network costs, and the accuracy that it reaches.", figures=("costs",)
    ),
    Section(
        "search",
        "Fairness of the search",
        "Whether each architecture had the same chance, and whether its winner was luck.",
        tables=("search", "near"),
    ),
    Section("provenance", "Where the numbers come from"),
    Section(
        "trials",
        "All trials",
        "Click a heading to sort by it. Clicking a point or line in a plot leads to its row here.",
    ),
)
