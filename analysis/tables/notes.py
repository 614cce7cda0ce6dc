"""The sentences below a table: what was counted, what may be compared, what was reduced."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pandas as pd

from analysis.equivalence import MARGIN, VERDICTS, equivalence
from analysis.incumbents import incumbents
from analysis.pairs import pairs
from analysis.published_deep import SEEDS
from analysis.records import Run
from analysis.reruns import reruns_of
from analysis.schema import records

Row = dict[str, Any]

# The protocol of Tables 1.3 and 1.4: (field of the spec, how many, of what). Data with a recipe have that of the text.
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
    if not {row["architecture"] for row in rows} & set(run.spec["architectures"]):
        said = "None of these networks is in the run; invsearch table summary has those that are."
    if finished:
        counts = ", ".join(f"{row['title']} {row['finished']}" for row in finished)
        said = (
            f"Test accuracy in percent after epoch {run.spec['rerun_epochs']}; mean, std (ddof = 1) and 95 % Student-t "
            f"interval of the mean over the seeds that finished: {counts}."
        )
    return [
        f"Data set: {run.spec['dataset']}. {said}",
        *_incomplete(rows),
        *_against_conv(run, finished),
        *_against_published(run, rows),
        *reduced(run),
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


def _against_conv(run: Run, finished: list[Row]) -> list[str]:
    """Who is told apart from the convolutional network, by the test of table ``pairs``."""
    titles = {row["architecture"]: row["title"] for row in finished}
    if "conv" not in titles or len(titles) < 2:
        return []
    chosen = incumbents(run)["config_id"]
    samples = {name: reruns_of(run, name, str(chosen.get(name, ""))).accuracies for name in titles}
    compared = pairs(samples)
    rows = records(compared[(compared["first"] == "conv") | (compared["second"] == "conv")])
    others = [(titles[row["second"] if row["first"] == "conv" else row["first"]], row) for row in rows]
    test = "Welch's test, Holm-corrected over all pairs"
    return [
        *_listed(f"Told apart from {titles['conv']} at 5 % ({test})", [name for name, row in others if row["differs"]]),
        *_listed(
            f"Not told apart from {titles['conv']} at 5 % ({test})",
            [name for name, row in others if not row["differs"] and row["p"] == row["p"]],
        ),
        *_listed(
            f"Not tested against {titles['conv']}, for want of a second seed or of any spread",
            [name for name, row in others if row["p"] != row["p"]],
        ),
    ]


def _against_published(run: Run, rows: list[Row]) -> list[str]:
    """Where the published numbers are reproduced; only the same data set may be compared."""
    known = [row for row in rows if row["published_mean_percent"] > 0]
    if not known:
        return []
    if run.spec["dataset"] != "mnist":
        return ["The published numbers are for MNIST and not comparable with these."]
    verdicts: dict[str, list[str]] = {verdict: [] for verdict in VERDICTS}
    chosen = incumbents(run)["config_id"]
    for row in known:
        if row["finished"]:
            ours = reruns_of(run, row["architecture"], str(chosen.get(row["architecture"], ""))).accuracies
            found = equivalence(ours, row["published_mean_percent"], row["published_std_percent"])
            verdicts[found.verdict].append(row["title"])
    means = {
        "reproduced": f"The published mean is reproduced within {MARGIN:g} points (TOST at 5 %)",
        "differs": "Ours differs from the published mean (Welch's test at 5 %)",
        "inconclusive": f"Neither shown to differ from the published mean nor to lie within {MARGIN:g} points of it",
    }
    return [note for verdict in VERDICTS for note in _listed(means[verdict], verdicts[verdict])]


def reduced(run: Run) -> list[str]:
    """Where the run asked for less than the published protocol."""
    recipe = run.spec.get("recipe")
    protocol = PROTOCOL
    if recipe:
        protocol = (("rerun_seeds", SEEDS, "rerun seeds"), ("rerun_epochs", recipe["epochs"], "epochs per rerun"))
    less = [
        f"{run.spec[field]} {what} (published: {full})"
        for field, full, what in protocol
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


def _listed(start: str, titles: list[str]) -> list[str]:
    """A sentence that lists titles; none if there are none."""
    return [f"{start}: {', '.join(titles)}."] if titles else []
