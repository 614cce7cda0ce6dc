"""ASHA per architecture, against its rule written out here and replayed over the journal."""

from __future__ import annotations

import json
import random
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from ray.air.execution._internal import RayActorManager

from search.storage.asha_decisions import Journal
from search.storage.trial_folder import TrialFolder
from search.tuning.scheduler import InOrder, PerArchitecture, make_scheduler
from search.tuning.trainable import report
from spaces import SPACES, TrialSpec, UserError
from spaces.specs.run import RunSpec

TABLE_1_2 = SPACES["table-1.2"]
SPEC = RunSpec(
    "digits", "0" * 16, 16, 0, 0, ("conv", "invariant"), space=TABLE_1_2.describe(), search="grid", samples=256
)


@pytest.mark.parametrize(
    ("grace", "most", "eta", "expected"),
    [(5, 20, 4.0, [5]), (5, 20, 3.0, [5, 15]), (5, 20, 2.0, [5, 10]), (1, 27, 3.0, [1, 3, 9]), (20, 20, 4.0, [])],
)
def test_rungs(grace: int, most: int, eta: float, expected: list[int]) -> None:
    assert replace(SPEC, grace_period=grace, max_epochs=most, reduction_factor=eta).list_rungs() == expected


@pytest.mark.parametrize(
    ("grace", "most", "eta"), [(1, 20, 2.5), (5, 20, 1.3), (2, 40, 1.7), (1, 27, 3.0), (3, 9, 4.0)]
)
def test_rungs_are_where_ray_judges(tmp_path: Path, grace: int, most: int, eta: float) -> None:
    """A trial that is worse than another at every epoch is stopped at the first rung it has not passed yet."""
    spec = replace(SPEC, grace_period=grace, max_epochs=most, reduction_factor=eta)
    judged, decision = [], None
    for last in range(1, most):
        scheduler = PerArchitecture(spec, Journal(tmp_path / "nowhere", []))
        good, bad = (SimpleNamespace(config={"trial": t.as_dict()}) for t in two_trials())
        for trial, accuracies in ((good, [0.9] * most), (bad, [0.9] * (last - 1) + [0.1])):
            scheduler.on_trial_add(None, trial)  # pyright: ignore[reportArgumentType]
            for epoch, accuracy in enumerate(accuracies, start=1):
                told: Any = {"epoch": epoch, "accuracy": accuracy}
                decision = scheduler.on_trial_result(None, trial, told)  # pyright: ignore[reportArgumentType]
        if decision == "STOP":
            judged.append(last)
    assert judged == spec.list_rungs()


def two_trials() -> tuple[TrialSpec, TrialSpec]:
    one, other = list(TABLE_1_2.walk(0))[:2]
    return SPEC.sweep_trial("conv", one), SPEC.sweep_trial("conv", other)


def test_rungs_that_fall_together_are_refused() -> None:
    with pytest.raises(UserError, match=r"reduction-factor: 1.1 puts two rungs on epoch 2"):
        replace(SPEC, grace_period=1, reduction_factor=1.1)


def test_a_journal_that_cannot_be_written_ends_the_run_and_decides_nothing(tmp_path: Path) -> None:
    scheduler = PerArchitecture(SPEC, Journal(tmp_path / "nowhere", SPEC.list_rungs()))
    trial: Any = SimpleNamespace(config={"trial": two_trials()[0].as_dict()})
    scheduler.on_trial_add(None, trial)
    assert scheduler.trouble is None
    assert scheduler.on_trial_result(None, trial, {"epoch": 5, "accuracy": 0.5}) == "STOP"
    assert "No such file" in str(scheduler.trouble)


def test_expected_epochs() -> None:
    assert SPEC.compute_expected_epochs() == 5 + 15 / 4
    assert replace(SPEC, reduction_factor=2.0).compute_expected_epochs() == 5 + 5 / 2 + 10 / 4
    assert replace(SPEC, scheduler="none").compute_expected_epochs() == 20


