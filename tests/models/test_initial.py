import math

import pytest
import torch

from models.initial import draw_glorot


def drawn(shape, gain=1.0, seed=0):
    return draw_glorot(shape, gain, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize(
    ("shape", "gain", "bound"),
    [
        ((49, 49), 1.0, math.sqrt(6 / 98)),
        ((49, 49), 2.0, 2 * math.sqrt(6 / 98)),
        ((49, 7, 3, 3), 1.5, 1.5 * math.sqrt(6 / (56 * 9))),
        ((100, 10, 5, 5), 0.5, 0.5 * math.sqrt(6 / (110 * 25))),
    ],
)
def test_range_and_variance_of_equation_1_5_1(shape, gain, bound):
    weights = drawn(shape, gain)
    assert weights.shape == shape
    assert 0.98 * bound < weights.abs().max() <= bound
    assert weights.var().item() == pytest.approx(bound**2 / 3, rel=0.1)
    assert weights.mean().abs() < 0.1 * bound


def test_range_is_that_of_torchs_own_initialiser():
    reference = torch.empty(49, 7, 3, 3)
    with torch.random.fork_rng():
        torch.nn.init.xavier_uniform_(reference, gain=1.5)
    largest = drawn((49, 7, 3, 3), 1.5).abs().max().item()
    assert largest == pytest.approx(reference.abs().max().item(), rel=0.02)


@pytest.mark.parametrize("gain", [0.5, 1.5, 2.0])
def test_the_gain_scales_one_and_the_same_draw(gain):
    assert torch.equal(drawn((7, 5), gain), gain * drawn((7, 5)))


def test_the_generator_decides():
    assert torch.equal(drawn((7, 5), seed=3), drawn((7, 5), seed=3))
    assert not torch.equal(drawn((7, 5), seed=3), drawn((7, 5), seed=4))
