"""The columns that analysis makes of the records: name -> dtype in pandas."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from spaces.hyperparameters import NAMES

MEASURES: dict[str, str] = {
    "train_loss": "float64",  # mean cross entropy over the training images while they were trained on
    "val_loss": "float64",  # mean cross entropy over the held-out training images; NaN in a rerun
    "val_accuracy": "float64",  # fraction of the held-out training images classified correctly; NaN in a rerun
    "test_loss": "float64",  # mean cross entropy over the test images; only in a rerun
    "test_accuracy": "float64",  # fraction of the test images classified correctly; only in a rerun
}

TRIALS: dict[str, str] = {
    "trial_id": "str",  # names the trial and its folder
    "config_id": "str",  # names architecture and theta: the same in the sweep, the race and the reruns
    "phase": "str",  # sweep, choice (the race of finalists) or rerun
    "architecture": "str",  # name of the network
    "dataset": "str",  # name of the data set
    "lr": "float64",  # learning rate
    "momentum": "float64",  # momentum
    "weight_decay": "float64",  # L2 weight decay
    "gain": "float64",  # the factor a of equation 1.5.1; missing in a network that takes none
    # Here stands a column for each further hyperparameter of the run's records: ``make_trials``.
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


def make_trials(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """The table of trials: ``TRIALS``, and after ``gain`` one column for each further hyperparameter.

    Args:
        rows: the columns by name, and ``further``: the further hyperparameters of that trial. A batch size that was
            searched is one of them, and its column stands among theirs.
    """
    further = sorted({name for row in rows for name in row["further"]})
    columns = {name: pd.Series([row[name] for row in rows], dtype=dtype) for name, dtype in TRIALS.items()}  # type: ignore[call-overload]
    columns |= {name: make_column(row["further"].get(name) for row in rows) for name in further if name not in TRIALS}
    return pd.DataFrame(columns)[_place_further(further)]


def join_trials(frames: Sequence[pd.DataFrame]) -> pd.DataFrame:
    """Tables of trials below one another; a hyperparameter that one of them lacks is missing in its rows."""
    further = sorted({name for frame in frames for name in list_hyperparameters(frame) if name not in NAMES})
    whole = pd.concat([frame.drop(columns=further, errors="ignore") for frame in frames], ignore_index=True)
    for name in further:
        parts = [frame[name].tolist() if name in frame else [None] * len(frame) for frame in frames]
        whole.insert(list(whole).index("seed"), name, make_column(itertools.chain(*parts)))
    return whole


def _place_further(further: Iterable[str]) -> list[str]:
    """The names of all columns, in order."""
    names = [name for name in TRIALS if name not in further]
    place = names.index("seed")
    return [*names[:place], *further, *names[place:]]


def list_hyperparameters(trials: pd.DataFrame) -> list[str]:
    """The names of the hyperparameters in a table of trials: the four of Table 1.2, then the further ones."""
    names = [str(name) for name in trials]
    return names[names.index(NAMES[0]) : names.index("seed")]


def make_column(values: Iterable[Any]) -> pd.Series:
    """The values of one hyperparameter: float64 or Int64, boolean, or str; None and NaN are missing."""
    plain = (value.item() if isinstance(value, np.generic) else value for value in values)
    known = [None if pd.isna(value) else value for value in plain]
    kinds = {type(value) for value in known} - {type(None)}
    if kinds == {bool}:
        return pd.Series(known, dtype="boolean")
    if kinds and kinds <= {int, float}:
        return pd.Series(known, dtype="Int64" if kinds == {int} else "float64")  # type: ignore[call-overload]
    return pd.Series([value if value is None else str(value) for value in known], dtype="str")


def holds_words(column: pd.Series) -> bool:
    """Whether a column holds words or truth values, so that its values are categories and not numbers."""
    return not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column)


def make_records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """The rows of a table as dicts by column name."""
    return [{str(name): value for name, value in row.items()} for row in frame.to_dict("records")]
