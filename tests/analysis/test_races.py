"""Races read from records: the finalists, the seeds, the winner, and what the tables say of them."""

from __future__ import annotations

import math
from typing import Any

import pytest

from analysis.evidence import gather
from analysis.incumbents import find_incumbents, find_single_choices
from analysis.progress.outlook import list_parts
from analysis.progress.status import summarize_progress
from analysis.races import Raced, find_races
from analysis.records.reader import Run, read_run
from analysis.report.summary import summarize
from analysis.stats.fairness import find_near_optimal, judge_fairness
from analysis.tables import TABLES
from spaces import Hyperparameters, TrialSpec
from spaces.specs.protocol import MAX_SEEDS

THETAS = [Hyperparameters(lr, 0.5, 1e-5, 1.0) for lr in (0.1, 0.2, 0.3, 0.4)]
FIRST = MAX_SEEDS + 1


def config_id(theta: Hyperparameters) -> str:
    return TrialSpec("sweep", "conv", "digits", "d", theta, 0, 0, 1).config_id


def race(folder: Any, theta: Hyperparameters, *accuracies: float | None, first: int = 0) -> None:
    """Trains a finalist on the next seeds; None diverges."""
    for seed, accuracy in enumerate(accuracies, start=FIRST + first):
        end = "completed" if accuracy is not None else "diverged"
        folder.add("choice", "conv", [0.1, 0.1, 0.1, accuracy], end, theta=theta, seed=seed, status=end)


@pytest.fixture
def raced(folder: Any) -> Any:
    """Four configurations of which three race over two seeds; the single seed's choice is out after one."""
    folder.spec.update(architectures=["conv"], samples=4, finalists=3, choice_seeds=2, classes=10)
    for theta, accuracy in zip(THETAS, (0.95, 0.9, 0.85, 0.7), strict=True):
        folder.sweep("conv", [0.1, 0.1, 0.1, accuracy], "completed", theta=theta)
    race(folder, THETAS[0], 0.5)
    race(folder, THETAS[1], 0.9)
    race(folder, THETAS[2], 0.8)
    return folder


def read(folder: Any) -> tuple[Run, Raced]:
    run = read_run(folder.write())
    return run, find_races(run)["conv"]


def test_a_race_that_goes_on(raced: Any) -> None:
    run, found = read(raced)
    assert found.race.winner is None
    assert set(found.race.missing) == {(config_id(THETAS[1]), 1), (config_id(THETAS[2]), 1)}
    best: Any = find_incumbents(run).loc["conv"]
    assert (best["config_id"], best["val_accuracy"]) == (config_id(THETAS[1]), 0.9)
    assert (best["choice_accuracy"], best["choice_seeds"]) == (0.9, 1)
    assert any("not finished" in note for note in TABLES["summary"].build(run).notes)
    (_, part, _) = list_parts(run)
    assert (part.phase, part.planned, part.left, part.accuracy) == ("choice", 5, 2, 0.9)


def test_the_winner_is_the_incumbent(raced: Any) -> None:
    race(raced, THETAS[1], None, first=1)  # Its mean is that of 0.9 and guessing.
    race(raced, THETAS[2], 0.7, first=1)
    run, found = read(raced)
    assert found.race.winner == config_id(THETAS[2])
    assert found.list_accuracies(config_id(THETAS[1])) == [0.9, 0.1]
    assert found.rival == config_id(THETAS[1])
    assert sum(found.leads) / len(found.leads) == pytest.approx(0.75 - 0.5)
    best: Any = find_incumbents(run).loc["conv"]
    assert best["config_id"] == config_id(THETAS[2])
    assert best["trial_id"] == run.trials.query("phase == 'sweep' and lr == 0.3")["trial_id"].item()
    assert (best["val_accuracy"], best["choice_accuracy"], best["choice_seeds"]) == (0.85, 0.75, 2)
    assert find_single_choices(run).loc["conv", "config_id"] == config_id(THETAS[0])


def test_what_the_tables_say(raced: Any) -> None:
    race(raced, THETAS[1], None, first=1)
    race(raced, THETAS[2], 0.7, first=1)
    run, _ = read(raced)
    table = TABLES["choice"].build(run)
    assert table.frame["lr"].tolist() == [0.3, 0.2, 0.1]
    assert table.frame["mean_percent"].tolist() == pytest.approx([75, 50, 50])
    assert table.frame["lowest_percent"].tolist() == pytest.approx([70, 10, 50])
    assert table.frame["seeds"].tolist() == [2, 2, 1]
    assert table.frame["single"].tolist() == [False, False, True]
    assert math.isnan(table.frame["std_percent"].iloc[2])
    said = " ".join(table.notes)
    assert "{0.3, 0.5, 1e-5, 1.0} won the race of 3 configurations, with 75.00 % over 2 seeds" in said
    assert "25.00 points ahead of its last rival over 2 seeds" in said
    single = "{0.1, 0.5, 1e-5, 1.0} (95.00 % after the last epoch there, 50.00 % over 1 seed of the race)"
    assert f"would have taken {single}" in said
    notes = " ".join(TABLES["1.3"].build(run).notes)
    assert "Chosen by a race: the 3 best of the sweep's one seed on up to 2 further seeds" in notes
    assert "a single seed would have taken {0.1," in notes


