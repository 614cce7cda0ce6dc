"""A table's trials by packs, without Ray, and how long they take: by default those of Table 1.3 on MNIST.

    INVSEARCH_DATA=~/data python -m benchmarks.pack_search --device cuda --out search.md --csv search.csv
    python -m benchmarks.pack_search --device cuda --dataset digits --architectures all

The configurations of a rung are one pack; whoever halving lets go on is the next one. Lanes that have diverged leave
the pack where its program gets smaller by that. Each architecture's best configuration is trained again from other
seeds, each a pack of one, as its batches are its own. Nothing is recorded but the table of trials, in the form of the
committed sweeps (``results/*/sweep.csv``), one of which ``--beside`` compares it with, trial by trial.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path
from typing import Any

import torch

from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report
from models.mnist import TABLE_1_4
from search.datasets import DATASETS, Dataset, Split, load_split
from search.training.engines.pack_engine import choose_size
from search.training.loop import make_repeatable
from search.training.pack import PackTraining
from spaces import Hyperparameters, TrialSpec
from spaces.space import SPACES
from spaces.specs.halving import judge, list_ladder, make_course
from spaces.specs.protocol import GRACE_PERIOD, MAX_EPOCHS, REDUCTION_FACTOR, SEEDS

MODULE = "benchmarks.pack_search"
TABLE_1_3 = ("conv", "invariant")
THETA = Hyperparameters(lr=0.1, momentum=0.5, weight_decay=1e-5, gain=1.5)  # Any: each trial has its own.
QUICK_LANES, QUICK_EPOCHS, QUICK_SEEDS = 4, 2, 2
FIELDS = ("trial_id", "architecture", "lr", "momentum", "weight_decay", "gain", "status", "epoch", "val_accuracy")


@dataclass
class Course:
    """A configuration on its way.

    Attributes:
        spec: its trial.
        rows: one for each epoch, as in a record.
        status: ``running``, or how it ended.
        state: for the checkpoint, while it may go on.
    """

    spec: TrialSpec
    rows: list[dict[str, Any]] = field(default_factory=list)
    status: str = "running"
    state: dict[str, Any] = field(default_factory=dict)


def train(courses: Sequence[Course], epochs: int, split: Split, device: str) -> None:
    """Trains configurations that are at one epoch up to another one, those that diverge excepted."""
    lanes, pack = list(courses), None
    reached = len(lanes[0].rows) if lanes else epochs
    while lanes and reached < epochs:
        if pack is None:
            pack = PackTraining([course.spec for course in lanes], split, device)
            if lanes[0].state:
                pack.load_states([course.state for course in lanes])
        for course, epoch in zip(lanes, pack.run_epoch(), strict=True):
            if course.status == "running":
                course.rows.append(epoch.make_row(course.spec.phase))
                course.status = "diverged" if epoch.diverged else "running"
        reached = pack.epoch
        live = [lane for lane, course in enumerate(lanes) if course.status == "running"]
        smaller = choose_size(len(live), torch.device(device)) < choose_size(len(lanes), torch.device(device))
        if smaller or not live or reached == epochs:
            for lane in live:
                lanes[lane].state = pack.capture_state(lane)
            lanes, pack = [lanes[lane] for lane in live], None


def search(courses: Sequence[Course], rungs: Sequence[int], max_epochs: int, split: Split, device: str) -> None:
    """Successive halving over the configurations of an architecture."""
    members = {course.spec.config_id: course for course in courses}
    for passed, epochs in enumerate([*rungs, max_epochs]):
        judgement = judge(
            {name: make_course(course.rows, course.status, rungs) for name, course in members.items()},
            len(rungs),
            REDUCTION_FACTOR,
        )
        for name in judgement.stopped:
            members[name].status = "stopped"
        live = [course for name, course in members.items() if judgement.passed[name] == passed]
        train([course for course in live if course.status == "running"], epochs, split, device)
    for course in courses:
        if course.status == "running":
            course.status = "completed"


def list_cells(course: Course) -> dict[str, Any]:
    """A row of the table of trials."""
    theta, last = course.spec.theta, course.rows[-1]
    accuracy = "" if course.status == "diverged" else last["val_accuracy"]
    return {
        "trial_id": course.spec.trial_id,
        "architecture": course.spec.architecture,
        **theta.as_dict(),
        "status": course.status,
        "epoch": last["epoch"],
        "val_accuracy": accuracy,
    }


def compare(courses: Iterable[Course], path: Path) -> str:
    """How far the validation accuracies are from those of a committed sweep, whose trials have the same seed."""
    with path.open(encoding="utf-8", newline="") as stream:
        others = {row["trial_id"]: row for row in csv.DictReader(stream)}
    apart, diverged = [], [0, 0, 0]
    for course in courses:
        other = others[course.spec.trial_id]
        both = (course.status == "diverged") + (other["status"] == "diverged")
        diverged[both] += 1
        epoch = int(other["epoch"])
        if not both and epoch <= len(course.rows):
            apart.append(100 * (course.rows[epoch - 1]["val_accuracy"] - float(other["val_accuracy"])))
    return (
        f"Beside {path}: {len(apart)} trials have a row of the same epoch; there this sweep's accuracy is "
        f"{statistics.mean(apart):+.3f} points higher on average, {statistics.median(map(abs, apart)):.3f} apart in "
        f"the median. {diverged[2]} trials diverged in both, {diverged[1]} in one of them only."
    )


def rerun(best: TrialSpec, seeds: int, epochs: int, split: Split, device: str) -> list[float]:
    """Test accuracies, in percent, of a configuration from the seeds after its own; those that diverge have none."""
    found = []
    for seed in range(best.seed + 1, best.seed + 1 + seeds):
        course = Course(replace(best, phase="rerun", seed=seed, split_seed=None))
        train([course], epochs, split, device)
        if course.status != "diverged":
            found.append(100 * course.rows[-1]["test_accuracy"])
    return found


def measure(dataset: Dataset, names: Sequence[str], device: str, *, quick: bool, report: Report) -> list[Course]:
    """Searches the architectures one after another, and adds to a report what came out and how long it took."""
    lanes, grace, most = (QUICK_LANES, 1, QUICK_EPOCHS) if quick else (None, GRACE_PERIOD, MAX_EPOCHS)
    sweep, test = load_split(dataset, "sweep", 0), load_split(dataset, "rerun", None)
    seeds = QUICK_SEEDS if quick else SEEDS
    rungs = list_ladder(grace, most, REDUCTION_FACTOR)
    rows, every, total = [], [], time.perf_counter()
    for name in names:
        spec = TrialSpec("sweep", name, dataset.name, dataset.data_hash, THETA, 0, 0, dataset.batch_size)
        courses = [Course(replace(spec, theta=theta)) for theta in islice(SPACES["table-1.2"].walk(0), lanes)]
        start = time.perf_counter()
        search(courses, rungs, most, sweep, device)
        searched = time.perf_counter()
        best = max(
            (each for each in courses if each.status == "completed"), key=lambda each: each.rows[-1]["val_accuracy"]
        )
        accuracies = rerun(best.spec, seeds, most, test, device)
        statuses, epochs = [course.status for course in courses], sum(len(course.rows) for course in courses)
        rows.append(
            {
                "network": name,
                "sweep, s": f"{searched - start:.1f}",
                "reruns, s": f"{time.perf_counter() - searched:.1f}",
                "epochs of the sweep": f"{epochs:,}",
                "its images/s": f"{epochs * len(sweep.train_y) / (searched - start):,.0f}",
                **{status: statuses.count(status) for status in ("completed", "stopped", "diverged")},
                "best on validation images": f"{100 * best.rows[-1]['val_accuracy']:.2f} %, {best.spec.theta}",
                "on test images": f"{statistics.mean(accuracies):.2f} +- {statistics.stdev(accuracies):.2f} %",
            }
        )
        every += courses
    report.text(
        f"On {torch.cuda.get_device_name() if device == 'cuda' else 'a CPU'}: {dataset.name}, {len(every)} trials, "
        f"{len(sweep.train_y):,} training images, rungs at {', '.join(map(str, [*rungs, most]))} epochs, "
        f"{seeds} reruns each; {time.perf_counter() - total:.0f} s in all, judging included."
    )
    report.table("Searches", rows)
    return every


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = make_parser(MODULE, "Searches a table's architectures by packs of trials.", repeats=1)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu", help="cpu (default) or cuda")
    parser.add_argument("--dataset", choices=("mnist", "digits"), default="mnist", help="mnist (default) or digits")
    parser.add_argument("--architectures", nargs="+", choices=("all", *TABLE_1_4), default=TABLE_1_3, metavar="NAME")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table of trials there")
    parser.add_argument("--beside", type=Path, metavar="CSV", help="a committed sweep to compare with")
    asked: argparse.Namespace = parser.parse_args(arguments)
    make_repeatable(asked.device, 1)
    report = Report("A table's trials by packs", MODULE)
    names = list(TABLE_1_4) if "all" in asked.architectures else asked.architectures
    courses = measure(DATASETS[asked.dataset], names, asked.device, quick=asked.quick, report=report)
    if asked.csv is not None:
        with asked.csv.open("w", encoding="utf-8", newline="") as stream:
            writer: csv.DictWriter[str] = csv.DictWriter(stream, FIELDS)
            writer.writeheader()
            writer.writerows(sorted(map(list_cells, courses), key=lambda row: row["trial_id"]))
    if asked.beside is not None:
        report.text(compare(courses, asked.beside))
    publish(report, asked.out)


if __name__ == "__main__":
    main()
