from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hyperopt.pyll.stochastic import sample
from ray.cloudpickle import cloudpickle
from ray.tune.search import Searcher

from search.storage.trial_folder import TrialFolder
from search.tuning.tpe import TpeSearch, _as_hyperopt
from spaces import SPACES, RandInt, Space, TrialSpec, UserError, make_space
from spaces.specs.run import RunSpec


def spec_for(space: Space, samples: int, *architectures: str) -> RunSpec:
    names = architectures or ("conv",)
    return RunSpec("digits", "0" * 16, 16, 0, 0, names, space=space.describe(), search="tpe", samples=samples)


CONTINUOUS = SPACES["continuous"]
SMALL = make_space(
    {"lr": {"choice": [0.01, 0.1, 1]}, "momentum": {"choice": [0, 0.5]}, "weight_decay": 0, "gain": 1}, "small"
)

MINE = make_space(
    {
        "lr": {"uniform": [0.01, 1]},
        "momentum": 0,
        "weight_decay": 0,
        "gain": 1,
        "batch_size": {"randint": [8, 64]},
        "schedule": {"choice": ["constant", "cosine", "steps"]},
    },
    "mine",
)


def accuracy(trial: TrialSpec) -> float:
    """A made-up answer, best at lr = 0.1 and no momentum."""
    return max(0.01, 1 - abs(trial.theta.lr - 0.1) - trial.theta.momentum / 2)


def result_of(trial: TrialSpec, status: str = "running") -> dict[str, Any]:
    return {"epoch": 20, "accuracy": accuracy(trial), "status": status, "done": True}


def drive(searcher: TpeSearch, until: int = 10_000, prefix: str = "t") -> list[TrialSpec]:
    """Answers proposals one by one until the searcher has finished."""
    trials: list[TrialSpec] = []
    while len(trials) < until:
        config = searcher.suggest(f"{prefix}{len(trials)}")
        if config == Searcher.FINISHED:
            break
        trials.append(TrialSpec.from_dict(config["trial"]))
        searcher.on_trial_complete(f"{prefix}{len(trials) - 1}", result_of(trials[-1]))
    return trials


def recorded(run: Path, trial: TrialSpec, time: float, outcome: str | None = "completed") -> TrialFolder:
    folder = TrialFolder(run, trial)
    folder.path.mkdir(parents=True)
    for epoch in range(1, 21):
        row = {"epoch": epoch, "val_accuracy": accuracy(trial), "seconds": 1.0, "time": time}
        folder.commit(row, "running", {}, lambda path, record: None)
    if outcome:
        folder.decide(outcome, 20)
    return folder


def test_proposals_are_distinct_members_of_the_space() -> None:
    trials = drive(TpeSearch(spec_for(CONTINUOUS, 30), []))
    assert len({trial.trial_id for trial in trials}) == 30
    assert all(trial.theta in CONTINUOUS for trial in trials)


def test_learns_from_what_it_is_told() -> None:
    thetas = [trial.theta for trial in drive(TpeSearch(spec_for(CONTINUOUS, 80), []))]
    early, late = thetas[:20], thetas[40:]
    assert sum(t.momentum for t in late) / len(late) < sum(t.momentum for t in early) / len(early)


def test_a_small_space_is_exhausted_and_repeats_cost_nothing() -> None:
    trials = drive(TpeSearch(spec_for(SMALL, 100), []))
    assert len(trials) == 6 == len({trial.trial_id for trial in trials})


def test_a_repeat_costs_nothing() -> None:
    """Told again, repeats made it 4,401 observations at the 221st of these 256 points, and 8 s a proposal."""
    searcher = TpeSearch(spec_for(SPACES["table-1.2"], 256), [])
    trials = drive(searcher)
    assert len({trial.trial_id for trial in trials}) == 256 == len(trials)
    assert len(searcher._proposers["conv"]._hyperopt._hpopt_trials.trials) <= 256


def test_what_is_left_of_a_space_is_enumerated(monkeypatch: pytest.MonkeyPatch) -> None:
    searcher = TpeSearch(spec_for(SPACES["table-1.2"], 256), [])
    drive(searcher, until=231)
    hyperopt = searcher._proposers["conv"]._hyperopt
    monkeypatch.setattr(hyperopt, "suggest", lambda name: pytest.fail("hyperopt was asked"))
    assert len(drive(searcher, prefix="rest")) == 25


def test_architectures_advance_together() -> None:
    trials = drive(TpeSearch(spec_for(SMALL, 3, "conv", "invariant"), []))
    assert [trial.architecture for trial in trials] == ["conv", "invariant"] * 3


def test_the_same_run_proposes_the_same() -> None:
    spec = spec_for(CONTINUOUS, 25)
    assert drive(TpeSearch(spec, [])) == drive(TpeSearch(spec, []))


def test_running_proposals_are_not_proposed_again() -> None:
    searcher = TpeSearch(spec_for(SMALL, 6), [])
    configs = [searcher.suggest(str(number)) for number in range(6)]
    assert len({config["trial"]["trial_id"] for config in configs}) == 6
    for number, config in enumerate(configs):
        searcher.on_trial_complete(str(number), result_of(TrialSpec.from_dict(config["trial"])))
    assert searcher.finished


