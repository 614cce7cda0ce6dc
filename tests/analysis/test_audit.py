"""Audits of runs written by hand."""

import math
from collections.abc import Callable

import numpy as np
import pytest
from scipy.stats import spearmanr

from analysis.audit import audit_run, check_auditable, describe_audit, draw_sample, estimate_regret, list_stopped
from analysis.records.reader import Run, read_run
from spaces import Hyperparameters, UserError
from tests.analysis.conftest import RunFolder

STOPPED = [Hyperparameters(rate, 0.5, 1e-5, 1.0) for rate in (0.01, 0.02, 0.03, 0.04, 0.05)]
ENDS = (0.5, 0.96, 0.9, None, 0.7)  # Of the stopped, had they gone on; the fourth diverges.
FINISHED = [Hyperparameters(rate, 0.9, 1e-5, 1.0) for rate in (0.1, 0.2, 0.3, 0.4)]
RUNG, REACHED = (0.4, 0.6, 0.5, 0.3), (0.8, 0.85, 0.9, 0.7)  # Of the finished; the third is the incumbent.


@pytest.fixture
def pair(make_folder: Callable[..., RunFolder]) -> tuple[RunFolder, RunFolder]:
    """A sweep of nine configurations of conv, judged at epoch 2 of 4, and the audit of all five that were stopped."""
    run, audited = make_folder("run"), make_folder("audit")
    for folder in (run, audited):
        folder.spec.update(architectures=["conv"], samples=9, grace_period=2, rerun_seeds=None, rerun_epochs=None)
    audited.spec["scheduler"] = "none"
    for place, (theta, end) in enumerate(zip(STOPPED, ENDS, strict=True)):
        run.sweep("conv", [0.1, 0.2 + place / 100], "stopped", theta=theta)
        status = "diverged" if end is None else "running"
        outcome = "diverged" if end is None else "completed"
        audited.sweep("conv", [0.1, 0.2 + place / 100, 0.3, end], outcome, theta=theta, status=status)
    for theta, rung, end in zip(FINISHED, RUNG, REACHED, strict=True):
        run.sweep("conv", [0.1, rung, 0.7, end], "completed", theta=theta)
    return run, audited


def read(pair: tuple[RunFolder, RunFolder]) -> tuple[Run, Run]:
    return read_run(pair[0].write()), read_run(pair[1].write())


def test_all_audited_by_hand(pair: tuple[RunFolder, RunFolder]) -> None:
    """One of five is better than the 90 % of the incumbent; another has as much, and the same loss."""
    run, audited = read(pair)
    row = audit_run(run, audited, {"conv": draw_sample(run, "conv", 5, 0)}).iloc[0]
    assert (row["stopped"], row["asked"], row["ended"], row["same"]) == (5, 5, 5, 5)
    assert (row["better"], row["least"], row["most"]) == (1, 1, 1)
    assert (row["incumbent"], row["best"]) == (pytest.approx(90), pytest.approx(96))
    assert (row["regret"], row["low"], row["high"]) == (pytest.approx(6), pytest.approx(6), pytest.approx(6))
    assert (row["place"], row["finished"]) == (2, 4)
    assert row["correlation"] == pytest.approx(spearmanr(RUNG, REACHED)[0])
    ends = [end or 0.0 for end in ENDS]
    assert row["audited_correlation"] == pytest.approx(spearmanr(range(5), ends)[0])
    text = describe_audit(run.path, audit_run(run, audited, {"conv": draw_sample(run, "conv", 5, 0)}), 2, 4)
    assert "conv: 1 of 5 audited trials is better than the incumbent; so are 20.0 to 20.0 % of all" in text
    assert "20.0 to 20.0 % of all that the scheduler stopped (95 % CI)." in text
    assert "number 2 of the 4 that the sweep trained to the end" in text
    assert "numbers again" not in text
    assert "nan" not in text


def test_the_judge_of_the_run_decides(pair: tuple[RunFolder, RunFolder]) -> None:
    """By the means of their four epochs, of which the audited have lower ones on the way: none is better."""
    pair[0].spec["judge"] = "last5"
    run, audited = read(pair)
    row = audit_run(run, audited, {"conv": draw_sample(run, "conv", 5, 0)}).iloc[0]
    means = [(0.1 + rung + 0.7 + end) / 4 for rung, end in zip(RUNG, REACHED, strict=True)]
    assert max(means) == means[1]
    assert row["incumbent"] == pytest.approx(100 * means[1])
    assert row["best"] == pytest.approx(100 * (0.1 + 0.21 + 0.3 + 0.96) / 4)
    assert (row["better"], row["regret"]) == (0, 0)
    assert row["correlation"] == pytest.approx(spearmanr(RUNG, REACHED)[0])  # Of epochs 2 and 4.


