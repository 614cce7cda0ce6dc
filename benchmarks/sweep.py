"""A small sweep from start to result: invsearch against Ray Tune and Optuna with the usual training.

    INVSEARCH_DATA=~/data python -m benchmarks.sweep --out sweep.md

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
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from analysis.records.reader import read_run
from benchmarks.options import make_parser, publish
from benchmarks.peers.task import Task, find_task, read_results, write_task
from benchmarks.pictures import mnist_is_here
from benchmarks.report import Report, describe_target, format_times
from search.storage.provenance import ROOT

MODULE = "benchmarks.sweep"
ARCHITECTURES = ("conv", "invariant")
SAMPLES, EPOCHS, TARGET = 4, 2, 8
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


def outcomes(task: Task, repeats: int) -> dict[str, list[Outcome]]:
    """Runs all programs in turn, so many times."""
    programs: dict[str, Callable[[Path], Outcome]] = {"invsearch": lambda folder: invsearch(task, folder)}
    programs |= {name: lambda folder, module=module: peer(module, folder) for name, module in PEERS.items()}
    found: dict[str, list[Outcome]] = {name: [] for name in programs}
    for _ in range(repeats):
        for name, program in programs.items():
            with tempfile.TemporaryDirectory() as folder:
                write_task(task, Path(folder))
                found[name].append(program(Path(folder)))
    return found


def measure(task: Task, repeats: int) -> Report:
    """Runs all programs and compares them."""
    found = outcomes(task, repeats)
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
    asked = make_parser(MODULE, "Times a small sweep from start to result.", repeats=3).parse_args(arguments)
    if asked.quick:
        publish(measure(find_task("digits", ARCHITECTURES, samples=1, epochs=1), asked.repeats), asked.out)
    elif mnist_is_here():
        publish(measure(find_task("mnist", ARCHITECTURES, SAMPLES, EPOCHS), asked.repeats), asked.out)
    else:
        sys.exit(f"{MODULE}: MNIST is not here; first run: invsearch data mnist")


if __name__ == "__main__":
    main()
