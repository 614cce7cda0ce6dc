import csv
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import pack, pack_search
from search.datasets import DATASETS, load_split
from spaces import Hyperparameters, TrialSpec
from tests.benchmarks.test_programs import rows_of


def test_a_row_for_each_network(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pack, "measure_processes", lambda names, *_: dict.fromkeys(names, 100.0))  # They take seconds.
    pack.main(["--quick", "--repeats", "1", "--networks", "invariant", "dct"])
    text = capsys.readouterr().out
    rates, ratios = (rows_of(text, heading) for heading in ("Images per second, all trials together", "Ratios"))
    assert [row[0] for row in rates] == [row[0] for row in ratios] == ["invariant", "dct"]
    assert all(float(rate.replace(",", "")) > 0 for row in rates for rate in row[1:])
    assert all(row[2].startswith("target >= 10, ") for row in ratios)


def test_the_limit_is_the_longer_of_two_times() -> None:
    by_memory = pack.Limits(flops=1e30, bandwidth=1e9).compute_rate("conv")
    activations = 7 * 28**2 + 7 * 14**2 + 49 * 14**2 + 49 * 7**2 + 2 * 10
    assert by_memory == pytest.approx(1e9 / (4 * 5 * activations))
    multiply_adds = 2 * 9 * 7 * 28**2 + 3 * 9 * 7 * 49 * 14**2 + 2 * 49 * 7**2 * 10 + 3 * 100
    assert pack.Limits(flops=1e9, bandwidth=1e30).compute_rate("conv") == pytest.approx(1e9 / (2 * multiply_adds))


def test_a_search_writes_the_table_of_its_trials(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    options = ["--quick", "--dataset", "digits", "--architectures", "invariant", "--csv", str(tmp_path / "trials.csv")]
    pack_search.main(options)
    text = capsys.readouterr().out
    (row,) = rows_of(text, "Searches")
    with (tmp_path / "trials.csv").open(encoding="utf-8", newline="") as stream:
        trials = list(csv.DictReader(stream))
    statuses = [trial["status"] for trial in trials]
    assert len(trials) == pack_search.QUICK_LANES
    assert row[5:8] == [str(statuses.count(status)) for status in ("completed", "stopped", "diverged")]
    assert statuses.count("completed") == 1  # One in four.
    best = next(trial for trial in trials if trial["status"] == "completed")
    at_the_rung = [float(trial["val_accuracy"]) for trial in trials if trial["status"] == "stopped"]
    assert {trial["epoch"] for trial in trials if trial["status"] == "stopped"} <= {"1"}
    assert best["epoch"] == str(pack_search.QUICK_EPOCHS)
    assert max(at_the_rung) < 1
    pack_search.main([*options, "--beside", str(tmp_path / "trials.csv")])  # Of the same seed: the same numbers.
    assert "is +0.000 points higher on average, 0.000 apart in the median" in capsys.readouterr().out


def test_a_lane_that_has_diverged_counts_no_further_epochs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also where it stays in the program because that gets no smaller, as on a GPU."""
    monkeypatch.setattr(pack_search, "choose_size", lambda lanes, device: 4)
    split = load_split(DATASETS["digits"], "sweep", 0)
    spec = TrialSpec("sweep", "invariant", "digits", DATASETS["digits"].data_hash, pack_search.THETA, 0, 0, 16)
    wild = replace(spec, theta=Hyperparameters(lr=1e30, momentum=0.9, weight_decay=1e-5, gain=2.0))
    courses = [pack_search.Course(spec), pack_search.Course(wild)]
    pack_search.train(courses, 2, split, "cpu")
    assert [course.status for course in courses] == ["running", "diverged"]
    assert [len(course.rows) for course in courses] == [2, 1]
    alone = [pack_search.Course(wild)]
    pack_search.train(alone, 3, split, "cpu")
    assert len(alone[0].rows) == 1
