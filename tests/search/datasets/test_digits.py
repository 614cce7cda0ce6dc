from fractions import Fraction
from math import floor

import numpy as np
import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from search.datasets.digits import DIGITS, enlarge, read_source

DATA, LABELS = map(np.asarray, load_digits(return_X_y=True))
IMAGES = DATA.reshape(-1, 8, 8)


def test_parts_are_stratified_and_complete() -> None:
    train, test = DIGITS.load_train(None), DIGITS.load_test(None)
    assert train.images.shape == (1347, 1, 28, 28)
    assert test.images.shape == (450, 1, 28, 28)
    whole = np.bincount(LABELS)
    assert np.array_equal(np.bincount(train.labels) + np.bincount(test.labels), whole)
    assert np.abs(np.bincount(test.labels) - whole * 450 / 1797).max() <= 1


def test_parts_are_the_images_of_scikit_learn() -> None:
    images, labels, is_test = read_source()
    assert np.array_equal(images, IMAGES)
    assert np.array_equal(labels, LABELS)
    _, chosen = train_test_split(np.arange(len(labels)), test_size=450, random_state=0, stratify=labels)
    assert np.array_equal(np.flatnonzero(is_test), np.sort(chosen))
    assert np.array_equal(DIGITS.load_test(None).images[:, 0], enlarge(images)[is_test])
    assert np.array_equal(DIGITS.load_train(None).images[:, 0], enlarge(images)[~is_test])


def test_enlarge_is_torch_bilinear_to_a_grey_level() -> None:
    images = IMAGES
    exact = torch.nn.functional.interpolate(torch.from_numpy(images)[:, None], size=28, mode="bilinear")
    expected = (exact[:, 0] * 255 / 16).numpy()
    assert np.abs(enlarge(images) - expected).max() <= 0.5 + 1e-9


def test_enlarge_in_exact_fractions() -> None:
    image = IMAGES[0].astype(int)

    def axis(i: int) -> tuple[int, int, Fraction]:
        x = min(max((i + Fraction(1, 2)) * Fraction(8, 28) - Fraction(1, 2), Fraction(0)), Fraction(7))
        return floor(x), min(floor(x) + 1, 7), x - floor(x)

    for i in range(28):
        for j in range(28):
            (a, b, u), (c, d, v) = axis(i), axis(j)
            value = (1 - u) * ((1 - v) * image[a, c] + v * image[a, d]) + u * ((1 - v) * image[b, c] + v * image[b, d])
            assert enlarge(image[None])[0, i, j] == floor(value * 255 / 16 + Fraction(1, 2))


def test_flat_images_stay_flat() -> None:
    for level, grey in ((0, 0), (8, 128), (16, 255)):
        assert np.unique(enlarge(np.full((1, 8, 8), level))).tolist() == [grey]


def test_loading_twice_gives_the_same_and_separate_arrays() -> None:
    first, second = DIGITS.load_train(None), DIGITS.load_train(None)
    expected = first.images.copy()
    first.images[:] = 0
    first.labels[:] = 0
    assert np.array_equal(second.images, expected)
    assert np.array_equal(DIGITS.load_train(None).images, expected)
    assert DIGITS.load_train(None).labels.any()


def test_says_how_many_training_images_it_has() -> None:
    assert DIGITS.train_images == len(DIGITS.load_train(None).labels)
