"""Which trials share a pack follows from what was asked for and from the records."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ray.tune.search import Searcher

from search.storage.trial_folder import TrialFolder
from search.tuning.feed import InTurn
from search.tuning.packs.feed import Packs
from search.tuning.packs.lanes import AWAKE, LANES
from spaces import Hyperparameters, TrialSpec


@pytest.fixture
def trials(trial: TrialSpec) -> list[TrialSpec]:
    """Five of two architectures each, in turn."""
    return [
        replace(trial, architecture=name, theta=Hyperparameters(lr, 0.5, 1e-4, 1.0))
        for lr in (0.01, 0.02, 0.03, 0.04, 0.05)
        for name in ("conv", "invariant")
    ]


def take_all(feed: Packs) -> list[Any]:
    configs = []
    while isinstance(config := feed.suggest(f"tune-{len(configs)}"), dict):
        configs.append(config)
    assert config is None  # Some are under way.
    for number in range(len(configs)):
        feed.on_trial_complete(f"tune-{number}")
    assert feed.suggest("last") == Searcher.FINISHED
    assert feed.finished
    return configs


def list_lanes(config: dict[str, Any]) -> list[str]:
    return [lane["trial_id"] for lane in config[LANES]]


def test_packs_are_of_one_architecture_and_of_at_most_so_many(trials: list[TrialSpec]) -> None:
    feed = Packs(InTurn(trials, 3), 3)
    assert feed.architectures == {"conv", "invariant"}
    configs = take_all(feed)
    ids = [trial.trial_id for trial in trials]
    assert [list_lanes(config) for config in configs] == [ids[0:6:2], ids[1:7:2], ids[6::2], ids[7::2]]
    assert all(config[AWAKE] == list_lanes(config) for config in configs)
    assert [config["trial"]["trial_id"] for config in configs] == [ids[0], ids[1], ids[6], ids[7]]


def test_what_has_ended_keeps_its_place(trials: list[TrialSpec], tmp_path: Path) -> None:
    ended = TrialFolder(tmp_path, trials[2])
    ended.decide("diverged", 1)
    configs = take_all(Packs(InTurn(trials, 3, [ended]), 3))
    assert list_lanes(configs[0]) == [trial.trial_id for trial in trials[0:6:2]]
    assert configs[0][AWAKE] == [trials[0].trial_id, trials[4].trial_id]


def test_lanes_share_their_batches(trials: list[TrialSpec]) -> None:
    mixed = [*trials[::2], replace(trials[0], seed=7), replace(trials[2], batch_size=8), replace(trials[4], seed=7)]
    packs = [list_lanes(config) for config in take_all(Packs(InTurn(mixed, 3), 8))]
    assert packs == [
        [trial.trial_id for trial in trials[::2]],
        [mixed[5].trial_id, mixed[7].trial_id],
        [mixed[6].trial_id],
    ]


def test_architectures_without_packs_are_handed_out_as_they_are(trials: list[TrialSpec]) -> None:
    configs = take_all(Packs(InTurn(trials, 3), 8, alone={"conv"}))
    assert [LANES in config for config in configs] == [False, True, *[False] * 4]
    assert [config["trial"]["trial_id"] for config in configs if LANES not in config] == [
        trial.trial_id for trial in trials[::2]
    ]


def test_what_is_not_certain_is_asked_once_for_all_that_it_concerns(trials: list[TrialSpec]) -> None:
    asked: list[str] = []

    class Waiting(InTurn):
        def list_peers(self, trial: TrialSpec, max_epochs: int) -> Any:
            asked.append(trial.architecture)

    feed = Packs(Waiting(trials, 3), 3)
    feed.suggest("tune-0")
    assert sorted(asked) == ["conv", "invariant"]
