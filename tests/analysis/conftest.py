"""Run folders written by hand, after the records contract and not by the code that writes real ones."""

import random
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from spaces import SPACES, Hyperparameters, TrialSpec
from spaces.files.sealed import seal
from spaces.specs.predictions import Predictions

THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)

# The layers of Table 1.1 and notes.md, counted by hand: weights without biases, multiplies per 28x28 image.
CONV = [("conv", 9 * 7, 9 * 7 * 784, 0), ("conv", 9 * 7 * 49, 9 * 7 * 49 * 196, 0), ("linear", 100, 24110, 0)]
OWN, NET = "MyConv@B+C-1f2e3d4c", "My_Net-0a1b2c3d"  # A layer and a network of the user's own.
INVARIANT = [("invariant", 49, 49 * 196, 36 * 784), ("invariant", 2401, 2401 * 49, 36 * 7 * 196)]


class RunFolder:
    """Writes a run folder.

    Trials are written in the order of the calls, or, after ``shuffle``, in another one.
    """

    def __init__(self, path: Path):
        self.path = path
        self.spec: dict[str, Any] = {
            "format": 2,
            "dataset": "digits",
            "data_hash": "d" * 10,
            "thetas": None,
            "space": SPACES["table-1.2"].describe(),
            "earlier": [],
            "search": "grid",
            "scheduler": "asha",
            "grace_period": 4,
            "max_epochs": 4,
            "reduction_factor": 4,
            "seed": 0,
            "split_seed": 0,
            "batch_size": 16,
            "architectures": ["conv", "invariant"],
            "samples": 256,
            "rerun_seeds": 3,
            "rerun_epochs": 4,
        }
        self.costs: dict[str, list[tuple[str, int, int, int]]] = {"conv": CONV, "invariant": INVARIANT}
        self.trials: list[tuple[TrialSpec, dict[str, Any], dict[str, Any] | None]] = []

    def sweep(self, architecture: str, accuracies: list[float | None], outcome: str | None, **kwargs: Any) -> str:
        return self.add("sweep", architecture, accuracies, outcome, **kwargs)

    def rerun(self, architecture: str, accuracies: list[float | None], outcome: str | None, **kwargs: Any) -> str:
        return self.add("rerun", architecture, accuracies, outcome, **kwargs)

    def add(
        self,
        phase: str,
        architecture: str,
        accuracies: list[float | None],
        outcome: str | None,
        theta: Hyperparameters = THETA,
        seed: int = 0,
        loss: float = 0.5,
        status: str = "running",
        error: str | None = None,
    ) -> str:
        split_seed = None if phase == "rerun" else 0
        size: Any = theta.get("batch_size", 16)
        trial = TrialSpec(phase, architecture, self.spec["dataset"], "d" * 10, theta, seed, split_seed, size)
        kind = "test" if phase == "rerun" else "val"
        rows = [
            {
                "epoch": epoch,
                "train_loss": None if accuracy is None else 0.25,
                f"{kind}_loss": None if accuracy is None else loss,
                f"{kind}_accuracy": accuracy,
                "seconds": 0.5,
                "time": 1.79e9 + epoch,
                "maker": 0,
            }
            for epoch, accuracy in enumerate(accuracies, start=1)
        ]
        record = {
            "format": 2,
            "trial": trial.as_dict(),
            "status": status if status in ("diverged", "failed") else "running",  # Only the driver knows of the others.
            "error": error,
            "notes": [],
            "makers": [{"engine": "native", "engine_version": "1", "instruction_set": "avx2", "host": "h"}],
            "rows": rows,
        }
        ended = outcome and {"format": 2, "status": outcome, "epoch": len(rows), "time": 1.79e9, "record": record}
        self.trials.append((trial, record, ended or None))
        return trial.trial_id

    def shuffle(self, seed: int) -> None:
        random.Random(seed).shuffle(self.trials)

    def write(self) -> Path:
        self.path.mkdir(exist_ok=True)
        if self.spec["samples"] is None:  # Nothing was searched, so a configuration was given for each architecture.
            given = {name: THETA.as_dict() for name in self.spec["architectures"]}
            self.spec |= {"space": None, "search": None, "thetas": given | (self.spec["thetas"] or {})}
        (self.path / "spec.json").write_bytes(seal(self.spec))
        keys = ("kind", "params", "mults", "transform_mults")
        costs = {
            name: [{"name": f"layer{i}", **dict(zip(keys, layer, strict=True))} for i, layer in enumerate(layers)]
            for name, layers in self.costs.items()
        }
        (self.path / "costs.json").write_bytes(seal(costs))
        for trial, record, outcome in self.trials:
            folder = self.path / "trials" / trial.trial_id
            folder.mkdir(parents=True, exist_ok=True)
            (folder / "record.json").write_bytes(seal(record))
            if outcome:
                (folder / "verdict.json").write_bytes(seal(outcome))
        return self.path


@pytest.fixture
def make_folder(tmp_path: Path) -> Callable[..., RunFolder]:
    """Makes empty run folders by name."""
    return lambda name="run": RunFolder(tmp_path / name)


@pytest.fixture
def folder(make_folder: Callable[..., RunFolder]) -> RunFolder:
    """An empty run folder."""
    return make_folder()