class Simulation:
    """Two trials at a time, with made-up accuracies, as Tune would drive a scheduler."""

    def __init__(self, run: Path, spec: RunSpec, seed: int):
        self.run, self.spec = run, spec
        self.random = random.Random(seed)
        points = list(TABLE_1_2.walk(seed))[:24]
        self.trials = [spec.sweep_trial(name, theta) for theta in points for name in spec.architectures]
        self.final = {trial.trial_id: self.random.random() for trial in self.trials}
        self.fate = {  # Some fail and some diverge, before, at and after the rungs.
            trial.trial_id: (self.random.choice(["failed", "diverged"]), self.random.randrange(1, 9))
            for trial in self.random.sample(self.trials, 16)
        }
        self.clock = 0.0

    def row(self, trial: TrialSpec, epoch: int) -> dict[str, Any]:
        self.clock += 1.0
        rate = self.final[trial.trial_id] * (1 - 0.9**epoch)
        return {"epoch": epoch, "val_accuracy": rate, "seconds": 1.0, "time": self.clock}

    def drive(self, scheduler: Any, reports_until: float) -> list[tuple[str, int, str]]:
        """Runs until ``reports_until`` reports were made, as if the driver then died; returns the decisions."""
        decisions, live, count = [], [], 0
        waiting = [t for t in self.trials if self.folder(t).read_outcome() is None]
        while (live or waiting) and count < reports_until:
            while waiting and len(live) < 2:
                trial = waiting.pop(0)
                scheduler.on_trial_add(None, self.tune(trial))
                live.append((trial, bool(self.folder(trial).rows)))
            trial, again = live.pop(self.random.randrange(len(live)))
            folder = self.folder(trial)
            fate = self.fate.get(trial.trial_id)
            if not again:
                folder.path.mkdir(parents=True, exist_ok=True)
                if fate == ("failed", folder.epoch):
                    folder.fail("a bug")
                elif fate == ("diverged", folder.epoch):
                    row = self.row(trial, folder.epoch + 1) | {"val_accuracy": None}
                    folder.commit(row, "diverged", {}, lambda path, record: None)
                else:
                    folder.commit(self.row(trial, folder.epoch + 1), "running", {}, lambda path, record: None)
            result = report(folder, self.spec.max_epochs)
            count += 1
            if count == reports_until and self.random.random() < 0.5:
                break  # The driver dies before it hears of the row.
            if result["done"]:
                scheduler.on_trial_complete(None, self.tune(trial), result)
                if count < reports_until:
                    folder.decide(folder.status if fate else "completed", folder.epoch)
                continue
            decision = scheduler.on_trial_result(None, self.tune(trial), result)
            decisions.append((trial.trial_id, folder.epoch, decision))
            if count == reports_until:
                break  # The driver dies before it acts.
            if decision == "STOP":
                folder.decide("stopped", folder.epoch)
            else:
                live.append((trial, False))
        return decisions

    def tune(self, trial: TrialSpec) -> Any:
        return SimpleNamespace(trial_id=f"tune-{self.random.random()}", config={"trial": trial.as_dict()})

    def folder(self, trial: TrialSpec) -> TrialFolder:
        folder = TrialFolder(self.run, trial)
        folder.read()
        return folder


def replayed(run: Path, spec: RunSpec) -> set[str]:
    """Whom the rule stops, from the journal alone; checks that it says the same at each line.

    At a rung a trial goes on iff its value is at or above the (1 - 1/eta) percentile of the values
    recorded earlier at that rung for its architecture, or none was.
    """
    seen: dict[tuple[str, int], dict[str, float]] = {}
    stopped = set()
    for line in (run / "decisions.jsonl").read_text().splitlines():
        entry = json.loads(line)
        assert entry["epoch"] in spec.list_rungs()
        values = seen.setdefault((entry["architecture"], entry["epoch"]), {})
        assert entry["trial_id"] not in values  # Judged once.
        cut = np.percentile(list(values.values()), 100 * (1 - 1 / spec.reduction_factor)) if values else 0.0
        if not entry.get("restored") and entry["decision"] != "END":
            assert entry["decision"] == ("CONTINUE" if entry["accuracy"] >= cut else "STOP")
        if entry["decision"] == "STOP":
            stopped.add(entry["trial_id"])
        values[entry["trial_id"]] = entry["accuracy"]
    return stopped


