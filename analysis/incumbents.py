"""The configuration that each architecture is judged by."""

from __future__ import annotations

import pandas as pd

from analysis.races import Raced, find_completed, find_races
from analysis.records.reader import Run
from analysis.records.schema import list_hyperparameters

NUMBERS = ["val_accuracy", "val_loss", "choice_accuracy", "choice_seeds"]


def find_incumbents(run: Run) -> pd.DataFrame:
    """The best configuration per architecture, by validation only.

    Among the sweep's completed trials that reached the maximum epochs: the winner of the race over further seeds,
    where the run asks for one (while it lasts: who is ahead); else the highest validation accuracy as the run's
    judge sees it, ties by lower validation loss, then by config_id. An architecture that was not searched
    (``invsearch train``) has the one configuration of its reruns, with no validation numbers, and none if its
    reruns hold several: choosing by test results would leak.

    Returns:
        A table indexed by architecture: ``config_id``, ``trial_id`` of the sweep, the hyperparameters, ``val_accuracy``
        and ``val_loss`` of that trial, and its mean ``choice_accuracy`` over ``choice_seeds`` of a race (NaN and 0
        without one). Architectures without an incumbent are left out.
    """
    sweep = run.trials.query("phase == 'sweep'")
    completed, races = find_completed(run, sweep), find_races(run)
    leaders = {raced.race.leader for raced in races.values()} - {None}
    led = completed["architecture"].isin([name for name, raced in races.items() if raced.race.leader])
    first = completed[~led | completed["config_id"].isin(leaders)].drop_duplicates(subset=["architecture"])
    searched = first.assign(**_summarize_race(first, races))

    given = run.trials.query(
        "phase == 'rerun' and architecture not in @searched", local_dict={"searched": set(sweep["architecture"])}
    )
    given = given.drop_duplicates(subset=["config_id"]).drop_duplicates(subset=["architecture"], keep=False)
    given = given.assign(trial_id=None, choice_accuracy=float("nan"), choice_seeds=0)

    chosen = pd.concat([searched, given]) if len(given) else searched
    columns = ["config_id", "trial_id", *list_hyperparameters(run.trials), *NUMBERS]
    return chosen.set_index("architecture").sort_index().reindex(columns=columns)


def find_single_choices(run: Run) -> pd.DataFrame:
    """What the sweep's one seed alone would have chosen: its rows of ``Run.trials``, indexed by architecture."""
    completed = find_completed(run, run.trials.query("phase == 'sweep'"))
    return completed.drop_duplicates(subset=["architecture"]).set_index("architecture")


def _summarize_race(chosen: pd.DataFrame, races: dict[str, Raced]) -> dict[str, list[float]]:
    accuracies, seeds = [], []
    for name, config_id in zip(chosen["architecture"], chosen["config_id"], strict=True):
        found = races[name].list_accuracies(config_id) if name in races else []
        accuracies.append(sum(found) / len(found) if found else float("nan"))
        seeds.append(len(found))
    return {"choice_accuracy": accuracies, "choice_seeds": seeds}
