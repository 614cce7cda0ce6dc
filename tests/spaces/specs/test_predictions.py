"""Predictions of a record: what numpy and zlib read of them, and damage that is refused."""

from __future__ import annotations

import base64
import hashlib
import zlib
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import Hyperparameters, TrialSpec
from spaces.files.sealed import Damaged
from spaces.specs.predictions import Predictions
from spaces.specs.records import Record

CLASSES = {1: (2, 10, 255), 2: (256, 1000), 4: (70_000,)}


@pytest.mark.parametrize("width", CLASSES)
@given(data=st.data())
def test_numpy_reads_who_was_right_and_what_the_others_were_taken_for(width: int, data: st.DataObject) -> None:
    classes = data.draw(st.sampled_from(CLASSES[width]))
    some = st.integers(0, classes - 1)
    pairs = [(classes - 1, 0), *data.draw(st.lists(st.tuples(some, some), max_size=40))]
    predicted, labels = zip(*pairs, strict=True)
    found = Predictions.pack(predicted, labels, classes)
    assert (found.width, found.images) == (width, len(pairs))
    numbers = np.frombuffer(zlib.decompress(base64.b64decode(found.packed)), f"<u{width}")
    right = np.equal(predicted, labels)
    assert ((numbers == 0) == right).all()
    assert (numbers[~right].astype(int) - 1 == np.array(predicted)[~right]).all()
    assert found.count_right() == right.sum()
    assert found.read() == tuple(numbers)
    assert found.labels == hashlib.sha256(np.array(labels, "<u4").tobytes()).hexdigest()[:16]
    assert Predictions.from_dict(vars(found)) == found


def test_ten_thousand_images_take_little() -> None:
    """Three in a hundred are wrong, as on MNIST: with the classes themselves it would be 5 kB."""
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 10, 10_000)
    predicted = np.where(rng.random(10_000) < 0.97, labels, rng.integers(0, 10, 10_000))
    assert len(Predictions.pack(predicted.tolist(), labels.tolist(), 10).packed) < 1000


GOOD = Predictions.pack([1, 2, 3, 3], [1, 2, 3, 0], 10)


def packed(content: bytes) -> str:
    return base64.b64encode(content).decode()


@pytest.mark.parametrize(
    "change",
    [
        {"labels": "no digits"},
        {"images": 3},
        {"images": True},
        {"images": 10**12},
        {"width": 3},
        {"width": 2},
        {"packed": "*"},
        {"packed": 7},
        {"packed": packed(b"no zlib")},
        {"packed": packed(zlib.compress(bytes(4))[:-1])},
        {"packed": packed(zlib.compress(bytes(2**24)))},
        {"more": 1},
    ],
)
def test_damage_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(Damaged, match="predictions"):
        Predictions.from_dict(vars(GOOD) | change)


def test_a_record_carries_them_only_where_they_are_those_of_its_last_row() -> None:
    theta = Hyperparameters(lr=0.1, momentum=0.5, weight_decay=1e-5, gain=1.5)
    trial = TrialSpec("rerun", "conv", "digits", "0" * 16, theta, 3, None, 16)
    row = {"epoch": 1, "train_loss": 1.0, "test_loss": 1.0, "test_accuracy": 0.75, "time": 1.0, "maker": 0}
    record = Record(trial, makers=[{}], rows=[row], predictions=GOOD)
    assert Record.from_dict(record.as_dict()) == record
    before = replace(record, predictions=None)
    assert "predictions" not in before.as_dict()  # As records were before there were any.
    assert Record.from_dict(before.as_dict()) == before
    for rows in ([], [row | {"test_accuracy": 0.5}], [row | {"test_accuracy": None}]):
        with pytest.raises(Damaged, match="not those of its last epoch"):
            Record.from_dict(replace(record, rows=rows).as_dict())
