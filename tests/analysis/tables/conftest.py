"""Eight replicates, written by hand: four splits, two searches of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from analysis.records.reader import Run, read_run
from spaces import Hyperparameters
from tests.analysis.conftest import RunFolder

BEST, OTHER = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0), Hyperparameters(0.1, 0.5, 1e-5, 1.5)
# Of eight searches the accuracies of three seeds, in percent: conv, invariant.
CONV = [(90, 92, 94), (87, 88, 89), (95, 96, 97), (88, 89, 93), (93, 94, 95), (84, 85, 86), (94, 94, 94), (87, 90, 93)]
OURS = [(85, 86, 87), (88, 92, 96), (80, 85, 90), (89, 90, 91), (84, 85, 86), (91, 92, 93), (80, 84, 88), (90, 92, 94)]
SPLITS = (0, 1, 2, 3, 0, 1, 2, 3)


def write_replicate(make_folder: Callable[..., RunFolder], number: int, **changes: Any) -> RunFolder:
    folder = make_folder(f"replicate-0{number + 1}")
    folder.spec |= {"seed": 200_000 * number, "split_seed": SPLITS[number], **changes}
    for name, accuracies in (("conv", CONV[number]), ("invariant", OURS[number])):
        best = OTHER if name == "conv" and number == 3 else BEST
        for theta, held_out in ((BEST, 0.9), (OTHER, 0.8 if best is BEST else 0.95)):
            folder.sweep(name, [0.1, 0.2, 0.3, held_out], "completed", theta=theta, seed=folder.spec["seed"])
        for seed, accuracy in enumerate(accuracies, start=folder.spec["seed"] + 1):
            folder.rerun(name, [0.5, 0.6, 0.7, accuracy / 100], "completed", theta=best, seed=seed)
    return folder


@pytest.fixture
def replicates(make_folder: Callable[..., RunFolder]) -> list[RunFolder]:
    return [write_replicate(make_folder, number) for number in range(8)]


def read_replicates(folders: Sequence[RunFolder]) -> list[Run]:
    """Writes run folders and reads them."""
    return [read_run(folder.write()) for folder in folders]
