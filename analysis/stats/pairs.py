"""Which architectures differ significantly: Welch's test of every pair, corrected for there being many."""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Mapping

import numpy as np
import pandas as pd

from analysis.stats.power import compute_detectable
from analysis.stats.samples import ALPHA, Difference, correct_by_holm, explain_untested, welch

COLUMNS = ["first", "second", "difference", "low", "high", "p", "p_holm", "g", "differs", "detectable", "untested"]


def compare_pairs(samples: Mapping[str, np.ndarray], lost: Collection[str] = ()) -> pd.DataFrame:
    """Compares every two samples: all of them together are one family of tests.

    Args:
        samples: group -> test accuracies in percent, one per seed.
        lost: the groups of which seeds diverged or failed. What is left of them is a selection, so they are
            not tested.

    Returns:
        One row for each pair in the order of the samples: ``first`` and ``second``; ``difference`` of
        the means in points, none where seeds were lost, with its 95 % interval ``low`` to ``high`` (Welch, of this
        pair alone);
        Welch's ``p``; ``p_holm``, corrected over all pairs that were tested (Holm); Hedges' ``g``; whether it
        ``differs`` at 5 % after the correction; the ``detectable`` difference, which these seeds would have shown
        with a probability of 80 % at 5 % divided by the number of tests, the strictest level that Holm can ask for;
        and why it is ``untested``, empty where it was tested. NaN where undefined.
    """
    rows = []
    for (first, ours), (second, theirs) in itertools.combinations(samples.items(), 2):
        some = bool({first, second} & set(lost))
        why = explain_untested(ours, theirs, some)
        rows.append(
            (first, second, *welch(ours, theirs, lost=some), math.nan if why else _compute_effect(ours, theirs), why)
        )
    frame = pd.DataFrame(rows, columns=["first", "second", *Difference._fields, "g", "untested"])
    frame = frame.astype(dict.fromkeys([*Difference._fields, "g"], float))
    frame["p_holm"] = correct_by_holm(frame["p"])
    frame["differs"] = frame["p_holm"] < ALPHA
    level = ALPHA / max(1, count_tests(frame))
    frame["detectable"] = [
        math.nan if why else compute_detectable(samples[first], samples[second], level)
        for first, second, why in zip(frame["first"], frame["second"], frame["untested"], strict=True)
    ]
    return frame.astype({"detectable": float})[COLUMNS]


def count_tests(compared: pd.DataFrame) -> int:
    """How many tests a family of pairs holds."""
    return int(compared["p"].notna().sum())


def _compute_effect(ours: np.ndarray, theirs: np.ndarray) -> float:
    """Hedges' g: the difference in units of the pooled standard deviation, corrected for small samples."""
    described = [value for sample in (ours, theirs) for value in (sample.mean(), sample.std(ddof=1), len(sample))]
    from statsmodels.stats.meta_analysis import effectsize_smd  # A second to import.

    return float(effectsize_smd(*described)[0])
