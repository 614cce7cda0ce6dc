"""The race of finalists over further seeds, on held-out images: which configuration of each architecture is rerun.

What runs next is decided by the records alone (``analysis.choice``), read anew when a trial ends. A stage begins when
the one before is whole; meanwhile the other architectures have theirs, so few cores idle.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from itertools import zip_longest
from pathlib import Path
from typing import Any

from ray.tune.search import Searcher

from analysis.choice import Race, Score, count_trainings, decide_race, score_trial
from analysis.judging import find_chance, find_race_judge
from analysis.progress.left import Limits
from analysis.races import find_completed
from analysis.records.reader import Run, read_run
from search.errors import NothingToChoose
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder, read_trials
from search.tuning.feed import Feed, make_tune_config
from search.tuning.phases import Phase
from search.tuning.scheduler import InOrder
from spaces import TrialSpec, UserError
from spaces.specs.protocol import ENDED_BY_ITSELF, JUDGED_ON, JUDGES
from spaces.specs.run import RunSpec

Finalists = Mapping[str, Mapping[str, Sequence[TrialSpec]]]
"""Architecture -> config id, the best of the sweep first -> its trial on each seed of the race."""


def plan_choice(run: RunFolder, spec: RunSpec) -> Phase:
    """The race of a run that this process drives; nothing to do where the run asks for none.

    Raises:
        UserError: the sweep is not finished, or an architecture has no trial that was trained to the end.
    """
    finalists: Finalists = {}
    judge, chance = JUDGES[0], 0.0
    if spec.finalists:
        found = read_run(run.path)
        check_swept(run.path, spec, found)
        finalists, judge, chance = _find_finalists(run, spec, found), find_race_judge(found), find_chance(found)
    races = partial(Races, finalists, spec, judge, chance)

    def list_recorded() -> list[TrialFolder]:
        """Those that are in the race as it stands: what others of a smaller sweep left is no part of it."""
        recorded = run.list_recorded("choice")
        wanted = races(recorded).wanted
        return [folder for folder in recorded if folder.spec.trial_id in wanted]

    seeds = spec.choice_seeds or 0
    return Phase(
        name="choice",
        trials={name: count_trainings(len(finalists.get(name, ())), seeds) for name in spec.architectures},
        epochs=spec.max_epochs,
        limits=Limits(spec.max_epochs),
        recorded=list_recorded,
        feed=lambda recorded: RaceFeed(races(run.list_recorded("choice") if finalists else []), run, spec),
        scheduler=lambda recorded: InOrder(),
    )


def check_swept(run: Path, spec: RunSpec, found: Run) -> None:
    """Sees that every architecture's sweep is over and left something to choose from.

    Raises:
        UserError: it is not.
        NothingToChoose: it has not.
    """
    if behind := found.list_behind({name: spec.count_planned(name) for name in spec.architectures}):
        raise UserError(
            f"{run}: the sweep is not finished ({', '.join(behind)}), so the choice is not final and the test set "
            "stays closed; run the sweep again to resume it"
        )
    completed = set(find_completed(found, found.trials[found.trials["phase"] == "sweep"])["architecture"])
    if lacking := [name for name in spec.architectures if name not in completed]:
        raise NothingToChoose(
            f"{run}: no trial of {', '.join(lacking)} was trained to the end, so there is no incumbent; "
            "finish the sweep (run it again), or give it more --samples"
        )


def _find_finalists(run: RunFolder, spec: RunSpec, found: Run) -> Finalists:
    best = find_completed(found, found.trials[found.trials["phase"] == "sweep"])
    chosen: dict[str, dict[str, Sequence[TrialSpec]]] = {}
    for name in spec.architectures:
        mine = best[best["architecture"] == name].head(spec.finalists or 0)
        chosen[name] = {
            trial.config_id: spec.list_choice_trials(name, trial.theta)
            for trial in read_trials(run.path, mine["trial_id"])
        }
    return chosen


class Races:
    """The races of a run as they stand by its recorded trials."""

    def __init__(
        self,
        finalists: Finalists,
        spec: RunSpec,
        judge: str,
        chance: float,
        recorded: Sequence[TrialFolder],
    ):
        self._finalists, self._seeds, self._epochs = finalists, spec.choice_seeds or 0, spec.max_epochs
        self._judge, self._chance = judge, chance
        self._places = {
            trial.trial_id: (config_id, place)
            for configs in finalists.values()
            for config_id, trials in configs.items()
            for place, trial in enumerate(trials)
        }
        self._scores: dict[str, dict[tuple[str, int], Score]] = {name: {} for name in finalists}
        self._races: dict[str, Race] = {}
        for folder in recorded:
            if folder.read_outcome() is not None:  # Or it is handed out again, to get one.
                self._enter(folder)
        for name in finalists:
            self._decide(name)

    def take(self, folder: TrialFolder) -> None:
        """Takes in what a trial that ended has on record."""
        self._enter(folder)
        self._decide(folder.spec.architecture)

    def _enter(self, folder: TrialFolder) -> None:
        key = self._places.get(folder.spec.trial_id)
        if key is None or not (folder.status in ENDED_BY_ITSELF or folder.epoch >= self._epochs):
            return
        judged = JUDGED_ON[folder.spec.phase]
        accuracies, losses = ([row[f"{judged}_{what}"] for row in folder.rows] for what in ("accuracy", "loss"))
        score = score_trial(folder.status, accuracies, losses, self._judge, self._chance)
        self._scores[folder.spec.architecture][key] = score

    def _decide(self, name: str) -> None:
        self._races[name] = decide_race([*self._finalists[name]], self._seeds, self._scores[name])

    @property
    def left(self) -> list[TrialSpec]:
        """What can be trained now, architectures in turn, so that all advance together."""
        each = [
            [self._finalists[name][config_id][place] for config_id, place in race.missing]
            for name, race in self._races.items()
        ]
        return [trial for turn in zip_longest(*each) for trial in turn if trial is not None]

    @property
    def wanted(self) -> dict[str, TrialSpec]:
        """All trials that the stages so far ask for, by id."""
        return {
            trial.trial_id: trial
            for name, race in self._races.items()
            for config_id, trials in self._finalists[name].items()
            for place, trial in enumerate(trials)
            if (config_id, place) in race.trained or (config_id, place) in race.missing
        }


class RaceFeed(Feed):
    """Hands out what the races still ask for, stage by stage."""

    def __init__(self, races: Races, run: RunFolder, spec: RunSpec):
        super().__init__()
        self._races, self._run, self._max_epochs = races, run, spec.max_epochs
        self._live: set[str] = set()  # Tune's ids.
        self._handed: set[str] = set()

    @property
    def finished(self) -> bool:
        """Whether every race has its winner."""
        return not self._races.left

    @property
    def architectures(self) -> set[str]:
        """Those whose race goes on."""
        return {trial.architecture for trial in self._races.left}

    @property
    def left(self) -> Sequence[TrialSpec]:
        """Those of the stages that are under way."""
        return self._races.left

    def list_peers(self, trial: TrialSpec, max_epochs: int) -> list[TrialSpec]:
        """Those of its architecture, where those on one seed begin together."""
        return [peer for peer in self._races.wanted.values() if peer.architecture == trial.architecture]

    def suggest(self, trial_id: str) -> Any:
        """The next trial; None while those of a stage that cannot be decided yet run."""
        trial = next((trial for trial in self._races.left if trial.trial_id not in self._handed), None)
        if trial is None:
            return None if self._live else Searcher.FINISHED
        folder = TrialFolder(self._run.path, trial, self._run.guard)
        if folder.read_outcome() is not None:
            folder.reopen()  # It ended when trials were shorter, in a stage that was not to be decided then.
        self._handed.add(trial.trial_id)
        self._live.add(trial_id)
        return make_tune_config(trial, self._max_epochs)

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """A trial is no longer under way; one that was lost is handed out by the next feed."""
        self._live.discard(trial_id)

    def take_in(self, folder: TrialFolder) -> Sequence[TrialSpec]:
        """Takes in the score of a trial that ended; none is stopped by that."""
        folder.read()
        self._races.take(folder)
        return ()
