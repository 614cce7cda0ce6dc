"""The sentences below a table: what was counted, what may be compared, what was reduced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from analysis.records import Run
from analysis.schema import records

Row = dict[str, Any]

# The published protocol: (field of the spec, how many, of what).
PROTOCOL = (
    ("samples", 256, "configurations per architecture"),
    ("max_epochs", 20, "epochs per configuration"),
    ("rerun_seeds", 10, "rerun seeds"),
    ("rerun_epochs", 20, "epochs per rerun"),
)


def notes_on(run: Run, frame: pd.DataFrame) -> list[str]:
    """The notes of an accuracy table.

    Args:
        run: the run it was made from.
        frame: what ``accuracy_rows`` returned.
    """
    rows = records(frame)
    finished = [row for row in rows if row["finished"]]
    said = "No rerun has finished yet; invsearch rerun trains them."
    if finished:
        counts = ", ".join(f"{row['title']} {row['finished']}" for row in finished)
        said = (
            f"Test accuracy in percent after epoch {run.spec['rerun_epochs']}; mean, std (ddof = 1) and 95 % Student-t "
            f"interval of the mean over the seeds that finished: {counts}."
        )
    return [
        f"Data set: {run.spec['dataset']}. {said}",
        *_incomplete(rows),
        *_against_conv(finished),
        *_against_published(run, finished),
        *_reduced(run),
        *_unfinished_sweep(run),
        *([f"Damaged files that could not be read and were left out: {len(run.damaged)}."] if run.damaged else []),
    ]


def _incomplete(rows: list[Row]) -> list[str]:
    """What the means leave out."""
    said = []
    for row in rows:
        kinds = ("diverged", "failed", "unfinished", "not_started")
        missing = [f"{row[kind]} {kind.replace('_', ' ')}" for kind in kinds if row[kind]]
        if missing:
            said.append(f"{row['title']}: the mean leaves out {', '.join(missing)}.")
        if row["other"]:
            said.append(
                f"{row['title']}: reruns of other configurations than the incumbent's are not counted: {row['other']}."
            )
    return said


def _against_conv(finished: list[Row]) -> list[str]:
    """Which intervals overlap that of the convolutional network."""
    conv = next((row for row in finished if row["architecture"] == "conv"), None)
    others = [row for row in finished if row is not conv]
    if conv is None or not others:
        return []
    if not _has_interval(conv):
        return [f"{conv['title']} has one finished seed and no interval, so nothing is compared with it."]
    known = [row for row in others if _has_interval(row)]
    overlap = [
        row["ci_low_percent"] <= conv["ci_high_percent"] and row["ci_high_percent"] >= conv["ci_low_percent"]
        for row in known
    ]
    return [
        *_listed(f"The 95 % interval overlaps that of {conv['title']}", known, overlap),
        *_listed(f"The 95 % interval does not overlap that of {conv['title']}", known, [not it for it in overlap]),
        *_listed("One finished seed and no interval", others, [not _has_interval(row) for row in others]),
    ]


def _against_published(run: Run, finished: list[Row]) -> list[str]:
    """Where the published means lie; only the same data set may be compared."""
    if run.spec["dataset"] != "mnist":
        return ["The published numbers are for MNIST and not comparable with these."]
    known = [row for row in finished if _has_interval(row) and row["published_mean_percent"] > 0]
    inside = [row["ci_low_percent"] <= row["published_mean_percent"] <= row["ci_high_percent"] for row in known]
    return [
        *_listed("The published mean lies inside our 95 % interval", known, inside),
        *_listed("The published mean lies outside our 95 % interval", known, [not it for it in inside]),
    ]


def _reduced(run: Run) -> list[str]:
    """Where the run asked for less than the published protocol."""
    less = [
        f"{run.spec[field]} {what} (published: {full})"
        for field, full, what in PROTOCOL
        if run.spec.get(field) is not None and run.spec[field] < full
    ]
    return [f"Reduced settings: {', '.join(less)}."] if less else []


def _unfinished_sweep(run: Run) -> list[str]:
    """Where the incumbents were chosen among fewer configurations than were asked for."""
    samples = run.spec.get("samples") or 0
    swept = run.trials.query("phase == 'sweep'")
    said = []
    for name in run.spec["architectures"]:
        status = Counter(swept.loc[swept["architecture"] == name, "status"])
        ended = status.total() - status["unfinished"]
        if ended < samples:
            said.append(f"{name} {ended} of {samples}")
        if status["failed"]:
            said.append(f"{name} lost {status['failed']} to failures")
    return [f"The sweep is incomplete, counting configurations that ended: {', '.join(said)}."] if said else []


def _has_interval(row: Row) -> bool:
    return row["finished"] > 1


def _listed(start: str, rows: list[Row], chosen: list[bool]) -> list[str]:
    """A sentence that lists the chosen rows; none if there are none."""
    titles = [row["title"] for row, it in zip(rows, chosen, strict=True) if it]
    return [f"{start}: {', '.join(titles)}."] if titles else []
