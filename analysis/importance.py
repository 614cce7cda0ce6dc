"""How much each hyperparameter, and each pair of them, decides: a functional analysis of variance of the sweep."""

from __future__ import annotations

import functools
import itertools
import math

import numpy as np
import pandas as pd
import statsmodels.formula.api as formulas
from statsmodels.stats.anova import anova_lm

from analysis.evidence import Candidate
from analysis.levels import levels
from analysis.stats import ALPHA, holm
from spaces.hyperparameters import NAMES

COLUMNS = ["term", "share", "p_holm", "matters", "share_trained"]


@functools.lru_cache(maxsize=64)  # The table, the figure and the verdict ask for it; none of them changes it.
def importance(candidate: Candidate) -> pd.DataFrame:
    """The share of the variance of validation accuracy that each hyperparameter and each pair explains.

    The accuracies are those of one epoch that every judged trial has, the sweep's grace period, because ASHA ends
    trials at different epochs: the later ones are a choice, not a sample. Each hyperparameter is taken
    as the levels of ``levels.levels``, and the analysis of variance is of type II, which on a full grid is
    the functional ANOVA. Pairs are left out where the trials are too few for them.

    Returns:
        One row per term, the four hyperparameters first, then pairs such as ``lr:momentum``: its ``share`` of the
        variance (eta squared, 0 to 1) over all trials, diverged ones counting as accuracy 0; the p-value of its
        F-test, corrected over the terms (Holm); whether it ``matters`` at 5 %; and its share among the trials that
        did not diverge. No rows where not even single hyperparameters can be told apart.
    """
    table = _responses(candidate)
    everything = _anova(table)
    if everything is None:
        return pd.DataFrame(columns=COLUMNS).astype({"share": float, "p_holm": float, "matters": bool})
    trained = _anova(table[table["alive"]])
    everything["p_holm"] = holm(everything["p"])
    everything["matters"] = everything["p_holm"] < ALPHA
    shares = {} if trained is None else dict(zip(trained["term"], trained["share"], strict=True))
    everything["share_trained"] = [shares.get(term, math.nan) for term in everything["term"]]
    return everything[COLUMNS]


def _responses(candidate: Candidate) -> pd.DataFrame:
    """The trials that can be compared: their hyperparameters and accuracy after the grace period."""
    sweep = candidate.sweep
    budget = candidate.run.spec.get("max_epochs") or 1
    epoch = min(candidate.run.spec.get("grace_period") or budget, budget)
    rows = candidate.epochs
    reached = rows[(rows["epoch"] == epoch) & rows["val_accuracy"].notna()].set_index("trial_id")["val_accuracy"]
    accuracy = sweep["trial_id"].map(reached)
    diverged = (sweep["status"] == "diverged") & accuracy.isna()
    table = sweep.assign(accuracy=accuracy.mask(diverged, 0.0), alive=~diverged)
    return table.loc[table["accuracy"].notna(), [*NAMES, "accuracy", "alive"]]


def _anova(table: pd.DataFrame) -> pd.DataFrame | None:
    """Terms with their shares and p-values; None where the trials are too few or all alike."""
    if len(table) < 3 or np.ptp(table["accuracy"]) == 0:
        return None
    factors = pd.DataFrame({name: levels(table[name]) for name in NAMES})
    factors = pd.DataFrame({name: factors[name].cat.remove_unused_categories() for name in NAMES})
    varied = [name for name in NAMES if factors[name].nunique() > 1]
    data = factors.assign(accuracy=table["accuracy"])
    crossed = [f"{first}:{second}" for first, second in itertools.combinations(varied, 2)]
    for terms in ([*varied, *crossed], varied):
        if not terms:
            return None
        model = formulas.ols("accuracy ~ " + " + ".join(terms), data)
        design = np.asarray(model.exog)
        if len(table) <= design.shape[1] or np.linalg.matrix_rank(design) < design.shape[1]:
            continue
        found = anova_lm(model.fit(), typ=2)
        total = float(((table["accuracy"] - table["accuracy"].mean()) ** 2).sum())
        return pd.DataFrame(
            {
                "term": terms,
                "share": [float(found.loc[term, "sum_sq"]) / total for term in terms],  # type: ignore[arg-type]
                "p": [float(found.loc[term, "PR(>F)"]) for term in terms],  # type: ignore[arg-type]
            }
        )
    return None
