"""The configuration that each architecture is judged by."""

from __future__ import annotations

import pandas as pd

from analysis.records.reader import Run
from analysis.records.schema import list_hyperparameters


def find_completed(sweep: pd.DataFrame, budget: int | None) -> pd.DataFrame:
    """The completed trials of a sweep that reached the maximum epochs, the best first.

    By final validation accuracy; ties by lower validation loss, then by config_id.
    """
    ended = sweep[(sweep["status"] == "completed") & (sweep["epoch"] >= (budget or 1)) & sweep["val_accuracy"].notna()]
    return ended.sort_values(["val_accuracy", "val_loss", "config_id"], ascending=[False, True, True])


def find_incumbents(run: Run) -> pd.DataFrame:
    """The best configuration per architecture, by validation only.

    Among the sweep's completed trials that reached the maximum epochs: the highest validation
    accuracy of the final epoch; ties by lower validation loss, then by config_id. An architecture
    that was not searched (``invsearch train``) has the one configuration of its reruns, with no
    validation numbers, and none if its reruns hold several: choosing by test results would leak.

    Returns:
        A table indexed by architecture: ``config_id``, ``trial_id``, the hyperparameters, ``val_accuracy`` and
        ``val_loss``. Architectures without an incumbent are left out.
    """
    sweep = run.trials.query("phase == 'sweep'")
    searched = find_completed(sweep, run.spec.get("max_epochs")).drop_duplicates(subset=["architecture"])

    given = run.trials.query(
        "phase == 'rerun' and architecture not in @searched", local_dict={"searched": set(sweep["architecture"])}
    )
    given = given.drop_duplicates(subset=["config_id"]).drop_duplicates(subset=["architecture"], keep=False)
    given = given.assign(trial_id=None)

    chosen = pd.concat([searched, given]) if len(given) else searched
    columns = ["config_id", "trial_id", *list_hyperparameters(run.trials), "val_accuracy", "val_loss"]
    return chosen.set_index("architecture").sort_index().reindex(columns=columns)
