"""The columns that analysis makes of the records: name -> dtype in pandas."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

MEASURES: dict[str, str] = {
    "train_loss": "float64",  # mean cross entropy over the training images while they were trained on
    "val_loss": "float64",  # mean cross entropy over the held-out training images; NaN in a rerun
    "val_accuracy": "float64",  # fraction of the held-out training images classified correctly; NaN in a rerun
    "test_loss": "float64",  # mean cross entropy over the test images; NaN in a sweep
    "test_accuracy": "float64",  # fraction of the test images classified correctly; NaN in a sweep
}

TRIALS: dict[str, str] = {
    "trial_id": "str",  # names the trial and its folder
    "config_id": "str",  # names architecture and theta: the same in the sweep and in the reruns
    "phase": "str",  # sweep or rerun
    "architecture": "str",  # name of the network
    "dataset": "str",  # name of the data set
    "lr": "float64",  # learning rate
    "momentum": "float64",  # momentum
    "weight_decay": "float64",  # L2 weight decay
    "gain": "float64",  # the factor a of equation 1.5.1
    "seed": "int64",  # decides initial weights, fixed kernels and batch order
    "split_seed": "Int64",  # decides which training images are held out; missing where none are
    "batch_size": "int64",  # images per SGD step
    "data_hash": "str",  # hash of the data set's content
    "recipe": "str",  # learning-rate steps and augmentation, missing where there are none
    "status": "str",  # completed, stopped, diverged, failed or unfinished
    "epoch": "int64",  # the last recorded epoch, 0 where there is none
    **MEASURES,  # Of the last recorded epoch.
    "seconds": "float64",  # training and evaluation time of all recorded epochs
    "engine": "str",  # engine, version and instruction set that computed the last epoch, where recorded
    "error": "str",  # traceback of a failed trial, else missing
}

EPOCHS: dict[str, str] = {
    "trial_id": "str",  # the trial
    "epoch": "int64",  # 1 is the first
    **MEASURES,
    "seconds": "float64",  # training and evaluation time of this epoch
    "time": "float64",  # Unix seconds at which the epoch was recorded
    "made_by": "str",  # engine, versions, code and host that computed this epoch
}


def make_frame(columns: Mapping[str, str], values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Builds a table with the given columns and dtypes, also of no rows at all."""
    series: Any = {name: pd.Series(values[name], dtype=dtype) for name, dtype in columns.items()}  # type: ignore[arg-type]
    return pd.DataFrame(series)


def make_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dicts by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
