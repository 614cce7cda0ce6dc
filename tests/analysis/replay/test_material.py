"""Material read from run folders written by hand."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.replay.material import Material, collect
from spaces import Hyperparameters, UserError
from tests.analysis.conftest import RunFolder

THETAS = [Hyperparameters(rate, 0.5, 1e-5, 1.0) for rate in (0.1, 0.2, 0.3, 0.4)]


@pytest.fixture
def whole(folder: RunFolder) -> RunFolder:
    """Four configurations of conv, the last of which diverged in its second epoch; two are alike in the end."""
    folder.spec.update(architectures=["conv"], samples=4, scheduler="none", grace_period=2, reduction_factor=2.0)
    for theta, end, loss in zip(THETAS, (0.6, 0.8, 0.8), (0.5, 0.5, 0.25), strict=False):
        folder.sweep("conv", [0.1, 0.2, 0.3, end], "completed", theta=theta, loss=loss)
    folder.sweep("conv", [0.1, None], "diverged", theta=THETAS[3], status="diverged")
    return folder


def read(folder: RunFolder, **options: Any) -> Material:
    (candidate,) = gather([read_run(folder.write())]).candidates
    return collect(candidate, **options)


def test_curves(whole: RunFolder) -> None:
    material = read(whole)
    assert (material.size, material.max_epochs, material.whole) == (4, 4, 14)
    assert (material.group, material.rungs, material.eta) == ("Convolutional", [2], 2.0)
    place = {trial.theta["lr"]: material.names.index(trial.config_id) for trial, *_ in whole.trials}
    np.testing.assert_array_equal(material.accuracy[place[0.2]], [0.1, 0.2, 0.3, 0.8])
    np.testing.assert_array_equal(material.accuracy[place[0.4]], [0.1, 0, 0, 0])
    np.testing.assert_array_equal(material.loss[place[0.4]], [0.5, np.inf, np.inf, np.inf])
    assert (material.last[place[0.4]], material.diverged[place[0.4]]) == (2, True)
    assert [material.ranks[place[rate]] for rate in (0.3, 0.2, 0.1, 0.4)] == [1, 2, 3, 4]
    assert read(whole, grace_period=1, eta=3).rungs == [1, 3]


def test_the_first_rank_is_the_incumbent(whole: RunFolder) -> None:
    (candidate,) = gather([read_run(whole.write())]).candidates
    material = collect(candidate)
    assert candidate.incumbent is not None
    assert material.names[int(np.argmin(material.ranks))] == candidate.incumbent["config_id"]


def test_the_judge_of_the_run_decides(whole: RunFolder) -> None:
    """The first has the worst last epoch of the three that did not diverge, and the best mean of the four."""
    whole.spec["judge"] = "last5"
    whole.trials[0][1]["rows"][0]["val_accuracy"] = 0.9
    material = read(whole)
    final = dict(zip(material.names, material.final, strict=True))
    ids = [trial.config_id for trial, *_ in whole.trials]
    assert [final[name] for name in ids] == pytest.approx([(0.9 + 0.2 + 0.3 + 0.6) / 4, 0.35, 0.35, 0])
    (candidate,) = gather([read_run(whole.write())]).candidates
    assert candidate.incumbent is not None
    assert material.names[int(np.argmin(material.ranks))] == candidate.incumbent["config_id"] == ids[0]


def test_what_is_not_known_to_the_end_is_refused(whole: RunFolder) -> None:
    with pytest.raises(UserError, match=r"reduction-factor: 1\.0 is not allowed; give a number above 1"):
        read(whole, eta=1.0)
    whole.spec["samples"] = 5
    with pytest.raises(UserError, match="conv: 4 of 5 trials have ended; run the sweep again"):
        read(whole)
    whole.sweep("conv", [0.1, 0.2], "stopped", theta=Hyperparameters(0.5, 0.5, 1e-5, 1.0))
    with pytest.raises(UserError, match=r"1 of 5 trials were stopped early, .*; give a run of sweep --scheduler none"):
        read(whole)


def test_what_failed_is_left_out_and_what_was_given_is_no_search(
    whole: RunFolder, make_folder: Callable[..., RunFolder]
) -> None:
    trial, record, outcome = whole.trials[0]
    record.update(status="failed", rows=[])
    assert outcome is not None
    outcome.update(status="failed", epoch=0)
    assert trial.config_id not in read(whole).names
    given = make_folder("given")
    given.spec.update(architectures=["conv"], samples=None)
    given.rerun("conv", [0.5], "completed")
    with pytest.raises(UserError, match="conv: nothing was searched, so there is no search to replay"):
        read(given)