def run_with_deaths(simulation: Simulation, deaths: tuple[float, ...]) -> dict[str, str | None]:
    for death in deaths:
        folders = [simulation.folder(trial) for trial in simulation.trials if simulation.folder(trial).rows]
        simulation.drive(make_scheduler(simulation.spec, simulation.run, folders), death)
    return {trial.trial_id: simulation.folder(trial).read_outcome() for trial in simulation.trials}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("eta", [2.0, 4.0])
def test_decisions_follow_the_rule_however_often_the_driver_dies(tmp_path: Path, seed: int, eta: float) -> None:
    simulation = Simulation(tmp_path, replace(SPEC, reduction_factor=eta), seed)
    outcomes = run_with_deaths(simulation, (7, 1, 60, 2, 90, float("inf")))
    assert {name for name, outcome in outcomes.items() if outcome == "stopped"} == replayed(tmp_path, simulation.spec)
    assert set(outcomes.values()) == {"stopped", "completed", "failed", "diverged"}
    judged = [json.loads(line) for line in (tmp_path / "decisions.jsonl").read_text().splitlines()]
    values = {(entry["trial_id"], entry["epoch"]): entry["accuracy"] for entry in judged}
    for trial in simulation.trials:  # Everybody who reached a rung was judged there, by what is on record.
        for row in simulation.folder(trial).rows:
            if row["epoch"] in simulation.spec.list_rungs():
                assert values.pop((trial.trial_id, row["epoch"])) == (row["val_accuracy"] or 0.0)
    assert not values


def test_a_lost_journal_is_restored_from_the_records(tmp_path: Path) -> None:
    simulation = Simulation(tmp_path, SPEC, 0)
    outcomes = run_with_deaths(simulation, (float("inf"),))
    journal = tmp_path / "decisions.jsonl"
    before = [json.loads(line) for line in journal.read_text().splitlines()]
    journal.unlink()
    folders = [simulation.folder(trial) for trial in simulation.trials if simulation.folder(trial).rows]
    make_scheduler(SPEC, tmp_path, folders)
    after = [json.loads(line) for line in journal.read_text().splitlines()]

    def told(entries: list[dict[str, Any]]) -> list[tuple[Any, ...]]:
        return [(e["trial_id"], e["architecture"], e["epoch"], e["accuracy"], e["decision"]) for e in entries]

    assert told(after) == told(before)
    assert all(entry["restored"] for entry in after)
    assert {name for name, outcome in outcomes.items() if outcome == "stopped"} == {
        entry["trial_id"] for entry in after if entry["decision"] == "STOP"
    }


def test_a_stop_is_never_taken_back(tmp_path: Path) -> None:
    """The trial's record and outcome are lost; trained again, it stops where it did, though it now would go on."""
    low, high = (SPEC.sweep_trial("conv", theta) for theta in list(TABLE_1_2.walk(0))[:2])

    def told(scheduler: Any, trial: TrialSpec, epoch: int, accuracy: float) -> str:
        tune_trial: Any = SimpleNamespace(config={"trial": trial.as_dict()})
        scheduler.on_trial_add(None, tune_trial)
        return scheduler.on_trial_result(None, tune_trial, {"epoch": epoch, "accuracy": accuracy})

    scheduler = make_scheduler(SPEC, tmp_path, [])
    assert [told(scheduler, high, 5, 0.9), told(scheduler, low, 5, 0.1)] == ["CONTINUE", "STOP"]
    again = make_scheduler(SPEC, tmp_path, [])
    assert [told(again, low, 4, 0.1), told(again, low, 5, 0.95)] == ["CONTINUE", "STOP"]


def test_architectures_do_not_compete(tmp_path: Path) -> None:
    scheduler = PerArchitecture(SPEC, Journal(tmp_path, SPEC.list_rungs()))
    theta = next(TABLE_1_2.walk(0))

    def told(architecture: str, accuracy: float) -> str:
        tune_trial: Any = SimpleNamespace(config={"trial": SPEC.sweep_trial(architecture, theta).as_dict()})
        scheduler.on_trial_add(None, tune_trial)
        return scheduler.on_trial_result(None, tune_trial, {"epoch": 5, "accuracy": accuracy})

    assert told("conv", 0.99) == "CONTINUE"
    assert told("invariant", 0.50) == "CONTINUE"  # The first of its own kind.


