"""The numbers of all committed runs in one flat table: results/tables.csv."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, gather
from analysis.records.reader import Run
from analysis.render.cells import format_theta
from analysis.report.provenance import describe_provenance

COLUMNS = ("run", "table", "row", "dataset", "theta", "mean", "std", "n", "revision", "engine")
REVISION = 7  # Letters.


def write_flat(runs: Mapping[str, tuple[str, Run]]) -> bytes:
    """One row for each network of each run that was rerun.

    Args:
        runs: name of a run under results/, in the order of the rows -> the number of its table, and the run.

    Returns:
        CSV with ``COLUMNS``: ``row`` is the architecture; ``theta`` as ``train --theta`` takes it; ``mean`` and ``std``
        of the test accuracy in percent over ``n`` seeds, with more digits than its table shows; the revisions of the
        code that trained the run, and the engines that computed the last epochs of these seeds, as far as they are on
        record.
    """
    rows = [
        {"run": name, "table": number, **_describe(one), "revision": " ".join(_list_revisions(run))}
        for name, (number, run) in runs.items()
        for one in gather([run]).candidates
        if one.reruns.ended
    ]
    return pd.DataFrame(rows, columns=COLUMNS).to_csv(index=False, float_format="%.4f").encode()


def _describe(one: Candidate) -> dict[str, Any]:
    engines = sorted(one.reruns.trials["engine"].dropna().unique())
    return {
        "row": one.architecture,
        "dataset": one.run.spec["dataset"],
        "theta": format_theta(one.theta or {}, pairs=True).replace(", ", ","),
        "mean": one.reruns.summary.mean,
        "std": one.reruns.summary.std,
        "n": one.reruns.summary.n,
        "engine": ", ".join(engines),
    }


def _list_revisions(run: Run) -> list[str]:
    """Each once, oldest first."""
    known = describe_provenance(run, run.path.name).invocations["revision"]
    return [one[:REVISION] for one in dict.fromkeys(known) if one != "unknown"]
