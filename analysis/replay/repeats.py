"""Many replays of each search with each scheduler, and what they found for what they spent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from analysis.replay.material import Material
from analysis.replay.simulation import (
    Listed,
    Source,
    Trace,
    list_brackets,
    simulate_halving,
    simulate_hyperband,
    simulate_workers,
)
from spaces.common.wording import format_count

REPLAYED = ("asha", "halving", "hyperband", "none")
SEARCHED = ("grid", "random", "tpe")
POINTS = 80  # Of a curve.
LOW, HIGH = 5.0, 95.0  # Percentiles of what is shown.


@dataclass(frozen=True)
class Plan:
    """What is replayed, and how often.

    Attributes:
        repeats: replays of each search with each scheduler.
        workers: trials at once.
        seed: decides orders, arrivals and proposals.
        samples: configurations of a search; None takes as many as there are.
    """

    repeats: int
    workers: int
    seed: int
    samples: int | None = None


@dataclass(frozen=True, eq=False)
class Replays:
    """The replays of one search with one scheduler on one material."""

    material: Material
    search: str
    scheduler: str
    traces: Sequence[Trace]


def explain_misfit(material: Material, search: str, scheduler: str) -> str:
    """Why a search or a scheduler does not apply; empty where it does."""
    if scheduler in ("asha", "halving") and not material.rungs:
        epochs = format_count(material.max_epochs, "epoch")
        return f"{scheduler} stops nothing in {epochs} after a grace period of {material.grace_period}"
    if scheduler == "hyperband" and len(list_brackets(material)) < 2:
        epochs = format_count(material.max_epochs, "epoch")
        return f"hyperband has a single bracket in {epochs} after a grace period of {material.grace_period}"
    if search == "tpe" and scheduler in ("halving", "hyperband"):
        return f"{scheduler} takes all configurations at the start, and tpe proposes them from results"
    return ""


def replay_listed(material: Material, search: str, scheduler: str, plan: Plan) -> Replays:
    """Replays a grid or random search: every repeat in an order of its own, the same for each scheduler."""
    traces = []
    for number in range(plan.repeats):
        orders, arrivals = np.random.default_rng([plan.seed, number]).spawn(2)
        order = draw_order(material.size, search, plan.samples, orders)
        if scheduler == "halving":
            traces.append(simulate_halving(material, order))
        elif scheduler == "hyperband":
            traces.append(simulate_hyperband(material, order))
        else:
            traces.append(simulate_workers(material, Listed(order), plan.workers, arrivals, scheduler == "asha"))
    return Replays(material, search, scheduler, traces)


def draw_order(size: int, search: str, samples: int | None, random: np.random.Generator) -> list[int]:
    """The configurations of a search in their order: of a grid each once, of a random search independent draws."""
    count = samples or size
    drawn = random.permutation(size)[:count] if search == "grid" else random.integers(size, size=count)
    return [int(place) for place in drawn]


def replay_proposed(
    material: Material, search: str, scheduler: str, plan: Plan, make: Callable[[int], Source]
) -> Replays:
    """Replays a search that proposes from results; ``make`` makes its source from a seed."""
    traces = []
    for number in range(plan.repeats):
        arrivals = np.random.default_rng([plan.seed, number])
        source = make(plan.seed + number)
        traces.append(simulate_workers(material, source, plan.workers, arrivals, scheduler == "asha"))
    return Replays(material, search, scheduler, traces)


def compute_curve(replays: Replays) -> pd.DataFrame:
    """What the replays had found when so many epochs were spent.

    Returns:
        ``epochs``, and over the replays the ``mean``, ``low`` and ``high`` (5 % and 95 %) of the validation accuracy of
        the pick in percent, from where on all replays have one up to what they spend on average.
    """
    traces = [trace for trace in replays.traces if trace.picks]
    if not traces:
        return pd.DataFrame({"epochs": [], "mean": [], "low": [], "high": []})
    first, end = max(trace.spent[0] for trace in traces), float(np.mean([trace.total for trace in traces]))
    epochs = np.unique(np.geomspace(min(first, end), end, POINTS))
    found = look_up(replays.material, traces, epochs)
    low, high = np.percentile(found, [LOW, HIGH], axis=0)
    return pd.DataFrame({"epochs": epochs, "mean": found.mean(axis=0), "low": low, "high": high})


def look_up(material: Material, traces: Sequence[Trace], epochs: np.ndarray) -> np.ndarray:
    """(traces, epochs) accuracies in percent of the picks when so many epochs were spent; NaN before the first."""
    found = np.full((len(traces), len(epochs)), np.nan)
    for row, trace in zip(found, traces, strict=True):
        last = np.searchsorted(trace.spent, epochs, side="right") - 1
        row[last >= 0] = 100 * material.final[np.array(trace.picks, dtype=int)[last[last >= 0]]]
    return found


def summarize_replays(replays: Sequence[Replays]) -> pd.DataFrame:
    """What was found in the end, and for what.

    Returns:
        One row each: ``group``, ``search``, ``scheduler``, ``repeats``; ``epochs`` that were spent on average, and
        their ``share`` of what it takes to train all to the end; the pick's validation accuracy in percent: its
        ``mean``, and its 5 % and 95 % percentiles ``low`` and ``high``; the same mean when 10 % and 25 % of all epochs
        were spent, ``at_10`` and ``at_25``, NaN while a replay has none; the pick's true rank: ``rank`` (the median)
        and ``rank_high`` (95 %); ``best``, how often it was the best of all; and the mean ``regret`` in points.
    """
    rows = []
    for one in replays:
        material, ends = one.material, [trace.picks[-1] for trace in one.traces if trace.picks]
        found, ranks = 100 * material.final[ends], material.ranks[ends]
        epochs = float(np.mean([trace.total for trace in one.traces]))
        early = look_up(material, one.traces, material.whole * np.array([0.1, 0.25])).mean(axis=0)
        low, high = np.percentile(found, [LOW, HIGH]) if ends else (np.nan, np.nan)
        rows.append(
            {
                "group": material.group,
                "search": one.search,
                "scheduler": one.scheduler,
                "repeats": len(one.traces),
                "epochs": epochs,
                "share": epochs / material.whole,
                "at_10": float(early[0]),
                "at_25": float(early[1]),
                "mean": float(found.mean()) if ends else np.nan,
                "low": float(low),
                "high": float(high),
                "rank": float(np.median(ranks)) if ends else np.nan,
                "rank_high": float(np.percentile(ranks, HIGH)) if ends else np.nan,
                "best": float(np.mean(ranks == 1)) if ends else np.nan,
                "regret": float(100 * material.final.max() - found.mean()) if ends else np.nan,
            }
        )
    return pd.DataFrame(rows)
