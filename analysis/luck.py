"""How lucky a network's search was, from its run."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd

from analysis.judging import find_chance, find_judge, judge_trials
from analysis.races import Raced, find_completed
from analysis.records.reader import Run
from analysis.reruns import Reruns
from analysis.stats.luck import Luck, Search, learn_means, measure_curse, repeat_search
from analysis.stats.samples import Difference
from spaces.specs.protocol import JUDGES


class Found(NamedTuple):
    """What a candidate's records say of its search.

    Attributes:
        tried: how many configurations ended other than by a failure.
        completed: how many of them were trained to the end.
        luck: what repeated searches find.
        again: the fraction of these that choose the incumbent.
        raced: the fraction that choose another finalist of the race.
        curse: by how much the sweep's one seed flatters its best, in points on held-out images; NaN without a race.
    """

    tried: int
    completed: int
    luck: Luck
    again: float
    raced: float
    curse: Difference


def find_luck(
    run: Run, sweep: pd.DataFrame, incumbent: pd.Series | None, raced: Raced | None, reruns: Reruns
) -> Found | None:
    """Repeats the search of an architecture.

    Args:
        run: the run.
        sweep: its trials of the sweep.
        incumbent: its row of ``find_incumbents``.
        raced: its race, if there is one.
        reruns: those of the incumbent.

    Returns:
        None where nothing was searched, or the records say too little of seeds.
    """
    completed = find_completed(run, sweep)
    places = {str(name): place for place, name in enumerate(completed["config_id"])}
    if incumbent is None or str(incumbent["config_id"]) not in places:
        return None
    tried = int((~sweep["status"].isin(["unfinished", "failed"])).sum())
    judged = 100.0 * judge_trials(run, "val_accuracy", find_judge(run))
    scores = judged[completed["trial_id"]].to_numpy(dtype=float)
    seeds = np.full((len(completed), run.spec["choice_seeds"] if raced else 0), np.nan)
    for name in raced.race.list_out() if raced else ():
        found = raced.list_accuracies(name) if raced else []
        seeds[places[name], : len(found)] = 100.0 * np.array(found)
    finalists = int(run.spec["finalists"]) if raced else 0
    search = Search(tried, scores, seeds, _list_repeats(reruns, find_judge(run)), finalists)
    means = learn_means(search)
    luck = None if means is None else repeat_search(search, means)
    if luck is None or not len(luck.found):
        return None
    again = luck.winners == places[str(incumbent["config_id"])]
    known = np.isfinite(seeds).sum(axis=1) > 0
    other = known[luck.winners] & ~again
    judged_again = _list_judged(run, completed, raced.trials if raced else set(), judged)
    return Found(
        tried, len(completed), luck, float(again.mean()), float(other.mean()), measure_curse(judged_again, scores)
    )


def _list_repeats(reruns: Reruns, judge: str) -> np.ndarray:
    """Accuracies whose spread is that of the seeds by which a sweep chooses: the reruns', by the run's judge.

    Where the last epoch decides, all of the last ones tell of its spread, and five times as much as one.
    """
    if judge == JUDGES[0]:
        return (reruns.last if reruns.is_followed else reruns.last.iloc[:, -1:]).to_numpy(dtype=float)
    return reruns.last.mean(axis=1, skipna=False).dropna().to_frame().to_numpy(dtype=float)


def _list_judged(run: Run, completed: pd.DataFrame, raced: set[str], judged: pd.Series) -> np.ndarray:
    """(C, K) what the configurations scored on the seeds of the race, by the sweep's judge; NaN where they did not.

    A race may judge by more than the sweep does, and the two are to be compared.
    """
    trials = run.trials[run.trials["trial_id"].isin(raced) & run.trials["status"].isin(["completed", "diverged"])]
    scores = judged[trials["trial_id"]].to_numpy(dtype=float)
    scores = np.where(trials["status"] == "diverged", 100.0 * find_chance(run), scores)
    table = pd.DataFrame({"config": trials["config_id"], "seed": trials["seed"], "score": scores})
    return table.pivot(index="config", columns="seed", values="score").reindex(completed["config_id"]).to_numpy(float)
