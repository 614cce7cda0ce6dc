"""The feed of a race: what it hands out, when it waits, and that records alone decide, at whatever point it resumes."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ray.tune.search import Searcher

from analysis.races import find_races
from analysis.records.reader import read_run
from search.datasets import find_dataset
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.choice import RaceFeed, plan_choice
from search.tuning.feed import Feed
from search.tuning.rerun import plan_rerun
from spaces import SPACES, TrialSpec, UserError
from spaces.specs.run import RunSpec

NAMES = ("conv", "invariant")


def make_spec(samples: int = 6, finalists: int | None = 4, seeds: int | None = 4) -> RunSpec:
    data = find_dataset("digits")
    return RunSpec(
        data.name,
        data.data_hash,
        data.batch_size,
        0,
        0,
        NAMES,
        space=SPACES["table-1.2"].describe(),
        search="grid",
        scheduler="none",
        samples=samples,
        max_epochs=1,
        rerun_seeds=1,
        rerun_epochs=1,
        classes=10,
        finalists=finalists,
        choice_seeds=seeds,
    )


def finish(run: RunFolder, trial: TrialSpec, outcome: bool = True, epochs: int = 1) -> None:
    """Puts a trial on record, with accuracies that its id decides; one in eight diverges."""
    draw = random.Random(trial.trial_id)
    diverged = draw.random() < 0.125 and trial.phase == "choice"
    folder = TrialFolder(run.path, trial, run.guard)
    folder.open()
    for epoch in range(1, epochs + 1):
        row: dict[str, Any] = {"epoch": epoch, "train_loss": 1.0, "seconds": 0.1, "time": 1.0}
        row |= (
            {"val_loss": None, "val_accuracy": None} if diverged else {"val_loss": 1.0, "val_accuracy": draw.random()}
        )
        status = "diverged" if diverged else "running"
        folder.commit(row, status, {"host": "h"}, lambda path, record: path.write_bytes(b""))
        if diverged:
            break
    if outcome:
        folder.decide("diverged" if diverged else "completed", folder.epoch)
    folder.close()


def sweep(run: RunFolder, spec: RunSpec) -> None:
    for name in NAMES:
        for theta in spec.list_points(name):
            trial = spec.sweep_trial(name, theta)
            if not (run.path / "trials" / trial.trial_id).exists():
                finish(run, trial, epochs=spec.max_epochs)


def race(run: RunFolder, spec: RunSpec, at_once: int = 3, most: int = 10_000, seed: int = 0) -> list[TrialSpec]:
    """Runs up to ``most`` trainings, several at once that end in any order; what runs at the end is lost."""
    phase, rng = plan_choice(run, spec), random.Random(seed)
    feed, live, trained = phase.feed(phase.recorded()), {}, []
    assert isinstance(feed, RaceFeed)
    while len(trained) < most:
        while len(live) < at_once and isinstance(config := feed.suggest(tune := str(rng.random())), dict):
            live[tune] = TrialSpec.from_dict(config["trial"])
        if not live:
            assert feed.suggest("x") == Searcher.FINISHED
            break
        ended = rng.choice(sorted(live))
        finish(run, live[ended], epochs=spec.max_epochs)
        tell_end(feed, run, ended, live[ended])
        trained.append(live.pop(ended))
    return trained


def tell_end(feed: Feed, run: RunFolder, tune: str, trial: TrialSpec) -> None:
    """What Tune and then ``Outcomes`` say of a trial that ended."""
    feed.on_trial_complete(tune, {})
    assert not feed.take_in(TrialFolder(run.path, trial))


@pytest.fixture
def run(tmp_path: Path) -> Any:
    made = RunFolder(tmp_path / "run")
    with made.driven(make_spec()):
        sweep(made, make_spec())
        yield made


def test_a_race_to_its_end(run: RunFolder) -> None:
    spec = make_spec()
    trained = race(run, spec)
    assert plan_choice(run, spec).trials == dict.fromkeys(NAMES, 4 + 2 + 2)
    assert len(trained) == len({trial.trial_id for trial in trained}) == 2 * 8
    assert {trial.phase for trial in trained} == {"choice"}
    used = {spec.seed, *(trial.seed for trial in spec.list_rerun_trials("conv", spec.list_points("conv")[0]))}
    assert not {trial.seed for trial in trained} & used
    assert plan_choice(run, spec).feed([]).finished
    assert plan_rerun(run, spec).trials == dict.fromkeys(NAMES, 1)


@pytest.mark.parametrize("judge", [None, "last5", "both"])
def test_what_trains_a_race_and_what_reads_it_decide_alike(tmp_path: Path, judge: str | None) -> None:
    """If they did not, the reader would ask for trainings that the feed never handed out."""
    spec, run = replace(make_spec(), max_epochs=6, grace_period=1, judge=judge), RunFolder(tmp_path / "run")
    with run.driven(spec):
        sweep(run, spec)
        race(run, spec)
        assert None not in find_winners(run)


def test_it_waits_for_a_stage_and_fills_the_time_with_the_other_architecture(run: RunFolder) -> None:
    spec = make_spec()
    feed = plan_choice(run, spec).feed([])
    first = [hand_out(feed, str(number)) for number in range(8)]
    assert [trial.architecture for trial in first] == [*NAMES] * 4
    assert feed.suggest("8") is None  # All that can be decided waits for one of these.
    for number in range(0, 8, 2):
        finish(run, first[number])
        tell_end(feed, run, str(number), first[number])
    after = [hand_out(feed, str(number)) for number in range(8, 10)]
    assert [trial.architecture for trial in after] == ["conv"] * 2
    assert feed.suggest("10") is None
    assert feed.architectures == {*NAMES}


@pytest.mark.parametrize("killed_after", [0, 1, 5, 8, 12, 15])
def test_a_race_resumes_from_any_prefix_of_its_records(run: RunFolder, killed_after: int, tmp_path: Path) -> None:
    spec = make_spec()
    before = race(run, spec, most=killed_after, seed=killed_after)
    assert len(before) == killed_after
    after = race(run, spec, at_once=1, seed=killed_after + 1)
    assert len({trial.trial_id for trial in before + after}) == len(before + after) == 16
    undisturbed = RunFolder(tmp_path / "undisturbed")
    with undisturbed.driven(spec):
        sweep(undisturbed, spec)
        race(undisturbed, spec)
    assert find_winners(run) == find_winners(undisturbed)


def hand_out(feed: Feed, tune: str = "1") -> TrialSpec:
    """The next trial of a feed that has one."""
    config = feed.suggest(tune)
    assert isinstance(config, dict)
    return TrialSpec.from_dict(config["trial"])


def find_winners(run: RunFolder) -> list[str | None]:
    return [found.race.winner for found in find_races(read_run(run.path)).values()]


def test_a_trial_without_an_outcome_is_handed_out_again(run: RunFolder) -> None:
    """A driver that died between a worker's commit and its own outcome; the worker says at once that it has ended."""
    spec = make_spec()
    trial = hand_out(plan_choice(run, spec).feed([]))
    finish(run, trial, outcome=False)
    phase = plan_choice(run, spec)
    assert hand_out(phase.feed(phase.recorded())) == trial


