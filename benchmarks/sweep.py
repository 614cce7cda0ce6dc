"""A small sweep from start to result: invsearch against Ray Tune and Optuna with the usual training.

    INVSEARCH_DATA=~/data python -m benchmarks.sweep --out sweep.md
    INVSEARCH_DATA=~/data python -m benchmarks.sweep --kept sweep.jsonl --most 1     # again and again: a program a call

The same configurations, images and epochs, in fresh processes on all cores, so that imports and start-up count for all.
The schedulers may stop a trial after its last epoch only: which ones they would stop earlier depends on the order of
arrival, and then the programs would not do the same work.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from analysis.records.reader import read_run
from benchmarks.common.kept import add_kept, measure_in_turn
from benchmarks.common.options import make_parser, publish
from benchmarks.common.pictures import mnist_is_here
from benchmarks.common.report import Report, describe_target, format_times
from benchmarks.peers.task import Task, find_task, read_results, write_task
from search.storage.provenance import ROOT

MODULE = "benchmarks.sweep"
ARCHITECTURES = ("conv", "invariant")
SAMPLES, EPOCHS, TARGET = 4, 2, 12
PEERS = {"Ray Tune": "benchmarks.peers.with_ray", "Optuna": "benchmarks.peers.with_optuna"}


@dataclass(frozen=True)
class Outcome:
    """One run of one program.

    Attributes:
        seconds: wall time of its process.
        accuracies: of all trials, in the end.
        training_seconds: sum over the trials of what their records say; 0 where there are none.
    """

    seconds: float
    accuracies: Sequence[float]
    training_seconds: float = 0.0


def measure_wall_seconds(arguments: Sequence[str]) -> float:
    """Runs a Python program to its end.

    Raises:
        RuntimeError: it failed, with the end of what it said.
    """
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    seconds = time.perf_counter() - start
    if done.returncode:
        raise RuntimeError(f"{' '.join(arguments)} failed:\n{done.stderr[-2000:]}")
    return seconds


def invsearch(task: Task, folder: Path) -> Outcome:
    """The command of invsearch itself."""
    run = folder / "run"
    options = {
        "--architectures": ",".join(ARCHITECTURES),
        "--dataset": task.dataset,
        "--samples": len(task.configurations) // len(ARCHITECTURES),
        "--batch-size": task.batch_size,
        "--epochs": task.epochs,
        "--scheduler": "asha",
        "--grace-period": task.epochs,
        "--out": run,
    }
    seconds = measure_wall_seconds(
        ["-m", "search", "sweep", *(str(part) for option in options.items() for part in option)]
    )
    trials = read_run(run).trials
    return Outcome(seconds, trials["val_accuracy"].fillna(0.0).tolist(), sum(trials["seconds"].tolist()))


def peer(module: str, folder: Path) -> Outcome:
    """Another program, on the task of a folder."""
    return Outcome(measure_wall_seconds(["-m", module, str(folder)]), read_results(folder))


def list_programs(task: Task) -> dict[str, Callable[[], dict[str, Any]]]:
    """What runs each program on a task, in a folder of its own, and says its outcome as plain data."""

    def run(program: Callable[[Path], Outcome]) -> dict[str, Any]:
        with tempfile.TemporaryDirectory() as folder:
            write_task(task, Path(folder))
            return asdict(program(Path(folder)))

    found = {"invsearch": partial(run, lambda folder: invsearch(task, folder))}
    return found | {name: partial(run, partial(peer, module)) for name, module in PEERS.items()}


def measure(task: Task, found: Mapping[str, Sequence[Outcome]]) -> Report:
    """Compares the programs."""
    repeats = len(found["invsearch"])
    cores = os.cpu_count() or 1
    seconds = {name: statistics.median(each.seconds for each in runs) for name, runs in found.items()}
    ratios = {name: seconds[name] / seconds["invsearch"] for name in PEERS}
    busy = statistics.median(100 * each.training_seconds / (cores * each.seconds) for each in found["invsearch"])
    report = Report("A small sweep, all cores", MODULE)
    report.text(
        f"{len(task.configurations)} configurations x {task.epochs} epochs on {task.dataset}, batches of "
        f"{task.batch_size}, {cores} cores, from the start of a fresh process to its result; medians of {repeats} "
        "interleaved repeats. A ratio above 1 says how many times faster invsearch is."
    )
    rows = [
        {"": f"invsearch vs {name}", "ratio": format_times(x), "target": describe_target(x, TARGET)}
        for name, x in ratios.items()
    ]
    report.table("Ratios", rows)
    report.text(f"Busy share of the cores in invsearch's runs, training and judging: {busy:.0f} %.")
    programs = [
        {
            "": name,
            "seconds": f"{seconds[name]:.1f}",
            "all repeats": ", ".join(f"{each.seconds:.1f}" for each in runs),
            "trials": str(len(runs[0].accuracies)),
            "mean accuracy in %": f"{100 * statistics.mean(runs[0].accuracies):.1f}",
        }
        for name, runs in found.items()
    ]
    report.table("Programs", programs)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = make_parser(MODULE, "Times a small sweep from start to result.", repeats=3)
    add_kept(parser)
    asked = parser.parse_args(arguments)
    if not asked.quick and not mnist_is_here():
        sys.exit(f"{MODULE}: MNIST is not here; first run: invsearch data mnist")
    of = ("digits", ARCHITECTURES, 1, 1) if asked.quick else ("mnist", ARCHITECTURES, SAMPLES, EPOCHS)
    task = find_task(*of)
    found = measure_in_turn(list_programs(task), repr(task), asked, parser)
    if found is not None:
        outcomes = {name: [Outcome(**each) for each in runs] for name, runs in found.items()}
        publish(measure(task, outcomes), asked.out)


if __name__ == "__main__":
    main()
