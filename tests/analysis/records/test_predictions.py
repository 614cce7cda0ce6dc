"""Predictions as analysis reads them from a run."""

from __future__ import annotations

import numpy as np
import pytest

from analysis.records.predictions import count_test_images, find_denominator, stack_right
from analysis.records.reader import read_run
from tests.analysis.conftest import keep_predictions


def test_who_was_right_is_read_seed_by_seed(five) -> None:
    keep_predictions(five)
    run = read_run(five.write())
    found = run.trials.query("phase == 'rerun' and architecture == 'conv'").sort_values("seed")
    right = stack_right(run, found["trial_id"])
    assert right is not None
    assert (100 * right.mean(axis=1)).tolist() == [90, 92, 94, 90, 94]
    assert right[0].tolist() == [image >= 10 for image in range(100)]  # As ``keep_predictions`` makes them.
    assert count_test_images(run) == 100
    assert run.damaged == []


def test_all_must_have_been_kept_for_the_same_images(five) -> None:
    keep_predictions(five)
    records = [record for trial, record, _ in five.trials if trial.phase == "rerun"]
    ids = [trial.trial_id for trial, *_ in five.trials if trial.phase == "rerun"]
    records[0]["predictions"]["labels"] = "0" * 16
    assert stack_right(read_run(five.write()), ids) is None
    assert stack_right(read_run(five.write()), ids[1:]) is not None
    del records[0]["predictions"]
    assert stack_right(read_run(five.write()), ids) is None
    assert stack_right(read_run(five.write()), []) is None


def test_predictions_of_another_accuracy_damage_a_record(five) -> None:
    keep_predictions(five)
    trial, record, _ = next(kept for kept in five.trials if kept[0].phase == "rerun")
    record["rows"][-1]["test_accuracy"] = 0.5
    ((path, reason),) = read_run(five.write()).damaged
    assert path.name == trial.trial_id
    assert "its predictions are not those of its last epoch" in reason


@pytest.mark.parametrize("images", [450, 10_000, 2059])
def test_accuracies_tell_how_many_images_there_are(images: int) -> None:
    counts = np.random.default_rng(0).choice(images // 10, 30, replace=False) + images * 9 // 10
    assert find_denominator(counts / images) == images


def test_too_few_or_no_accuracies_tell_nothing(five) -> None:
    assert find_denominator([0.9, 0.95]) is None
    assert find_denominator(np.random.default_rng(0).random(50)) is None
    assert count_test_images(read_run(five.write())) == 100  # Of the rows: 50, 60, 70 and what follows.
