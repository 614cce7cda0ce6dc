"""The races of a run, read from its records: who ran, on which seeds, and who won."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import pandas as pd

from analysis.choice import MISSED, Race, Score, Stage, decide_race, score_trial
from analysis.judging import find_chance, find_judge, find_race_judge, judge_trials
from analysis.records.reader import Run
from analysis.records.schema import make_records
from spaces.specs.protocol import ENDED_BY_ITSELF, MAX_SEEDS


def find_completed(run: Run, sweep: pd.DataFrame) -> pd.DataFrame:
    """The completed trials of a sweep that reached the maximum epochs, the best first.

    By validation accuracy as the run's judge sees it; ties by lower final validation loss, then by config_id.
    """
    ended = sweep[
        (sweep["status"] == "completed")
        & (sweep["epoch"] >= (run.spec.get("max_epochs") or 1))
        & sweep["val_accuracy"].notna()
    ]
    judged = ended["trial_id"].map(judge_trials(run, "val_accuracy", find_judge(run)))
    order = ended.assign(judged=judged).sort_values(["judged", "val_loss", "config_id"], ascending=[False, True, True])
    return order.drop(columns="judged")


@dataclass(frozen=True, eq=False)
class Raced:
    """An architecture's race.

    Attributes:
        race: how far it has come; configurations by their config ids.
        scores: what its finalists scored, by config id and place of the seed.
        trials: the ids of those on record that its stages so far ask for.
    """

    race: Race
    scores: dict[tuple[str, int], Score]
    trials: set[str]

    def list_accuracies(self, config_id: str) -> list[float]:
        """A finalist's accuracies on the seeds that it has had in the race, fractions; without those that failed."""
        given = max((stage.seeds for stage in self.race.stages if config_id in stage.field), default=0)
        found = [self.scores[config_id, place] for place in range(given) if (config_id, place) in self.scores]
        return [score.accuracy for score in found if not math.isnan(score.accuracy)]

    def count_failed(self) -> int:
        """How many trainings of the race failed."""
        return sum(math.isnan(score.accuracy) for score in self.scores.values())

    @property
    def rival(self) -> str | None:
        """Whom the winner, or the leader, beat last; None where it had no rival."""
        race: Sequence[Stage] = self.race.stages
        last = next((stage for stage in reversed(race) if len(stage.field) > 1 and not self._lacks(stage)), None)
        return None if last is None else last.field[1]

    @cached_property
    def leads(self) -> list[float]:
        """By how much it is ahead of that rival on each seed that both have, fractions."""
        names, seeds = (self.race.leader, self.rival), range(max((key[1] + 1 for key in self.scores), default=0))
        pairs = [[self.scores.get((name or "", place), MISSED).accuracy for name in names] for place in seeds]
        return [ours - theirs for ours, theirs in pairs if not math.isnan(ours - theirs)]

    def _lacks(self, stage: Stage) -> bool:
        return any((name, place) not in self.scores for name in stage.field for place in range(stage.seeds))


def find_races(run: Run) -> dict[str, Raced]:
    """The race of each architecture that was searched; none where the run asks for none."""
    finalists, seeds = run.spec.get("finalists"), run.spec.get("choice_seeds")
    if not finalists or not seeds:
        return {}
    best = find_completed(run, run.trials[run.trials["phase"] == "sweep"]).groupby("architecture").head(finalists)
    scored, found = _score_choice(run), {}
    for name in run.spec["architectures"]:
        chosen = best.loc[best["architecture"] == name, "config_id"].tolist()
        mine = {key[1:]: both for key, both in scored.items() if key[0] == name}
        scores = {key: score for key, (score, _) in mine.items() if score is not None}
        race = decide_race(chosen, seeds, scores)
        asked = {key: mine[key] for key in (*race.trained, *race.missing) if key in mine}
        ids = {trial for _, trial in asked.values()}
        found[name] = Raced(race, {key: scores[key] for key in race.trained}, ids)
    return found


def _score_choice(run: Run) -> dict[tuple[str, str, int], tuple[Score | None, str]]:
    """(architecture, config id, place of the seed) -> score (None where it has not ended) and id of a choice trial."""
    trials = run.trials[run.trials["phase"] == "choice"]
    epochs = run.epochs[run.epochs["trial_id"].isin(trials["trial_id"])]
    rows = {str(name): part for name, part in epochs.groupby("trial_id")}
    first, judge, chance = run.spec["seed"] + MAX_SEEDS + 1, find_race_judge(run), find_chance(run)
    found = {}
    for row in make_records(trials):
        status, score, part = row["status"], None, rows.get(row["trial_id"])
        if status in ENDED_BY_ITSELF or (status == "completed" and row["epoch"] >= run.spec["max_epochs"]):
            accuracies, losses = ([] if part is None else part[name].tolist() for name in ("val_accuracy", "val_loss"))
            score = score_trial(status, accuracies, losses, judge, chance)
        found[row["architecture"], row["config_id"], row["seed"] - first] = score, row["trial_id"]
    return found
