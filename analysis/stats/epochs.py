"""Does a conclusion hold after other epochs than the last one, and how often does accuracy dip?"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd


def count_holding(compared: pd.DataFrame, epochs: Sequence[pd.DataFrame]) -> pd.Series:
    """After how many epochs each pair's conclusion was the same: no difference, or one of the same sign.

    Args:
        compared: what ``compare_pairs`` says by what the networks are judged by.
        epochs: what it says of the same pairs after each epoch.

    Returns:
        One number for each row of ``compared``; NaN where the pair was not tested, or without epochs.
    """
    if not epochs:
        return pd.Series(np.nan, compared.index)
    holding = sum((_find_signs(found) == _find_signs(compared)).astype(float) for found in epochs)
    return pd.Series(holding, compared.index).where(compared["p"].notna())


def _find_signs(compared: pd.DataFrame) -> np.ndarray:
    """1 or -1 where a pair differs, by which is better; 0 where it does not."""
    return np.sign(compared["difference"].fillna(0.0).to_numpy()) * compared["differs"].to_numpy(dtype=bool)


def measure_dips(last: pd.DataFrame, depth: float) -> float:
    """The share of epochs after which a seed lies more than ``depth`` below its own median over these epochs.

    Args:
        last: accuracy, seed x epoch.
        depth: in the unit of the accuracies.
    """
    values = last.to_numpy(dtype=float)
    return float((values < np.median(values, axis=1, keepdims=True) - depth).mean()) if values.size else float("nan")