@pytest.fixture
def full(make_folder: Callable[..., RunFolder]) -> RunFolder:
    """Two architectures, swept and rerun with three seeds each.

    Test accuracies in percent: conv 90, 92, 94 (mean 92, std 2), invariant 80, 81, 85 (mean 82, std sqrt(7)).
    """
    folder = make_folder("full")
    best = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
    for name, low, high in (("conv", 0.8, 0.9), ("invariant", 0.7, 0.8)):
        folder.sweep(name, [0.1, 0.2, 0.3, low], "completed")
        folder.sweep(name, [0.1, 0.2, 0.3, high], "completed", theta=best)
        folder.sweep(name, [0.95], "stopped", theta=Hyperparameters(1, 0, 1e-4, 2))
        folder.sweep(name, [None], "diverged", theta=Hyperparameters(1, 0.9, 1e-4, 2), status="diverged")
    _rerun(folder, best, ((0.90, 0.80), (0.92, 0.81), (0.94, 0.85)))
    return folder


@pytest.fixture
def five(full: RunFolder) -> RunFolder:
    """The same with as many seeds as a test takes: conv 90, 90, 92, 94, 94, invariant 78, 81, 83, 83, 85.

    Means and standard deviations are those of ``full``: 92 and 2, 82 and sqrt(7).
    """
    theta = next(trial.theta for trial, *_ in full.trials if trial.phase == "rerun")
    full.trials = [kept for kept in full.trials if kept[0].phase == "sweep"]
    full.spec["rerun_seeds"] = 5
    _rerun(full, theta, ((0.90, 0.78), (0.92, 0.81), (0.94, 0.85), (0.90, 0.83), (0.94, 0.83)))
    return full


@pytest.fixture
def mixed(make_folder: Callable[..., RunFolder]) -> RunFolder:
    """Three architectures that take different hyperparameters; of OWN four configurations, the best gelu and bias.

    Validation accuracies of OWN in percent, by activation and bias: relu 50 and 54 with bias, gelu 53 and 57. Its
    reruns scored 88, 89, 90, 91 and 92, those of conv 78 to 82, and those of NET, which takes no gain, 68 to 72.
    """
    folder = make_folder("mixed")
    own = {
        OWN: {"reference": "/home/me/mine.py:MyConv@B+C", "digest": "1f2e3d4c", "kind": "layer"}
        | {"takes": ["activation", "bias", "gain", "width"]},
        NET: {"reference": "/home/me/mine.py:My_Net", "digest": "0a1b2c3d", "kind": "network", "takes": ["activation"]},
    }
    folder.spec["space"] |= {"activation": {"choice": ["relu", "gelu"]}, "bias": {"choice": [False, True]}}
    folder.spec["space"] |= {"width": {"randint": [8, 64]}}
    folder.spec.update(architectures=["conv", OWN, NET], own=own, samples=300, rerun_seeds=5)
    folder.costs = {"conv": CONV, OWN: [("own", 900, 300000, 0), CONV[-1]], NET: [("own", 800, 200000, 0)]}
    theta: dict[str, Any] = {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5}
    own_theta = theta | {"gain": 1.0, "width": 64}
    for activation, plain, biased in (("relu", 0.50, 0.54), ("gelu", 0.53, 0.57)):
        for bias, accuracy in ((False, plain), (True, biased)):
            chosen = Hyperparameters(**own_theta, activation=activation, bias=bias)
            folder.sweep(OWN, [0.1, 0.2, 0.3, accuracy], "completed", theta=chosen)
    best = {
        "conv": Hyperparameters(**theta, gain=1.0),
        OWN: Hyperparameters(**own_theta, activation="gelu", bias=True),
        NET: Hyperparameters(**theta, activation="relu"),
    }
    folder.sweep("conv", [0.1, 0.2, 0.3, 0.8], "completed", theta=best["conv"])
    folder.sweep(NET, [0.1, 0.2, 0.3, 0.7], "completed", theta=best[NET])
    for name, middle in (("conv", 80), (OWN, 90), (NET, 70)):
        for seed in range(1, 6):
            folder.rerun(name, [0.5, 0.6, 0.7, (middle + seed - 3) / 100], "completed", theta=best[name], seed=seed)
    return folder


def keep_predictions(folder: RunFolder, images: int = 100) -> None:
    """Gives each rerun predictions: wrong about as many of the first images as its accuracy says, taken for 1."""
    for trial, record, _ in folder.trials:
        if trial.phase == "rerun":
            wrong = images - round(images * record["rows"][-1]["test_accuracy"])
            predicted = [1] * wrong + [0] * (images - wrong)
            record["predictions"] = dict(vars(Predictions.pack(predicted, [0] * images, 10)))


def _rerun(folder: RunFolder, theta: Hyperparameters, accuracies: Sequence[tuple[float, float]]) -> None:
    for seed, (conv, invariant) in enumerate(accuracies, start=1):
        folder.rerun("conv", [0.5, 0.6, 0.7, conv], "completed", theta=theta, seed=seed)
        folder.rerun("invariant", [0.5, 0.6, 0.7, invariant], "completed", theta=theta, seed=seed)
