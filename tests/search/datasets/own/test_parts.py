"""Four arrays: layouts, labels and what is refused."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from search.datasets.own.parts import make_parts
from spaces.common.errors import UserError


def join(part: Any) -> np.ndarray:
    return np.concatenate(list(part.pieces))


@pytest.mark.parametrize(
    ("shape", "layout", "axes", "said"),
    [
        ((2500, 5, 6), "(N, H, W)", None, "5x6 grey"),
        ((4, 3, 5, 6), "(N, C, H, W)", (0, 1, 2, 3), "5x6 colour"),
        ((4, 5, 6, 3), "(N, H, W, C)", (0, 3, 1, 2), "5x6 colour"),
        ((4, 5, 6, 1), "(N, H, W, C)", (0, 3, 1, 2), "5x6 grey"),
        ((4, 2, 5, 6), "(N, C, H, W)", (0, 1, 2, 3), "5x6 with 2 channels"),
    ],
)
def test_layouts(shape: tuple[int, ...], layout: str, axes: tuple[int, ...] | None, said: str) -> None:
    images = np.random.default_rng(0).integers(0, 256, shape, np.uint8)
    labels = np.arange(len(images)) % 2
    parts = make_parts({"x_train": images, "y_train": labels, "x_test": images[:2], "y_test": labels[:2]}, "it")
    expected = images[:, None] if axes is None else images.transpose(axes)
    assert parts.train.shape == expected.shape
    np.testing.assert_array_equal(join(parts.train), expected)
    np.testing.assert_array_equal(join(parts.test), expected[:2])
    assert parts.notes == [f"it: images are taken as {layout}, {said}"]


def test_labels_of_other_types_and_beginnings(arrays: dict[str, Any]) -> None:
    """EMNIST's letters count from 1, and Keras has labels (N, 1)."""
    arrays["y_train"] = (arrays["y_train"] + 1).astype(np.uint8)[:, None]
    arrays["y_test"] = (arrays["y_test"] + 1).astype(np.int16)
    parts = make_parts(arrays, "it")
    assert parts.train.labels.tolist() == [0, 1, 2] * 10
    assert parts.test.labels.dtype == np.int64
    assert parts.classes == 3
    assert parts.notes[1] == "it: labels 1 to 3 are taken as 0 to 2"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": np.zeros((30, 9, 8))}, r"x_train: float64 is not a type for images; multiply by 255 if"),
        ({"x_test": np.zeros((12, 9, 8), np.int64)}, r"x_test: int64 is not a type for images; use .astype\('uint8'\)"),
        ({"x_train": np.zeros((30, 72), np.uint8)}, r"\(30, 72\) is not a shape of images; .* reshape flat images"),
        ({"x_train": np.zeros((0, 9, 8), np.uint8)}, r"\(0, 9, 8\) is not a shape of images"),
        ({"x_train": np.zeros((30, 3, 9, 3), np.uint8)}, "is ambiguous, both its second and its last axis"),
        ({"x_train": np.zeros((30, 5, 9, 8), np.uint8)}, "is ambiguous, neither the second nor the last axis is"),
        ({"x_test": np.zeros((12, 8, 9), np.uint8)}, r"x_train are \(1, 9, 8\) and those of x_test \(1, 8, 9\)"),
        ({"y_train": np.zeros(30)}, "y_train: float64 is not a type for labels"),
        ({"y_train": np.zeros((30, 3), int)}, r"convert one-hot labels by .argmax\(1\)"),
        ({"y_train": np.arange(29)}, r"y_train: labels are \(29,\) and there are 30 images"),
        ({"y_train": np.arange(30) % 3 * 2}, "labels go from 0 to 4, and no training image has 1"),
        ({"y_test": np.full(12, 3)}, "label 3 is only in the test part; training labels go from 0 to 2"),
        ({"y_test": np.full(12, -1)}, "label -1 is only in the test part"),
        ({"y_train": np.zeros(30, int), "y_test": np.zeros(12, int)}, "every training label is 0; give at least 2"),
        ({"y_train": np.full(30, 2**64 - 1, np.uint64)}, f"y_train: {2**64 - 1} is not a label; number"),
        ({"y_train": np.tile([-(2**63), 2**63 - 1, 0], 10)}, f"y_train: {-(2**63)} is not a label; number the classes"),
        ({"y_test": np.full(12, 2**31)}, f"y_test: {2**31} is not a label"),
    ],
)
def test_what_is_refused(arrays: dict[str, Any], changes: dict[str, Any], words: str) -> None:
    with pytest.raises(UserError, match=f"^it: .*{words}|^it: {words}"):
        make_parts(arrays | changes, "it")


def test_missing_arrays_are_named(arrays: dict[str, Any]) -> None:
    del arrays["y_test"]
    with pytest.raises(UserError, match=r"it: lacks y_test; its arrays are extra, x_test, x_train, y_train; give x_t"):
        make_parts(arrays | {"extra": np.zeros(1)}, "it")
