"""The table and the figure of replays."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.figures.figure import Axis, Drawing, Line, Panel
from analysis.render.formats import write_grid
from analysis.replay.repeats import Replays, compute_curve, summarize_replays
from analysis.tables.table import make_display, show_number, show_percent, show_range, show_words

BELOW = 4  # How many points below the least of the final results the vertical axes begin.
COLUMNS = (
    show_words("Architecture", "group"),
    show_words("search", "search"),
    show_words("scheduler", "scheduler"),
    show_number("replays", "repeats"),
    show_number("epochs", "epochs"),
    show_percent("of all (%)", "share", 0),
    show_number("at 10 %", "at_10", 2),
    show_number("at 25 %", "at_25", 2),
    show_number("in the end (%)", "mean", 2),
    show_range("5 % to 95 %", "low", "high", 2),
    show_number("true rank", "rank"),
    show_number("95 %", "rank_high"),
    show_percent("the best (%)", "best", 0),
    show_number("regret", "regret", 2),
)
NOTES = (
    "in the end: validation accuracy of the configuration that is picked, the mean over the replays; at 10 and 25 %: "
    "the same when so much of all epochs was spent, or - while some replays have trained none to the end.",
    "epochs: trained on average; of all: of what it takes to train every configuration to the end once.",
    "true rank: the pick's place among all configurations trained to the end, the median and the 95 % percentile; the "
    "best: how often it was the first of these; regret: points that are missing to it.",
    "One seed and one split, those of the run: a pick is judged by what it was chosen by.",
)
EQUAL = (
    "How many points of validation accuracy the pick is below the best of all configurations, once so much was spent "
    "of what it takes to train all to the end: the median over the replays (5 % to 95 %); - where that many had "
    "trained none to the end.",
    "grid, random and tpe with asha or none: looked up at that moment, or as they ended if that was before. halving "
    "and hyperband: replayed with as many configurations as so many epochs are enough for, since they find nothing "
    "before their last rung; of the grid at most all.",
)
EQUAL_CAPTION = (
    "Regret of the configuration that is picked when so many epochs are spent, replayed on records: the median and the "
    "range from 5 % to 95 % over orders of arrival and seeds. Halving and Hyperband are replayed for each number of "
    "epochs with as many configurations as it is enough for."
)
CAPTION = (
    "Validation accuracy of the best configuration found so far against the epochs spent, replayed on records: the "
    "mean over many orders of arrival and seeds. Lines begin where every replay has trained a configuration to the "
    "end, and end where the search does."
)


def write_replays(replays: Sequence[Replays], notes: Sequence[str] = ()) -> str:
    """The table as Markdown, with notes below it."""
    cells, right = make_display(COLUMNS)(summarize_replays(replays))
    table = write_grid(cells, right)
    return "\n".join([table, "", *(f"- {note}" for note in (*NOTES, *notes))]) + "\n"


def write_regrets(regrets: pd.DataFrame) -> str:
    """The table of regrets at equal epochs as Markdown: a row for each search, a column for each share of epochs."""
    rows = []
    for (group, search, scheduler), found in regrets.groupby(["group", "search", "scheduler"], sort=False):
        cells = {
            f"{100 * row['share']:g} %": "-"
            if math.isinf(row["median"])
            else f"{row['median']:.2f} ({row['low']:.2f} to {_show(row['high'])})"
            for row in found.to_dict("records")
        }
        rows.append({"Architecture": group, "search": search, "scheduler": scheduler, **cells})
    table = pd.DataFrame(rows, dtype="str")
    return "\n".join(["## Regret at equal epochs", "", write_grid(table), "", *(f"- {note}" for note in EQUAL)]) + "\n"


def _show(value: float) -> str:
    return "-" if math.isinf(value) else f"{value:.2f}"


def draw_regrets(regrets: pd.DataFrame) -> Drawing:
    """The figure: a panel for each architecture and search, a line with its band for each scheduler."""
    panels = []
    for (group, search), mine in regrets.groupby(["group", "search"], sort=False):
        marks = []
        for name, each in mine.groupby("scheduler", sort=False):
            known = each[np.isfinite(each["high"])]
            x, y, low, high = (known[column].to_numpy() for column in ("epochs", "median", "low", "high"))
            if len(known):
                marks.append(Line(x, y, str(name), low=low, high=high, label=str(name)))
        spent, missed = Axis("epochs spent", log=True), Axis("regret (points)", low=0.0)
        panels.append(Panel(f"{group}, {search}", spent, missed, marks))
    searches, names = (dict.fromkeys(regrets[name]) for name in ("search", "scheduler"))
    return Drawing("regret", "What searches miss at equal epochs", EQUAL_CAPTION, panels, len(searches), tuple(names))


def draw_replays(replays: Sequence[Replays]) -> Drawing:
    """The figure: a panel for each architecture and search, a line for each scheduler."""
    panels = []
    for group in dict.fromkeys(one.material.group for one in replays):
        curves = [(one, curve) for one in replays if one.material.group == group and len(curve := compute_curve(one))]
        ends = [float(curve["mean"].iloc[-1]) for _, curve in curves]
        low, high = (max(0.0, min(ends) - BELOW), max(ends) + BELOW / 8) if ends else (None, None)
        found = Axis("validation accuracy of the pick (%)", low=low, high=high)
        for search in dict.fromkeys(one.search for one in replays):
            mine = [(one.scheduler, curve) for one, curve in curves if one.search == search]
            marks = [
                Line(curve["epochs"].to_numpy(), curve["mean"].to_numpy(), name, label=name) for name, curve in mine
            ]
            if marks:
                panels.append(Panel(f"{group}, {search}", Axis("epochs spent", log=True), found, marks))
    searches, names = ({getattr(one, name): None for one in replays} for name in ("search", "scheduler"))
    return Drawing("replay", "What other searches would have found", CAPTION, panels, len(searches), tuple(names))
