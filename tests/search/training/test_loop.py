import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

import models
from search.datasets import Split
from search.storage import checkpoint
from search.training.loop import Epoch, Training
from spaces import TrialSpec

SEEDED = ("train_loss", "loss", "accuracy")


def numbers(epoch: Epoch) -> list[float]:
    return [getattr(epoch, name) for name in SEEDED]


def weights(training: Training) -> list[torch.Tensor]:
    return [tensor.clone() for tensor in training.network.state_dict().values()]


def same(one: list[torch.Tensor], other: list[torch.Tensor]) -> bool:
    return all(torch.equal(a, b) for a, b in zip(one, other, strict=True))


def test_learns(trial: TrialSpec, split: Split, engine: str) -> None:
    training = Training(trial, split, engine=engine)
    first = training.run_epoch()
    last = [training.run_epoch() for _ in range(14)][-1]
    assert last.train_loss < first.train_loss / 2
    assert last.accuracy > 0.5  # Chance is 0.1.
    assert not last.diverged


def test_the_seed_decides_everything(trial: TrialSpec, split: Split, engine: str) -> None:
    one = Training(trial, split, engine=engine)
    first = numbers(one.run_epoch())
    torch.manual_seed(99)  # What others draw does not matter.
    two = Training(trial, split, engine=engine)
    assert numbers(two.run_epoch()) == first
    assert same(weights(one), weights(two))
    assert numbers(Training(replace(trial, seed=1), split, engine=engine).run_epoch()) != first


def test_batch_order_does_not_depend_on_the_configuration(
    trial: TrialSpec, diverging: TrialSpec, split: Split, engine: str
) -> None:
    one, two = Training(trial, split, engine=engine), Training(diverging, split, engine=engine)
    one.run_epoch()
    two.run_epoch()
    assert torch.equal(one.capture_state()["generators"]["order"], two.capture_state()["generators"]["order"])


def test_judges_with_mean_cross_entropy_and_the_fraction_correct(trial: TrialSpec, split: Split, engine: str) -> None:
    training = Training(trial, split, engine=engine)
    loss, accuracy = training.engine.judge()
    with torch.no_grad():
        scores = models.build("conv", gain=1.0, seed=0)(torch.tensor(split.eval_x)).numpy().astype(np.float64)
    probability = np.exp(scores - scores.max(1, keepdims=True))
    probability /= probability.sum(1, keepdims=True)
    assert loss == pytest.approx(-np.log(probability[np.arange(40), split.eval_y]).mean(), rel=1e-4)
    assert accuracy == pytest.approx((scores.argmax(1) == split.eval_y).mean())


def test_divergence_is_a_result(diverging: TrialSpec, split: Split, engine: str) -> None:
    epoch = Training(diverging, split, engine=engine).run_epoch()
    assert epoch.diverged
    assert math.isnan(epoch.accuracy)
    assert epoch.epoch == 1


@pytest.mark.parametrize("name", list(models.ARCHITECTURES))
def test_goes_on_from_a_checkpoint_as_if_nothing_happened(
    name: str, trial: TrialSpec, split: Split, tmp_path: Path, engine: str
) -> None:
    spec = replace(trial, architecture=name)
    through = Training(spec, split, engine=engine)
    through.run_epoch()
    checkpoint.save(tmp_path / "c.pt", through.capture_state(), {})
    expected = [numbers(through.run_epoch()) for _ in range(2)]
    resumed = Training(spec, split, engine=engine)
    resumed.load_state(checkpoint.load(tmp_path / "c.pt")[0])
    assert resumed.epoch == 1
    assert [numbers(resumed.run_epoch()) for _ in range(2)] == expected
    assert same(weights(through), weights(resumed))


@pytest.mark.parametrize("name", ["scatnetD-w2", "invB+invC-B-w2"])
def test_dropout_and_running_means_go_on_from_a_checkpoint_too(
    name: str, trial: TrialSpec, split: Split, tmp_path: Path
) -> None:
    """What is dropped belongs to the trial's seed, whatever else the process has drawn meanwhile."""
    padding = ((0, 0), (0, 2), (2, 2), (2, 2))
    large = Split(np.pad(split.train_x, padding), split.train_y, np.pad(split.eval_x, padding), split.eval_y)
    spec = replace(trial, architecture=name)
    through = Training(spec, large)
    through.run_epoch()
    checkpoint.save(tmp_path / "c.pt", through.capture_state(), {})
    expected = [numbers(through.run_epoch()) for _ in range(2)]
    resumed = Training(spec, large)
    torch.rand(7)
    resumed.load_state(checkpoint.load(tmp_path / "c.pt")[0])
    assert [numbers(resumed.run_epoch()) for _ in range(2)] == expected
    assert same(weights(through), weights(resumed))
    again = Training(spec, large)
    again.run_epoch()
    assert [numbers(again.run_epoch()) for _ in range(2)] == expected


def test_refuses_the_checkpoint_of_another_trial(trial: TrialSpec, split: Split, engine: str) -> None:
    state = Training(trial, split, engine=engine).capture_state()
    with pytest.raises(ValueError, match="belongs to trial"):
        Training(replace(trial, seed=5), split, engine=engine).load_state(state)


def test_reads_only_what_it_was_given(trial: TrialSpec, split: Split, engine: str) -> None:
    for array in (split.train_x, split.train_y, split.eval_x, split.eval_y):
        array.flags.writeable = False  # As Ray's object store hands them out.
    Training(trial, split, engine=engine).run_epoch()


def test_rows_say_what_they_were_judged_on() -> None:
    epoch = Epoch(3, 0.5, 0.4, 0.9, 1.23456, False)
    assert {"val_loss", "val_accuracy"} < epoch.make_row("sweep").keys()
    assert {"test_loss", "test_accuracy"} < epoch.make_row("rerun").keys()