def test_a_restart_keeps_the_history_and_reopens_the_unfinished(tmp_path: Path) -> None:
    spec = spec_for(CONTINUOUS, 40)
    before = drive(TpeSearch(spec, []), until=25)
    folders = [recorded(tmp_path, trial, time) for time, trial in enumerate(before[:24])]
    folders.append(recorded(tmp_path, before[24], 24, outcome=None))
    searcher = TpeSearch(spec, folders)
    after = drive(searcher, prefix="again")
    assert after[0] == before[24]
    assert len(after) == 16  # 40 samples, 24 of them finished before.
    assert not {trial.trial_id for trial in after} & {trial.trial_id for trial in before[:24]}


def test_a_restart_near_the_end_of_a_grid_finishes_what_was_begun(tmp_path: Path) -> None:
    spec = spec_for(SMALL, 6)
    before = drive(TpeSearch(spec, []))
    folders = [recorded(tmp_path, trial, time) for time, trial in enumerate(before[:5])]
    folders.append(recorded(tmp_path, before[5], 5, outcome=None))
    assert drive(TpeSearch(spec, folders)) == [before[5]]


def test_failed_trials_teach_nothing_and_diverged_ones_are_the_worst() -> None:
    heard: list[tuple[Any, bool]] = []
    searcher = TpeSearch(spec_for(CONTINUOUS, 6), [])
    proposer = searcher._proposers["conv"]
    tell = proposer._hyperopt.on_trial_complete

    def listen(trial_id: str, result: Any = None, error: bool = False) -> None:
        heard.append((result and result["accuracy"], error))
        tell(trial_id, result, error)

    proposer._hyperopt.on_trial_complete = listen
    for number, status in enumerate(("failed", "diverged", "running")):
        trial = TrialSpec.from_dict(searcher.suggest(str(number))["trial"])
        searcher.on_trial_complete(str(number), result_of(trial, status) | {"accuracy": 0.0})
    searcher.suggest("3")
    searcher.on_trial_complete("3", None, error=True)
    assert heard == [(None, True), (0.0, False), (0.0, False), (None, True)]


def test_a_dead_worker_does_not_end_the_search() -> None:
    searcher = TpeSearch(spec_for(SMALL, 6), [])
    for number in range(6):
        assert searcher.suggest(str(number)) != Searcher.FINISHED
        searcher.on_trial_complete(str(number), None, error=True)
    assert searcher.suggest("6") == Searcher.FINISHED


def test_a_space_of_few_values_gives_them_all_and_no_more_may_be_asked_for() -> None:
    narrow = make_space({"lr": {"uniform": [1.0, 1.002]}, "momentum": 0, "weight_decay": 0, "gain": 1}, "narrow")
    assert len(drive(TpeSearch(spec_for(narrow, 3), []))) == 3  # 1, 1.001 and 1.002: four digits.
    with pytest.raises(UserError, match="give --samples 3 or fewer"):
        spec_for(narrow, 50).check_searched()


@pytest.mark.parametrize("samples", [1, 5])
def test_extending_goes_on(tmp_path: Path, samples: int) -> None:
    before = drive(TpeSearch(spec_for(CONTINUOUS, samples), []))
    folders = [recorded(tmp_path, trial, time) for time, trial in enumerate(before)]
    more = replace(spec_for(CONTINUOUS, samples), samples=samples + 2)
    assert len(drive(TpeSearch(more, folders))) == 2


def test_tune_can_pickle_it_in_the_midst_of_a_walk_through_a_grid() -> None:
    searcher = TpeSearch(spec_for(SMALL, 6), [])
    assert len(drive(searcher, until=5)) == 5
    cloudpickle.dumps(searcher)


def test_words_booleans_and_whole_numbers_are_proposed() -> None:
    spec = spec_for(MINE, 60)
    trials = drive(TpeSearch(spec, []))
    assert len({trial.trial_id for trial in trials}) == 60
    assert all(trial.theta in MINE for trial in trials)
    assert {trial.theta["schedule"] for trial in trials} == {"constant", "cosine", "steps"}
    assert {type(trial.theta["batch_size"]) for trial in trials} == {int}
    assert all(trial.batch_size == trial.theta["batch_size"] for trial in trials)
    assert drive(TpeSearch(spec, [])) == trials


def test_the_ends_of_a_randint_are_drawn_as_often_as_the_others() -> None:
    domain, rng = RandInt(8, 11), np.random.default_rng(0)
    counts = Counter(domain.snap(sample(_as_hyperopt("width", domain), rng)) for _ in range(2000))
    assert set(counts) == {8, 9, 10, 11}
    assert min(counts.values()) > 400  # Of 500 each; without the halves beyond them, the ends would have 333.


def test_a_restart_with_further_names_proposes_the_same_each_time(tmp_path: Path) -> None:
    spec = spec_for(MINE, 20)
    before = drive(TpeSearch(spec, []), until=12)
    folders = [recorded(tmp_path, trial, time) for time, trial in enumerate(before[:11])]
    folders.append(recorded(tmp_path, before[11], 11, outcome=None))
    after = [drive(TpeSearch(spec, folders)) for _ in range(2)]
    assert after[0] == after[1]
    assert after[0][0] == before[11]
    assert len(after[0]) == 9


def test_a_wide_randint_is_not_listed() -> None:
    wide = make_space({**MINE.describe(), "lr": 0.1, "batch_size": {"randint": [1, 10**9]}, "name": "wide"}, "")
    assert len(drive(TpeSearch(spec_for(wide, 5), []))) == 5
