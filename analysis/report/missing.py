"""What a run still lacks, for the top of its report."""

from __future__ import annotations

from analysis.progress.status import summarize_progress
from analysis.records.reader import Run
from analysis.records.schema import make_records
from spaces.common.wording import format_count

SAID = 10  # How many damaged files are named.


def explain_missing(run: Run, name: str = "") -> list[str]:
    """One sentence for everything that was asked for and has not ended, was lost, or cannot be read.

    Args:
        run: the run.
        name: what the sentences call it; empty where it is the only one.
    """
    start = f"{name}: " if name else ""
    said = []
    for row in make_records(summarize_progress(run)):
        ended = row["completed"] + row["stopped"] + row["diverged"] + row["failed"]
        what, whose = "configuration" if row["phase"] == "sweep" else "rerun", f"{start}{row['architecture']}: "
        if ended < row["planned"]:
            begun = f"; unfinished: {row['unfinished']}" if row["unfinished"] else ""
            said.append(f"{whose}{ended} of {format_count(row['planned'], what)} ended{begun}.")
        if row["failed"] and row["phase"] == "sweep":
            said.append(f"{whose}{format_count(row['failed'], what)} failed.")
    if not run.trials["phase"].eq("rerun").any() and run.spec.get("rerun_seeds"):
        said.append(f"{start}No rerun has begun yet; invsearch rerun starts them.")
    said += [f"{start}{path} cannot be read and was left out: {reason}." for path, reason in run.damaged[:SAID]]
    if len(run.damaged) > SAID:
        said.append(f"{start}{len(run.damaged) - SAID} more files cannot be read.")
    return said
