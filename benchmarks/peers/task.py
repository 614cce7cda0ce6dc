"""What a peer is asked to do, and where it puts what it found: files in a folder."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common.usual import Pictures
from search.datasets import find_dataset, load_split
from spaces import SPACES

SEED = 0  # Of the grid's order and of the split, as in invsearch's own command.
Configuration = dict[str, Any]
"""``architecture`` and the fields of ``Hyperparameters``."""


@dataclass(frozen=True)
class Task:
    """A small sweep.

    Attributes:
        dataset: the data set's name.
        epochs: of each trial; schedulers may stop none earlier, so all programs train as much.
        batch_size: images of a step.
        configurations: what to train.
    """

    dataset: str
    epochs: int
    batch_size: int
    configurations: Sequence[Configuration]


def find_task(name: str, architectures: Sequence[str], samples: int, epochs: int) -> Task:
    """The sweep that ``invsearch sweep --samples SAMPLES`` would make: the first configurations of its grid."""
    points = list(SPACES["table-1.2"].walk(SEED))[:samples]
    configurations = [{"architecture": each, **point.as_dict()} for point in points for each in architectures]
    return Task(name, epochs, find_dataset(name).batch_size, configurations)


def write_task(task: Task, folder: Path) -> None:
    """Writes a task and its images: grey levels, as an ordinary program would read them, split as invsearch does it."""
    source = find_dataset(task.dataset)
    split = load_split(source, "sweep", SEED)
    train, judged = (
        np.rint((images * source.std + source.mean) * 255).astype(np.uint8) for images in (split.train_x, split.eval_x)
    )
    np.savez(folder / "images.npz", train_x=train, train_y=split.train_y, judged_x=judged, judged_y=split.eval_y)
    (folder / "task.json").write_text(json.dumps(asdict(task)), encoding="utf-8")


def read_task(folder: Path) -> tuple[Task, Pictures, Pictures]:
    """The task, the images to train on and those to judge on."""
    task = Task(**json.loads((folder / "task.json").read_text(encoding="utf-8")))
    source = find_dataset(task.dataset)
    with np.load(folder / "images.npz") as found:
        train, judged = (
            Pictures(found[f"{part}_x"], found[f"{part}_y"], source.mean, source.std) for part in ("train", "judged")
        )
    return task, train, judged


def write_results(folder: Path, accuracies: Sequence[float]) -> None:
    """Writes each configuration's last accuracy."""
    (folder / "results.json").write_text(json.dumps(list(accuracies)), encoding="utf-8")


def read_results(folder: Path) -> list[float]:
    """Reads them."""
    return json.loads((folder / "results.json").read_text(encoding="utf-8"))
