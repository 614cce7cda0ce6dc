"""Was the search fair to each architecture, was its winner luck, and what is as good?"""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.records.schema import join_trials
from analysis.stats.collapse import find_collapse_levels
from analysis.stats.fairness import Fairness, find_near_optimal, judge_fairness
from analysis.stats.samples import LEAST
from analysis.tables.table import (
    Column,
    Table,
    list_used,
    make_display,
    round_off,
    show_number,
    show_percent,
    show_range,
    show_theta,
    show_words,
)

NOTES = [
    "selected: validation accuracy in percent by which the incumbent was chosen, on one seed and held-out training "
    "images; reruns: mean test accuracy of the same configuration on fresh seeds, trained on all training images. "
    "gap: selected minus reruns. It holds the luck of the best of many on one seed, but also other images and fewer to "
    "train on, so it does not measure that luck; it is left out where reruns are judged otherwise than the sweep.",
    "near: configurations trained to the last epoch within 1.41 std of the incumbent, itself included, which is the "
    "standard error of a difference of two single seeds, all by the run's own judge. Table near lists them.",
    "diverged, collapsed: shares of the configurations that ended. Collapsed: ended without diverging, and below half "
    "of the best validation accuracy that the run had at the same epoch (where guessing reaches that, halfway from it "
    "to the best){levels}. either: the two together, with the 95 % Wilson interval.",
]
RACED = (
    "After a race selected is the winner's mean over the race's seeds, without the luck of the sweep's seed; near is "
    "said of the best configuration on the sweep's seed."
)


def count_judged(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Each candidate that was searched."""
    searched = [one for one in evidence.candidates if len(one.sweep)]
    rows = [judge_fairness(one) for one in searched]
    frame = pd.DataFrame(rows, columns=list(Fairness._fields))
    if not len(frame):
        return frame, [evidence.unsearched]
    levels = []  # Below which a trial had collapsed, at the epochs at which trials ended.
    for run in evidence.runs:
        found = find_collapse_levels(run).reindex(run.trials.query("phase == 'sweep'")["epoch"].unique()).dropna()
        if len(found):
            ends = dict.fromkeys(round_off(100 * end, 1) for end in (found.min(), found.max()))
            levels.append(f"{' to '.join(ends)} %")
    said = [note.format(levels=f" ({'; '.join(levels)})" if levels else "") for note in NOTES]
    if any(one.race_seeds for one in evidence.candidates):
        said.append(RACED)
    said += [
        f"{row.group}: all configurations as good as {'the best on its seed' if one.race_seeds else 'the incumbent'} "
        f"lie on the edge of the searched range ({', '.join(row.edges)}); a wider range may contain better ones."
        for one, row in zip(searched, rows, strict=True)
        if row.edges
    ]
    return frame.assign(edges=frame["edges"].map("; ".join)), said


def list_near(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The configurations that one seed cannot tell from the incumbent, of each candidate."""
    near = {one.group: find_near_optimal(one) for one in evidence.candidates}
    frames = [found.assign(group=group, val_percent=100.0 * found["val_accuracy"]) for group, found in near.items()]
    frame = join_trials([frame for frame in frames if len(frame)] or frames)
    frame = frame[["group", *list_used(frame), "val_percent", "trial_id"]]
    if not len(frame):
        missing = f"both a finished sweep and {LEAST} finished reruns, none lost, that are not all alike."
        return frame, [f"No architecture has {missing}"]
    return frame, [
        "Configurations trained to the last epoch whose validation accuracy (percent, the sweep's seed) is at most "
        "1.41 standard deviations of the incumbent's reruns below that of the incumbent, or after a race below the "
        "best on that seed: two single seeds of one configuration lie further apart a third of the time."
    ]


JUDGED = (
    show_words("Architecture", "group"),
    Column("configurations", lambda row: f"{row['ended']} of {row['planned']}"),
    show_percent("diverged %", "diverged"),
    show_percent("collapsed %", "collapsed"),
    show_percent("either %", "broken"),
    show_range("95 % CI", "broken_low", "broken_high", 1, 100.0),
    show_number("selected", "selected", 2),
    show_number("reruns", "rerun", 2),
    show_number("gap", "gap", 2, sign=True),
    show_number("std", "spread", 2),
    show_number("near", "near"),
    show_words("on the edge", "edges"),
)


def _display_near(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    names = [str(name) for name in frame if name not in ("group", "val_percent", "trial_id")]
    last = show_number("validation", "val_percent", 2), show_words("trial", "trial_id")
    return make_display((show_words("Architecture", "group"), *show_theta(frame, names), *last))(frame)


FAIRNESS = Table("search", "Fairness of the search.", (), count_judged, make_display(JUDGED))
NEAR = Table("near", "Configurations as good as the incumbent.", (), list_near, _display_near)
