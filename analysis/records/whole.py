"""Every epoch of every trial of a run, beside what defines the trial: the run as one table for other programs."""

from __future__ import annotations

import io

import pandas as pd

from analysis.records.reader import Run
from analysis.records.schema import EPOCHS

OF_THE_TRIAL = ("epoch", "seconds", "engine", "error")
"""Columns of ``schema.TRIALS`` that say of a whole trial what each epoch says for itself, or no epoch does."""


def join_epochs(run: Run) -> pd.DataFrame:
    """One row per trial and epoch: the columns of the trials that define them, ``status``, and those of the epochs.

    A trial without a recorded epoch has no row.
    """
    doubled = [name for name in run.trials if name in OF_THE_TRIAL or (name in EPOCHS and name != "trial_id")]
    whole = run.trials.drop(columns=doubled).merge(run.epochs, on="trial_id")
    return whole.sort_values(["trial_id", "epoch"], ignore_index=True)


def write_parquet(frame: pd.DataFrame) -> bytes:
    """A table by pyarrow, packed by gzip, which every reader of Parquet knows."""
    stream = io.BytesIO()
    frame.to_parquet(stream, engine="pyarrow", compression="gzip", index=False)
    return stream.getvalue()
