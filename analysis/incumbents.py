"""The configuration that each architecture is judged by."""

from __future__ import annotations

import pandas as pd

from analysis.records import Run

COLUMNS = ["config_id", "trial_id", "lr", "momentum", "weight_decay", "gain", "val_accuracy", "val_loss"]


def incumbents(run: Run) -> pd.DataFrame:
    """The best configuration per architecture, by validation only.

    Among the sweep's completed trials that reached the maximum epochs: the highest validation
    accuracy of the final epoch; ties by lower validation loss, then by config_id. An architecture
    that was not searched (``invsearch train``) has the one configuration of its reruns, with no
    validation numbers, and none if its reruns hold several: choosing by test results would leak.

    Returns:
        A table indexed by architecture with ``COLUMNS``; architectures without an incumbent are left out.
    """
    budget = run.spec.get("max_epochs") or 1
    sweep = run.trials.query("phase == 'sweep'")
    ended = sweep.query(f"status == 'completed' and epoch >= {budget} and val_accuracy.notna()")
    ranked = ended.sort_values(["val_accuracy", "val_loss", "config_id"], ascending=[False, True, True])
    searched = ranked.drop_duplicates(subset=["architecture"])

    given = run.trials.query(
        "phase == 'rerun' and architecture not in @searched", local_dict={"searched": set(sweep["architecture"])}
    )
    given = given.drop_duplicates(subset=["config_id"]).drop_duplicates(subset=["architecture"], keep=False)
    given = given.assign(trial_id=None)

    chosen = pd.concat([searched, given]) if len(given) else searched
    return chosen.set_index("architecture").sort_index().reindex(columns=COLUMNS)
