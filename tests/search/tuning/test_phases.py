"""What a phase imports of the user's own architectures."""

from __future__ import annotations

from contextlib import nullcontext
from pathlib import Path

import pytest

from analysis.progress.left import Limits
from models.own import REGISTERED, Reference, register
from search.cluster.resources import Resources
from search.datasets import find_dataset
from search.storage.run_folder import RunFolder
from search.training.engines import EngineChoice
from search.tuning import phases
from search.tuning.feed import InTurn
from search.tuning.jobs import Job
from search.tuning.policy import Policy
from search.tuning.scheduler import InOrder
from spaces import Hyperparameters
from spaces.specs.run import RunSpec

LAYER = """
from torch import nn

class Mine(nn.Conv2d):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 1)
"""
THETA = Hyperparameters(0.1, 0.0, 0.0, 1.0)


def test_only_copies_with_trials_left_are_imported_and_sent(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("one", "two"):
        (tmp_path / f"{name}.py").write_text(f"{LAYER}# {name}")
    one, two = (register(Reference.parse(f"{tmp_path}/{name}.py:Mine")) for name in ("one", "two"))
    names, own = ("conv", one.name, two.name), {found.name: found.own for found in (one, two)}
    thetas = dict.fromkeys(names, THETA.as_dict())
    spec = RunSpec(
        "digits",
        find_dataset("digits").data_hash,
        8,
        0,
        0,
        names,
        thetas=thetas,
        rerun_seeds=1,
        rerun_epochs=1,
        own=own,
    )
    run = RunFolder(tmp_path / "run")
    sent: list[set[str]] = []

    def pretend(job: Job, *_: object) -> bool:
        sent.append(set(job.own))
        while not job.searcher.finished:  # pyright: ignore
            job.searcher.suggest("1")
        return False

    try:
        with run.driven(spec):
            del REGISTERED[one.name], REGISTERED[two.name]
            trials = [spec.list_rerun_trials(name, THETA)[0] for name in ("conv", two.name)]
            feeds = [InTurn(trials, 1), InTurn([], 1)]
            phase = phases.Phase("rerun", {}, 1, Limits(1), list, lambda _: feeds.pop(0), lambda _: InOrder())
            monkeypatch.setattr(phases, "ray_session", lambda *_: nullcontext(1))
            monkeypatch.setattr(phases, "execute", pretend)
            phases.train_phase(phase, run, spec, Resources(), Policy(), EngineChoice())
        assert sent == [{two.name}]
        assert one.name not in REGISTERED
    finally:
        for name in (one.name, two.name):
            REGISTERED.pop(name, None)