def test_a_larger_sweep_races_again(raced: Any) -> None:
    """What a former finalist trained stays on record and does not count."""
    race(raced, THETAS[1], None, first=1)
    race(raced, THETAS[2], 0.7, first=1)
    raced.sweep("conv", [0.1, 0.1, 0.1, 0.99], "completed", theta=Hyperparameters(0.5, 0.5, 1e-5, 1.0))
    raced.spec["samples"] = 5
    run, found = read(raced)
    assert found.race.winner is None
    assert [name for name, _ in found.race.missing] == [config_id(Hyperparameters(0.5, 0.5, 1e-5, 1.0))]
    assert config_id(THETAS[2]) not in found.race.list_out()
    (row,) = summarize_progress(run).query("phase == 'choice'").to_dict("records")
    assert (row["planned"], row["completed"], row["diverged"]) == (5, 2, 0)


def test_the_mean_of_the_last_five_epochs_may_decide(folder: Any) -> None:
    folder.spec.update(architectures=["conv"], samples=2, max_epochs=6, judge="last5")
    folder.sweep("conv", [0.1, 0.1, 0.1, 0.1, 0.1, 0.9], "completed", theta=THETAS[0])
    folder.sweep("conv", [0.1, 0.8, 0.8, 0.8, 0.8, 0.7], "completed", theta=THETAS[1])
    run = read_run(folder.write())
    assert find_incumbents(run).loc["conv", "lr"] == 0.2
    assert gather([run]).candidates[0].selected == pytest.approx(78.0)  # The mean of 80 four times and 70.
    assert find_races(run) == {}
    assert any("averaged over the last 5 epochs" in note for note in TABLES["choice"].build(run).notes)
    folder.spec["judge"] = None
    assert find_incumbents(read_run(folder.write())).loc["conv", "lr"] == 0.1


@pytest.mark.parametrize(("judge", "winner"), [("both", 0.3), (None, 0.1), ("final", 0.1), ("last5", 0.2)])
def test_by_what_a_race_goes(folder: Any, judge: str | None, winner: float) -> None:
    """Last epoch, mean of five: 0.9 and 0.5 (dips), 0.6 and 0.76 (falls), 0.8 and 0.72."""
    curves = [[0.4] * 4 + [0.9], [0.8] * 4 + [0.6], [0.7] * 4 + [0.8]]
    folder.spec.update(architectures=["conv"], samples=3, finalists=3, choice_seeds=1, max_epochs=10, judge=judge)
    for theta, curve in zip(THETAS, curves, strict=False):
        folder.sweep("conv", [0.5] * 10, "completed", theta=theta)
        folder.add("choice", "conv", [0.1] * 5 + curve, "completed", theta=theta, seed=FIRST, status="completed")
    assert find_incumbents(read(folder)[0]).loc["conv", "lr"] == winner


def test_a_seed_that_failed_is_left_out(raced: Any) -> None:
    raced.add("choice", "conv", [0.1], "failed", theta=THETAS[1], seed=FIRST + 1, status="failed")
    race(raced, THETAS[2], 0.85, first=1)
    run, found = read(raced)
    assert (found.race.winner, found.count_failed()) == (config_id(THETAS[1]), 1)
    assert found.list_accuracies(config_id(THETAS[1])) == [0.9]
    assert found.leads == [pytest.approx(0.1)]  # The seed that both have.
    assert find_incumbents(run).loc["conv", "choice_seeds"] == 1
    assert any("1 training of the race failed" in note for note in TABLES["1.3"].build(run).notes)


def test_a_run_without_a_race_has_none_to_show(full: Any) -> None:
    run = read_run(full.write())
    assert find_races(run) == {}
    assert not len(TABLES["choice"].build(run).frame)
    best = find_incumbents(run)
    assert best["choice_accuracy"].isna().all()
    assert best["choice_seeds"].eq(0).all()


def test_what_was_selected_is_the_mean_of_the_race(raced: Any) -> None:
    """0.9 and 0.94 on its seeds; near is said of the sweep's best, 95 %: 90 % is within root two of a std of 5."""
    race(raced, THETAS[1], 0.94, first=1)
    race(raced, THETAS[2], 0.8, first=1)
    for seed, accuracy in enumerate((0.85, 0.85, 0.9, 0.95, 0.95), start=1):
        raced.rerun("conv", [0.1, 0.1, 0.1, accuracy], "completed", theta=THETAS[1], seed=seed)
    run, _ = read(raced)
    evidence = gather([run])
    found = judge_fairness(evidence.candidates[0])
    assert (found.selected, found.rerun, found.gap) == pytest.approx((92.0, 90.0, 2.0))
    assert find_near_optimal(evidence.candidates[0])["val_accuracy"].tolist() == [0.95, 0.9]
    assert any("After a race selected is the winner's mean" in note for note in TABLES["search"].build(run).notes)
    (said,) = [line for line in summarize(evidence).sentences if line.startswith("The search of")]
    assert "was chosen at 92.00 % on 2 seeds of its race and reached 90.00 %" in said
