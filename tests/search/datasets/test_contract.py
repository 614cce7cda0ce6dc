"""What every data set that is at hand keeps."""

from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest

from search.datasets import DATASETS, Dataset, load_split

SHARED = Path(__file__).resolve().parents[4] / "shared" / "data"


def at_hand(known: Dataset) -> Path | None:
    """The data folder to load it from; None where its files would have to be downloaded."""
    roots = [Path(os.environ.get("INVSEARCH_DATA", SHARED)), SHARED]
    store = known.store
    if known.archive is not None:
        return next((root for root in roots if known.archive.find_forms(root)), None)
    return next((root for root in roots if store is None or not store.find_missing(root)), None)


LOADABLE = {name: root for name, known in DATASETS.items() if (root := at_hand(known)) is not None}


@pytest.mark.parametrize("name", LOADABLE)
@pytest.mark.parametrize("phase", ["sweep", "rerun"])
def test_splits(name: str, phase: str) -> None:
    known = DATASETS[name]
    split = load_split(known, phase, 0, LOADABLE[name])
    kept = known.train_images - (known.holdout if phase == "sweep" else 0)
    assert split.train_x.shape == (kept, *known.input_shape)
    assert split.eval_x.shape[1:] == known.input_shape
    for x, y in ((split.train_x, split.train_y), (split.eval_x, split.eval_y)):
        assert (x.dtype, y.dtype) == (np.float32 if split.scaling is None else np.uint8, np.int64)
        assert len(x) == len(y)
        assert set(np.unique(y)) == set(range(known.classes))
        assert np.isfinite(x).all()
    if phase == "sweep":
        assert len(split.eval_y) == known.holdout


@pytest.mark.parametrize("name", DATASETS)
def test_describes_itself(name: str) -> None:
    known = DATASETS[name]
    assert known.name == name
    assert len({other.data_hash for other in DATASETS.values()}) == len(DATASETS)
    assert 0 < known.holdout < known.train_images
    assert known.batch_size > 0
