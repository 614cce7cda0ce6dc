"""The configurations that one seed cannot tell from the incumbent."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.render.cells import format_compact
from analysis.stats.fairness import find_near_optimal
from analysis.stats.samples import LEAST
from analysis.tables.columns import Column, make_display, number, words
from analysis.tables.table import Table
from spaces.hyperparameters import NAMES

FIELDS = ["group", *NAMES, "val_percent", "trial_id"]
NOTES = [
    "Configurations trained to the last epoch whose validation accuracy (percent, one seed) lies within 1.41 standard "
    "deviations of a rerun of the incumbent, which is the first of each architecture: two single seeds of one "
    "configuration lie further apart a third of the time.",
]


def list_near(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The near-optimal set of each candidate."""
    frames = [
        found.assign(group=one.group, val_percent=100.0 * found["val_accuracy"])
        for one in evidence.candidates
        if len(found := find_near_optimal(one))
    ]
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=FIELDS)
    if not len(frame):
        return frame[FIELDS], [
            f"No architecture has both a finished sweep and {LEAST} finished reruns, none lost, that are not all alike."
        ]
    return frame[FIELDS], NOTES


COLUMNS = (
    words("Architecture", "group"),
    *(Column(name, lambda row, name=name: format_compact(row[name])) for name in NAMES),
    number("validation", "val_percent", 2),
    words("trial", "trial_id"),
)
NEAR = Table("near", "Configurations as good as the incumbent.", (), list_near, make_display(COLUMNS))