def test_a_part_of_the_sample(pair: tuple[RunFolder, RunFolder]) -> None:
    """Of five 0.5 and 0.9 were audited: neither is better, so at most three are."""
    run, audited = read(pair)
    ids = [trial.trial_id for trial, *_ in pair[0].trials]
    row = audit_run(run, audited, {"conv": [ids[0], ids[2]]}).iloc[0]
    assert (row["better"], row["least"], row["most"]) == (0, 0, 3)
    assert row["low"] == 0 <= row["regret"] <= row["high"]


def test_a_better_loss_decides_between_equals_and_another_engine_is_said(pair: tuple[RunFolder, RunFolder]) -> None:
    _, record, _ = pair[1].trials[2]
    record["rows"][3]["val_loss"] = 0.4
    record["rows"][1]["val_loss"] = 0.499
    run, audited = read(pair)
    found = audit_run(run, audited, {"conv": draw_sample(run, "conv", 5, 0)})
    assert (found["better"].item(), found["same"].item()) == (2, 4)
    assert "4 of 5 audited trials have the sweep's numbers again" in describe_audit(run.path, found, 2, 4)


def test_without_trainings_the_sweep_alone_is_described(pair: tuple[RunFolder, RunFolder]) -> None:
    run, _ = read(pair)
    found = audit_run(run, None, {"conv": []})
    assert found[["better", "least", "most", "regret", "best"]].isna().all(axis=None)
    text = describe_audit(run.path, found, 2, 4)
    assert "0 of 0" in text
    assert "nan" not in text
    assert "number 2 of the 4" in text


def test_samples_are_nested_and_random(pair: tuple[RunFolder, RunFolder]) -> None:
    run, _ = read(pair)
    stopped = set(list_stopped(run, "conv")["trial_id"])
    assert set(draw_sample(run, "conv", 9, 0)) == stopped
    assert draw_sample(run, "conv", 2, 0) == draw_sample(run, "conv", 5, 0)[:2]
    first = [draw_sample(run, "conv", 1, seed)[0] for seed in range(400)]
    counts = [first.count(name) for name in stopped]
    assert min(counts) > 80 - 4 * math.sqrt(400 * 0.2 * 0.8)


def test_what_cannot_be_audited_is_refused(pair: tuple[RunFolder, RunFolder], full: RunFolder) -> None:
    run, audited = read(pair)
    check_auditable(run)
    with pytest.raises(UserError, match=r"the sweep is not finished \(conv 5 of 9\)"):
        check_auditable(audited)
    pair[1].spec["samples"] = 5
    with pytest.raises(UserError, match="no trial of it was stopped early, so nothing was thrown away"):
        check_auditable(read(pair)[1])
    full.trials = [kept for kept in full.trials if kept[0].phase == "rerun"]
    full.spec["samples"] = None
    with pytest.raises(UserError, match="nothing was searched"):
        check_auditable(read_run(full.write()))


def test_the_regret_of_errors_that_all_shrink_alike() -> None:
    """Each keeps a fifth of its error: the best of the unknown, stopped at 0.8, ends at 0.96, whoever is drawn."""
    before = np.array([0.2, 0.5, 0.7, 0.75])
    found = estimate_regret(before, 1 - (1 - before) / 5, np.array([0.1, 0.8, 0.3]), 0.9)
    assert tuple(found) == pytest.approx((0.06, 0.06, 0.06))
    assert tuple(estimate_regret(before, before, np.array([0.8]), 0.9)) == (0, 0, 0)
    assert all(map(math.isnan, estimate_regret(before[:0], before[:0], np.array([0.8]), 0.9)))


def test_the_interval_of_the_regret_covers_it_in_simulated_sweeps() -> None:
    """150 stopped trials of known ends, 30 of them audited: at least 85 of 100 intervals hold the truth."""
    covered = []
    for seed in range(100):
        random = np.random.default_rng(seed)
        before = random.uniform(0.3, 0.8, size=150)
        after = 1 - (1 - before) * random.choice([0.1, 0.2, 0.4, 0.8], size=150)
        found = estimate_regret(before[:30], after[:30], before[30:], 0.93, seed, draws=100)
        covered.append(found.low - 1e-12 <= max(0.0, after.max() - 0.93) <= found.high + 1e-12)
    assert sum(covered) >= 85