def test_a_report_that_asha_would_ignore_is_an_error(tmp_path: Path) -> None:
    tune_trial: Any = SimpleNamespace(config={"trial": SPEC.sweep_trial("conv", next(TABLE_1_2.walk(0))).as_dict()})
    with pytest.raises(AssertionError, match="ignore"):
        PerArchitecture(SPEC, Journal(tmp_path, SPEC.list_rungs())).on_trial_result(
            None, tune_trial, {"training_iteration": 5, "accuracy": 0.5}
        )


def test_none_means_none(tmp_path: Path) -> None:
    assert type(make_scheduler(replace(SPEC, scheduler="none"), tmp_path, [])) is InOrder
    assert not (tmp_path / "decisions.jsonl").exists()


def test_trials_run_in_the_order_they_came() -> None:
    trials = [SimpleNamespace(trial_id=str(k), status="PENDING", is_finished=lambda: False) for k in range(4)]
    controller: Any = SimpleNamespace()  # It is not asked for all trials.
    scheduler = InOrder()
    for trial in trials:
        scheduler.on_trial_add(controller, trial)  # pyright: ignore[reportArgumentType]
    trials[0].status, trials[0].is_finished = "TERMINATED", lambda: True
    trials[1].status = "RUNNING"
    assert scheduler.choose_trial_to_run(controller) is trials[2]
    trials[1].status = "PENDING"  # Its worker died, so it waits again.
    assert scheduler.choose_trial_to_run(controller) is trials[1]
    for trial in trials:
        trial.status = "TERMINATED"
    assert scheduler.choose_trial_to_run(controller) is None


def test_nobody_begins_an_epoch_after_the_last_ones(tmp_path: Path) -> None:
    scheduler = make_scheduler(SPEC, tmp_path, [])
    high, low, new = (
        SimpleNamespace(config={"trial": SPEC.sweep_trial("conv", theta).as_dict()}, status=status)
        for theta, status in zip(list(TABLE_1_2.walk(0))[:3], ("RUNNING", "RUNNING", "PENDING"), strict=True)
    )

    def told(trial: Any, epoch: int, accuracy: float) -> str:
        return scheduler.on_trial_result(None, trial, {"epoch": epoch, "accuracy": accuracy})

    for trial in (high, low, new):
        scheduler.on_trial_add(None, trial)  # pyright: ignore[reportArgumentType]
    assert told(high, 4, 0.9) == "CONTINUE"
    assert scheduler.begin_last_epochs()
    assert told(high, 5, 0.9) == "NOOP"
    new.status = "RUNNING"  # Nobody waits for what it begins.
    assert scheduler.begin_last_epochs()
    assert told(low, 5, 0.1) == "STOP"  # A decision is one.
    low.status = "TERMINATED"
    assert not scheduler.begin_last_epochs()


def test_nobody_waits_for_a_worker_that_died(tmp_path: Path) -> None:
    scheduler, trial = InOrder(), SimpleNamespace(status="RUNNING")
    scheduler.on_trial_add(None, trial)  # pyright: ignore[reportArgumentType]
    assert scheduler.begin_last_epochs()
    trial.status = "PENDING"
    assert not scheduler.begin_last_epochs()
    trial.status = "RUNNING"
    assert not scheduler.begin_last_epochs()


def test_workers_are_ended_where_the_loop_is_broken_off() -> None:
    """A program's own Ray keeps them otherwise, as long as somebody holds on to the exception."""
    ended: list[bool] = []
    scheduler = InOrder()
    scheduler.free_workers()  # None has begun.
    controller = SimpleNamespace(_actor_manager=SimpleNamespace(cleanup=lambda: ended.append(True)))
    scheduler.on_trial_add(controller, SimpleNamespace())  # type: ignore[arg-type]
    scheduler.free_workers()
    assert ended == [True]
    assert callable(RayActorManager.cleanup)
