"""Arrays from Python."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from search.datasets import Data, find_dataset
from spaces.common.errors import UserError


def make(arrays: dict[str, Any], **changes: Any) -> Data:
    return Data(**{**arrays, **changes})


def test_arrays_and_tensors_are_the_same_data(cache: Path, arrays: dict[str, Any]) -> None:
    known = find_dataset(Data(**arrays, name="one"))
    assert (known.name, known.input_shape) == ("data-one", (1, 9, 8))
    tensors: dict[str, Any] = {name: torch.from_numpy(array) for name, array in arrays.items()}
    tensors["y_train"] = tensors["y_train"].float().requires_grad_().detach().long()
    assert find_dataset(Data(**tensors)).data_hash == known.data_hash
    np.testing.assert_array_equal(known.load_train(None).images[:, 0], arrays["x_train"])
    assert find_dataset("data-one", known.data_hash, known.source).title.endswith("from invsearch.Data(.., name='one')")


def test_data_that_are_gone(cache: Path) -> None:
    with pytest.raises(UserError, match=r"data-one with the hash 12 is no longer in .*; give the same arrays again"):
        find_dataset("data-one", "12", "invsearch.Data(.., name='one')")


@pytest.mark.parametrize("name", ["", "a b", "../x", "x" * 60, 3])
def test_names(cache: Path, arrays: dict[str, Any], name: str) -> None:
    with pytest.raises(UserError, match=r"^name: .* is not allowed; give at most 55"):
        Data(**arrays, name=name)


def test_what_is_wrong_is_said_where_it_is_made(cache: Path, arrays: dict[str, Any]) -> None:
    with pytest.raises(UserError, match=r"^data-mine: x_train: float64 is not a type"):
        make(arrays, x_train=np.zeros((30, 9, 8)))
    with pytest.raises(UserError, match=r"^data-mine: x_test: not an array"):
        make(arrays, x_test=[[1], [1, 2]])
    assert not cache.exists()
