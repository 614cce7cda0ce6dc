"""Is the time left true? ``python -m benchmarks.left``: the estimate on recorded runs, against what then happened.

The records of results/*/run.tar.xz say when each epoch was written. At a share of a phase's time the estimate is made
from the records up to then, as the progress display makes it, and divided by the time that was really left. Beside it
is the estimate that takes all epochs for alike, whatever the architecture, and each trial for as long as the mean of
those that have ended.
"""

from __future__ import annotations

import argparse
import json
import tarfile
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

import pandas as pd

from analysis.progress.left import Limits, Stand, estimate_lengths, estimate_seconds_left, find_limits, weigh
from analysis.records.reader import Run, read_run
from spaces.specs.protocol import PHASES
from spaces.specs.run import RunSpec

ROOT = Path(__file__).resolve().parent.parent
SHARES = (0.1, 0.25, 0.5, 0.75)
HALF, BAND = 0.5, 0.2


class Moment(NamedTuple):
    """A phase at one moment.

    Attributes:
        stands: by architecture.
        at_once: seconds of training in a second so far.
        going: seconds of the epochs in progress.
        gone: seconds since the first epoch began.
        left: seconds until the last one was recorded.
    """

    stands: dict[str, Stand]
    at_once: float
    going: float
    gone: float
    left: float


def list_phases(run: Run) -> Iterator[tuple[str, pd.DataFrame, float]]:
    """Phase, its epochs in their order, and when the driver that ended it began with it, Unix seconds."""
    facts = run.trials[["trial_id", "phase", "architecture", "status"]]
    epochs = run.epochs.merge(facts, on="trial_id").sort_values("time")
    history = [json.loads(line.split(b"\t")[-1]) for line in (run.path / "history.jsonl").read_bytes().splitlines()]
    starts = [line["time"] for line in history if line["event"] == "start"]
    for phase in PHASES:
        mine = epochs[epochs["phase"] == phase]
        if not len(mine):
            continue
        since = max([start for start in starts if start < mine["time"].max()], default=0.0)
        new = mine[mine["time"] >= since]
        yield phase, mine, float((new["time"] - new["seconds"]).min())


def stop_at(run: Run, epochs: pd.DataFrame, since: float, share: float) -> Moment:
    """What was known at a share of the time since ``since``."""
    end = float(epochs["time"].max())
    now = since + share * (end - since)
    weights = weigh(run.costs)
    last = epochs.groupby("trial_id")["epoch"].max()
    stands: dict[str, Stand] = {}
    trained = 0.0
    for name, mine in epochs.groupby("architecture"):
        seen = mine[mine["time"] <= now]
        new = seen[seen["time"] >= since]
        stand = Stand(mine["trial_id"].nunique(), weight=weights.get(str(name), 1.0))
        for row in seen.groupby("trial_id").tail(1).to_dict("records"):
            if row["epoch"] == last[row["trial_id"]] and row["status"] != "unfinished":
                stand.ended[row["status"], row["epoch"]] += 1
            else:
                stand.open[row["epoch"]] += 1
        stand.epochs, stand.seconds = len(new), float(new["seconds"].sum())
        stands[str(name)], trained = stand, trained + stand.seconds
    begun = epochs["time"] - epochs["seconds"]
    going = float((now - begun[(epochs["time"] > now) & (begun < now)]).sum())
    return Moment(stands, (trained + going) / (now - since), going, now - since, end - now)


def estimate(moment: Moment, limits: Limits) -> float:
    """Seconds left, as the progress display has them."""
    lengths = {name: estimate_lengths(stand, limits) for name, stand in moment.stands.items()}
    return estimate_seconds_left(moment.stands, lengths, moment.at_once, moment.going) or float("nan")


def estimate_alike(moment: Moment, limits: Limits, expected: float) -> float:
    """Seconds left if all epochs were alike, and trials as long as those that have ended."""
    left = 0.0
    for stand in moment.stands.values():
        ended = stand.ended.total()
        done = sum(epoch * count for (_, epoch), count in stand.ended.items())
        left += (stand.planned - ended) * (done / ended if ended >= 8 else expected)
    epochs = sum(stand.epochs for stand in moment.stands.values())
    return left * moment.gone / epochs if epochs else float("nan")


def measure(packed: Path, folder: Path) -> Iterator[list[Any]]:
    """A row for each phase of an archived run."""
    with tarfile.open(packed) as archive:
        archive.extractall(folder, filter="data")
    (path,) = folder.iterdir()
    run = read_run(path)
    spec = RunSpec.from_dict(run.spec)
    for phase, epochs, since in list_phases(run):
        limits = (
            find_limits(spec)
            if phase == "sweep"
            else Limits(spec.max_epochs if phase == "choice" else spec.rerun_epochs or 0)
        )
        expected = spec.compute_expected_epochs() if phase == "sweep" else limits.budget
        moments = {share: stop_at(run, epochs, since, share) for share in SHARES}
        ratios = [estimate(moment, limits) / moment.left for moment in moments.values()]
        alike = estimate_alike(moments[HALF], limits, expected) / moments[HALF].left
        yield [
            path.name,
            phase,
            f"{epochs['time'].max() - since:.0f}",
            *(f"{ratio:.2f}" for ratio in ratios),
            f"{alike:.2f}",
        ]


def main() -> int:
    """Prints the table, and which phases are within the band at half time."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.left", description="the time left, on recorded runs")
    parser.add_argument("--out", type=Path, metavar="FILE", help="write the table there too")
    out = parser.parse_args().out
    heads = ["run", "phase", "seconds", *(f"at {share:.0%}" for share in SHARES), f"all alike at {HALF:.0%}"]
    rows: list[list[Any]] = []
    for packed in sorted((ROOT / "results").glob("*/run.tar.xz")):
        with tempfile.TemporaryDirectory() as folder:
            rows += measure(packed, Path(folder))
    table = pd.DataFrame(rows, columns=heads)
    within = table[f"at {HALF:.0%}"].astype(float).sub(1.0).abs() <= BAND
    alike = table[heads[-1]].astype(float).sub(1.0).abs() <= BAND
    lines = [
        "# Time left: estimated / real",
        "",
        "`python -m benchmarks.left`: at a share of a phase's time, the estimate of the display divided by the",
        "time that was really left, on the records under results. The last column takes all epochs for alike.",
        "",
        table.to_markdown(index=False, disable_numparse=True),
        "",
        f"At half time {within.sum()} of {len(table)} phases are within {BAND:.0%} (all alike: {alike.sum()}). Not: "
        + (", ".join(f"{row.run} {row.phase}" for row in table[~within].itertuples()) or "none")
        + ".",
    ]
    print("\n".join(lines))
    if out is not None:
        out.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