def test_a_lost_trial_ends_the_feed_and_the_next_takes_it_up(run: RunFolder) -> None:
    spec = make_spec(finalists=2, seeds=1)
    with pytest.raises(UserError, match="the race is not finished \\(conv 0 of 8 trainings, invariant 0 of 8"):
        plan_rerun(run, make_spec())
    feed = plan_choice(run, spec).feed([])
    lost = [feed.suggest(str(number)) for number in range(4)]
    for number in range(4):
        feed.on_trial_complete(str(number), None, error=True)
    assert feed.suggest("5") == Searcher.FINISHED
    assert not feed.finished
    again = plan_choice(run, spec).feed([])
    assert [again.suggest(str(number)) for number in range(4)] == lost


def test_a_record_that_cannot_be_read_for_a_moment_is_read_again(
    run: RunFolder, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Tune would take an exception of its searcher for a failure of the trial."""
    feed = plan_choice(run, make_spec()).feed([])
    trial = hand_out(feed)
    finish(run, trial)
    with monkeypatch.context() as gone:
        gone.setattr(TrialFolder, "read", lambda folder: (_ for _ in ()).throw(OSError(116, "Stale file handle")))
        feed.on_trial_complete("1", {})
        with pytest.raises(OSError, match="Stale"):  # Where a reason to stop is made of it.
            feed.take_in(TrialFolder(run.path, trial))
    phase = plan_choice(run, make_spec())
    assert trial not in phase.feed(phase.recorded()).left


def test_a_larger_sweep_races_again_and_repeats_nothing(run: RunFolder) -> None:
    before = race(run, make_spec())
    grown = make_spec(samples=12, finalists=6)
    sweep(run, grown)
    after = race(run, grown)
    assert not {trial.trial_id for trial in before} & {trial.trial_id for trial in after}
    assert plan_choice(run, grown).feed([]).finished
    recorded = {folder.spec.trial_id for folder in plan_choice(run, grown).recorded()}
    assert len(recorded) == sum(plan_choice(run, grown).trials.values())


def test_a_sweep_that_is_not_over_does_not_race(run: RunFolder) -> None:
    with pytest.raises(UserError, match="the sweep is not finished \\(conv 6 of 7, invariant 6 of 7\\)"):
        plan_choice(run, make_spec(samples=7))


def test_without_a_race_there_is_nothing_to_do(run: RunFolder) -> None:
    phase = plan_choice(run, make_spec(finalists=None, seeds=None))
    assert phase.feed(phase.recorded()).finished
    assert phase.trials == dict.fromkeys(NAMES, 0)
