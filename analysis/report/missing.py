"""What of a run is not there yet, for the top of its report."""

from __future__ import annotations

from analysis.progress.status import progress
from analysis.records.reader import Run
from analysis.records.schema import records

SAID = 10  # Damaged files that are named.


def missing(run: Run, name: str = "") -> list[str]:
    """One sentence for everything that was asked for and has not ended, failed, or cannot be read.

    Args:
        run: the run.
        name: what the sentences call it; empty where it is the only one.
    """
    start = f"{name}: " if name else ""
    said = []
    for row in records(progress(run)):
        ended = row["completed"] + row["stopped"] + row["diverged"] + row["failed"]
        what = "configurations" if row["phase"] == "sweep" else "reruns"
        if ended < row["planned"]:
            running = f", {row['unfinished']} have begun" if row["unfinished"] else ""
            said.append(f"{start}{row['architecture']}: {ended} of {row['planned']} {what} have ended{running}.")
        if row["failed"] and row["phase"] == "sweep":
            said.append(f"{start}{row['architecture']}: {row['failed']} {what} failed.")
    if not run.trials["phase"].eq("rerun").any() and run.spec.get("rerun_seeds"):
        said.append(f"{start}No rerun has begun; invsearch rerun trains them.")
    said += [f"{start}{path} cannot be read and was left out: {reason}." for path, reason in run.damaged[:SAID]]
    if len(run.damaged) > SAID:
        said.append(f"{start}{len(run.damaged) - SAID} more files cannot be read.")
    return said
