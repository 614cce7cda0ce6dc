"""The columns that analysis makes of the records, with their meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import pandas as pd


class Column(NamedTuple):
    """One column: its pandas dtype and what it holds."""

    dtype: str
    meaning: str


MEASURES: dict[str, Column] = {
    "train_loss": Column("float64", "mean cross entropy over the training images while they were trained on"),
    "val_loss": Column("float64", "mean cross entropy over the held-out training images; NaN in a rerun"),
    "val_accuracy": Column("float64", "fraction of the held-out training images classified correctly; NaN in a rerun"),
    "test_loss": Column("float64", "mean cross entropy over the test images; NaN in a sweep"),
    "test_accuracy": Column("float64", "fraction of the test images classified correctly; NaN in a sweep"),
}

TRIALS: dict[str, Column] = {
    "trial_id": Column("str", "names the trial and its folder"),
    "config_id": Column("str", "names architecture and theta: the same in the sweep and in the reruns"),
    "phase": Column("str", "sweep or rerun"),
    "architecture": Column("str", "name of the network"),
    "dataset": Column("str", "name of the data set"),
    "lr": Column("float64", "learning rate"),
    "momentum": Column("float64", "momentum"),
    "weight_decay": Column("float64", "L2 weight decay"),
    "gain": Column("float64", "the factor a of equation 1.5.1"),
    "seed": Column("int64", "decides initial weights, fixed kernels and batch order"),
    "split_seed": Column("Int64", "decides which training images are held out; missing where none are"),
    "batch_size": Column("int64", "images per SGD step"),
    "data_hash": Column("str", "hash of the data set's content"),
    "recipe": Column("str", "learning-rate steps and augmentation, missing where there are none"),
    "status": Column("str", "completed, stopped, diverged, failed or unfinished"),
    "epoch": Column("int64", "the last recorded epoch, 0 where there is none"),
    **MEASURES,  # Of the last recorded epoch.
    "seconds": Column("float64", "training and evaluation time of all recorded epochs"),
    "engine": Column("str", "engine, version and instruction set that computed the last epoch, where recorded"),
    "error": Column("str", "traceback of a failed trial, else missing"),
}

EPOCHS: dict[str, Column] = {
    "trial_id": Column("str", "the trial"),
    "epoch": Column("int64", "1 is the first"),
    **MEASURES,
    "seconds": Column("float64", "training and evaluation time of this epoch"),
    "time": Column("float64", "Unix seconds at which the epoch was recorded"),
    "made_by": Column("str", "engine, versions, code and host that computed this epoch"),
}


def make_frame(columns: Mapping[str, Column], values: Mapping[str, Sequence[Any]]) -> pd.DataFrame:
    """Builds a table with the given columns and dtypes, also of no rows at all."""
    return pd.DataFrame(
        {name: pd.Series(values[name], dtype=column.dtype) for name, column in columns.items()},  # type: ignore[arg-type]
    )


def make_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dicts by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
