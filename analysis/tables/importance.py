"""What mattered: the share of each hyperparameter and pair in the variance of validation accuracy."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.importance import COLUMNS as FIELDS
from analysis.importance import importance
from analysis.tables.columns import Column, p_value, percent, shown, words
from analysis.tables.table import Table

NOTES = [
    "Shares of the variance of validation accuracy at the end of the grace period, where ASHA has stopped nobody yet: "
    "a functional analysis of variance over the levels of the four hyperparameters and their pairs. all: every "
    "configuration, diverged ones as 0 %; trained: without those that had diverged by then.",
    "p: of the term's F-test over all, Holm-corrected over the terms; matters: at 5 %.",
]


def decided(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The terms of each candidate that was searched."""
    frames, said = [], []
    for one in evidence.candidates:
        if not len(one.sweep):
            continue
        found = importance(one)
        if not len(found):
            said.append(f"{one.group}: too few configurations, or all alike, to tell what mattered.")
        elif not found["term"].str.contains(":").to_numpy().any():
            said.append(
                f"{one.group}: too few configurations to judge pairs; their shares are in what is left unexplained."
            )
        if found["share_trained"].isna().to_numpy().any() and found["share_trained"].notna().to_numpy().any():
            said.append(f"{one.group}: trained is of a model without pairs, for which too few configurations are left.")
        if one.run.spec.get("search") == "tpe":
            said.append(f"{one.group}: TPE chose where to look, so shares and p describe this sweep and not the space.")
        frames.append(found.assign(group=one.group))
    frame = pd.concat(frames, ignore_index=True) if frames else pd.DataFrame(columns=FIELDS)
    frame = frame.reindex(columns=["group", *FIELDS])
    if not len(frame):
        return frame, said or ["Nothing was searched in these runs: their configurations were given."]
    return frame, NOTES + said


COLUMNS = (
    words("Architecture", "group"),
    words("hyperparameter", "term"),
    percent("all %", "share"),
    percent("trained %", "share_trained"),
    p_value("p (Holm)", "p_holm"),
    Column("matters", lambda row: "yes" if row["matters"] else "no", right=False),
)
IMPORTANCE = Table("importance", "What mattered in the search.", (), decided, shown(COLUMNS))
