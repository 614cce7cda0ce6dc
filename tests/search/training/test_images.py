"""Crops and flips against a loop over images, and what they are a function of."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from search.datasets.split import Scaling
from search.training.images import Images, crop_and_flip, draw_numbers
from search.training.loop import derive_epoch_seed
from spaces.specs.recipes import CIFAR

RNG = np.random.default_rng(0)


@given(st.integers(0, 5), st.booleans(), st.integers(1, 9), st.integers(4, 9), st.integers(0, 2**63 - 1))
def test_a_crop_is_a_slice_of_the_padded_image(padding: int, flip: bool, height: int, width: int, seed: int) -> None:
    x = RNG.integers(0, 256, (6, 3, height, width), np.uint8)
    drawn = draw_numbers(seed, 3, 7, 6, padding, flip)
    found = crop_and_flip(torch.from_numpy(x), drawn, padding).numpy()
    for image, result, (top, left, mirrored) in zip(x, found, drawn.T.tolist(), strict=True):
        assert 0 <= top <= 2 * padding
        assert 0 <= left <= 2 * padding
        padded = np.zeros((3, height + 2 * padding, width + 2 * padding), np.uint8)
        padded[:, padding : padding + height, padding : padding + width] = image
        crop = padded[:, top : top + height, left : left + width]
        assert np.array_equal(result, crop[:, :, ::-1] if mirrored else crop)
        assert flip or not mirrored


def test_every_corner_is_as_likely_and_half_are_mirrored() -> None:
    drawn = torch.cat([draw_numbers(5, 1, step, 128, 4, True) for step in range(200)], 1).numpy()
    count = drawn.shape[1]
    for line in drawn[:2]:
        share = np.bincount(line, minlength=9) / count
        assert np.abs(share - 1 / 9).max() < 5 * np.sqrt(1 / 9 * 8 / 9 / count)
    assert abs(drawn[2].mean() - 0.5) < 5 * 0.5 / np.sqrt(count)
    assert np.abs(np.corrcoef(drawn) - np.eye(3)).max() < 5 / np.sqrt(count)


def test_draws_are_a_function_of_seed_epoch_and_step() -> None:
    first = draw_numbers(1, 2, 3, 64, 4, True)
    torch.manual_seed(99)
    np.random.seed(99)
    assert torch.equal(draw_numbers(1, 2, 3, 64, 4, True), first)
    others = [
        draw_numbers(0, 2, 3, 64, 4, True),
        draw_numbers(1, 1, 3, 64, 4, True),
        draw_numbers(1, 2, 4, 64, 4, True),
    ]
    others += [draw_numbers(3, 2, 1, 64, 4, True), draw_numbers(2, 1, 3, 64, 4, True)]
    assert all(not torch.equal(other, first) for other in others)


def test_seeds_differ() -> None:
    seeds = [derive_epoch_seed(seed, epoch) for seed in range(50) for epoch in range(50)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**63 for seed in seeds)
    assert draw_numbers(2**63 - 1, 1, 1, 1, 4, True).shape == (3, 1)


def test_bytes_are_normalised_channel_by_channel() -> None:
    x = RNG.integers(0, 256, (5, 3, 8, 8), np.uint8)
    scaling = Scaling((0.4914, 0.4822, 0.4465), (0.2470, 0.2435, 0.2616))
    images = Images(x, scaling, torch.device("cpu"))
    mean, std = (np.array(values)[:, None, None] for values in (scaling.mean, scaling.std))
    expected = (x / 255 - mean) / std
    np.testing.assert_allclose(images.take_batch(slice(0, 5)), expected, rtol=1e-5, atol=1e-6)
    plain = images.augment(torch.arange(5), CIFAR, 0, 1, 1)
    cropped = crop_and_flip(torch.from_numpy(x), draw_numbers(0, 1, 1, 5, 4, True), 4).numpy()
    np.testing.assert_allclose(plain, (cropped / 255 - mean) / std, rtol=1e-5, atol=1e-6)
    assert plain.shape == (5, 3, 8, 8)


def test_what_is_normalised_already_is_not_touched() -> None:
    x = RNG.standard_normal((5, 1, 4, 4)).astype(np.float32)
    images = Images(x, None, torch.device("cpu"))
    assert np.array_equal(images.take_batch(torch.tensor([3, 1])).numpy(), x[[3, 1]])
    assert np.shares_memory(images.take_batch(slice(0, 2)).numpy(), x)


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_scattering_keeps_its_precision_under_autocast(kind: torch.dtype) -> None:
    from models.scattering import scatter

    x = torch.randn(2, 3, 8, 8)
    with torch.autocast("cpu", kind):
        assert torch.equal(scatter(x), scatter(x.float()))
        mixed = scatter(x)
    assert mixed.dtype == torch.float32
    assert torch.equal(mixed, scatter(x))
