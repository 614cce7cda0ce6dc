"""Was the search fair to each architecture, and was its winner luck?"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import NamedTuple

import pandas as pd

from analysis.evidence import Candidate
from analysis.judging import find_judge, judge_trials
from analysis.races import find_completed
from analysis.render.cells import format_cell
from analysis.stats.collapse import find_collapsed
from analysis.stats.outcomes import find_wilson
from analysis.stats.samples import explain_untested, summarize

APART = math.sqrt(2.0)  # Standard deviations of a seed: the standard error of a difference of two single seeds.


class Fairness(NamedTuple):
    """What the sweep of one architecture says about itself; NaN or empty where it says nothing.

    Attributes:
        group: the candidate.
        ended: configurations that ended other than by a failure, of
        planned: those asked for.
        diverged: the fraction of the ended ones that diverged.
        collapsed: the fraction of them that did not diverge and ended below the collapse level (``collapse``).
        broken: the fraction that did either, with its 95 % Wilson interval
        broken_low: from
        broken_high: to.
        selected: validation accuracy in percent by which the incumbent was chosen, on one seed, or the mean over those
            of its race.
        rerun: mean test accuracy in percent of its reruns on fresh seeds.
        gap: selected minus rerun in points; NaN where reruns were lost, or are judged otherwise. It mixes three things:
            the luck of the best of many on one seed (the winner's curse), other images, and training on the held-out
            images too.
        spread: the standard deviation in points of one rerun.
        near: configurations that reached the last epoch within root two of ``spread`` of the incumbent, or after a race
            of the best on the sweep's seed, itself included: the standard error of a difference of two single seeds.
        edges: hyperparameters whose only value among the near-optimal is on the edge, as ``lr = 1 (highest)``.
    """

    group: str
    ended: int
    planned: int
    diverged: float
    collapsed: float
    broken: float
    broken_low: float
    broken_high: float
    selected: float
    rerun: float
    gap: float
    spread: float
    near: float
    edges: tuple[str, ...]


def judge_fairness(candidate: Candidate) -> Fairness:
    """Judges the search for one candidate."""
    sweep, selected = candidate.sweep, candidate.selected
    ended = int((~sweep["status"].isin(["unfinished", "failed"])).sum())
    diverged, down = int((sweep["status"] == "diverged").sum()), int(find_collapsed(candidate.run, sweep).sum())
    among, (low, high) = ended or math.nan, find_wilson(diverged + down, ended)
    reruns, judge = summarize(candidate.accuracies), find_judge(candidate.run)
    comparable = candidate.reruns.judge == judge and not candidate.reruns.lost  # Judged alike, and whole.
    return Fairness(
        candidate.group,
        ended,
        candidate.run.planned.get(candidate.architecture, 0),
        diverged / among,
        down / among,
        (diverged + down) / among,
        low,
        high,
        selected,
        reruns.mean,
        selected - reruns.mean if comparable else math.nan,
        reruns.std,
        float(len(find_near_optimal(candidate))) or math.nan,
        find_edges(candidate),
    )


def find_near_optimal(candidate: Candidate) -> pd.DataFrame:
    """The configurations that one seed cannot tell from the incumbent, best first.

    They lie within root two standard deviations of a rerun: the standard error of a difference of two single seeds.
    After a race they are those near the best on the sweep's seed, since the winner may be anywhere on it.

    Returns:
        Rows of ``Candidate.sweep`` that reached the last epoch, the best first, with the validation accuracy by the
        run's judge; none without an incumbent, or where the spread is unknown: a rerun was lost, or fewer than
        ``stats.LEAST`` finished, or all are alike.
    """
    run, judge = candidate.run, find_judge(candidate.run)
    last = find_completed(run, candidate.sweep)
    judged = last["trial_id"].map(judge_trials(run, "val_accuracy", judge)).astype(float)
    seeds = replace(candidate.reruns, judge=judge).accuracies
    if candidate.incumbent is None or explain_untested(
        seeds, seeds, bool(candidate.reruns.lost or candidate.reruns.broken)
    ):
        return last.iloc[:0]
    error = APART * summarize(seeds).std / 100.0
    return last.assign(val_accuracy=judged)[judged >= judged.max() - error]


def find_edges(candidate: Candidate) -> tuple[str, ...]:
    """The edges of the searched range beyond which something better may plausibly lie.

    Nine in ten points of the grid of Table 1.2 have some value on an edge, so an incumbent there says little. It says
    something where every near-optimal configuration lies on the same edge. The edge of a continuous range is its
    outermost twentieth.

    Returns:
        The value of the best of them and the side for each such hyperparameter that is a number; none without a
        near-optimal set.
    """
    near, found = find_near_optimal(candidate), []
    for name in candidate.hyperparameters:
        kind, given = candidate.find_domain(name)
        if len(near) and given and all(type(value) in (int, float) for value in given):
            sides = {_summarize_side(float(value), kind, given) for value in near[name]}
            if len(sides) == 1 and (side := sides.pop()):
                found.append(f"{name} = {format_cell(near[name].iloc[0])} ({side})")
    return tuple(found)


def _summarize_side(value: float, kind: str, given: list[float]) -> str:
    """``lowest``, ``highest`` or nothing; a domain of one value has no edges."""
    low, high = min(given), max(given)
    lowest = "" if low == 0 else "lowest"  # Nothing lies below 0.
    if kind == "loguniform":
        if value <= 0:
            return ""
        low, high, value = math.log(low), math.log(high), math.log(value)
    if low == high:
        return ""
    place, margin = (value - low) / (high - low), 0.0 if kind == "choice" else 0.05
    return lowest if place <= margin else "highest" if place >= 1 - margin else ""
