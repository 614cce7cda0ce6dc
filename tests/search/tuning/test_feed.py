from __future__ import annotations

from dataclasses import replace

from ray.tune.search import Searcher

from search.tuning.feed import InTurn
from spaces import Hyperparameters, TrialSpec


def trial(seed: int) -> TrialSpec:
    return TrialSpec("rerun", "conv", "digits", "0" * 16, Hyperparameters(0.1, 0.5, 0.0, 1.0), seed, None, 16)


def test_hands_out_each_trial_once_and_in_order() -> None:
    trials = [trial(seed) for seed in (3, 1, 2)]
    feed = InTurn(trials, 7)
    assert [*feed.left] == trials
    given = [feed.suggest(str(number)) for number in range(3)]
    assert [TrialSpec.from_dict(config["trial"]) for config in given] == trials
    assert {config["max_epochs"] for config in given} == {7}
    assert not feed.left
    assert feed.finished
    assert not feed.architectures
    assert feed.suggest("4") == Searcher.FINISHED


def test_nothing_to_do_is_finished_at_once() -> None:
    assert InTurn([], 1).finished


def test_architectures_are_those_that_have_something_left() -> None:
    other = replace(trial(1), architecture="invariant")
    feed = InTurn([trial(1), other, trial(2)], 1)
    left = []
    while not feed.finished:
        left.append(feed.architectures)
        feed.suggest("1")
    assert left == [{"conv", "invariant"}, {"conv", "invariant"}, {"conv"}]
