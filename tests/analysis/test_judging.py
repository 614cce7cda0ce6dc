from __future__ import annotations

import math

from analysis.judging import judge_trials
from analysis.records.reader import read_run
from spaces import Hyperparameters


def test_final_and_last_five(folder) -> None:
    folder.spec["max_epochs"] = 7
    long = folder.sweep("conv", [0.0, 0.0, 0.5, 0.6, 0.7, 0.8, 0.4], "completed")
    short = folder.sweep("invariant", [0.25, 0.75], "stopped")
    lost = folder.sweep("conv", [0.9, None], "diverged", status="diverged", theta=Hyperparameters(1, 0.9, 1e-4, 2))
    run = read_run(folder.write())
    final, last = (judge_trials(run, "val_accuracy", judge) for judge in ("final", "last5"))
    assert (final[long], final[short]) == (0.4, 0.75)
    assert last[long] == (0.5 + 0.6 + 0.7 + 0.8 + 0.4) / 5
    assert last[short] == 0.5
    assert math.isnan(final[lost])
    assert math.isnan(last[lost])
    assert judge_trials(run, "test_accuracy", "last5").isna().all()
