"""What a run would take, of packs as large as the run would make them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import torch

from search.cli import main
from search.planning import dry_run
from spaces import TrialSpec


@pytest.mark.parametrize(
    ("command", "sizes"),
    [
        (["sweep", "--architectures", "conv", "--samples", "4", "--scheduler", "none"], {4}),
        (["sweep", "--architectures", "conv", "--samples", "16", "--scheduler", "none"], {8}),
        (["reproduce", "1.3", "--samples", "4", "--choice", "single", "--scheduler", "halving"], {4, 1}),
    ],
)
def test_a_dry_run_measures_packs_of_the_trials_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command: list[str], sizes: set[int]
) -> None:
    seen: set[int] = set()

    class Pack(dry_run.PackTraining):
        def __init__(self, specs: Sequence[TrialSpec], *args: Any, **more: Any):
            seen.add(len(specs))
            super().__init__(specs, *args, **more)

    monkeypatch.setattr(dry_run, "PackTraining", Pack)
    monkeypatch.setattr(dry_run, "timeit", lambda function, number: 1.0)  # Every step takes a second.
    out = str(tmp_path / "run")
    assert main([*command, "--pack", "8", "--dry-run", "--out", out]) == 0
    assert seen == sizes


def test_a_dry_run_makes_smaller_packs_where_memory_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    tried: list[int] = []

    class Pack(dry_run.PackTraining):
        def __init__(self, specs: Sequence[TrialSpec], *args: Any, **more: Any):
            tried.append(len(specs))
            if len(specs) > 2:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")
            super().__init__(specs, *args, **more)

    monkeypatch.setattr(dry_run, "PackTraining", Pack)
    out = str(tmp_path / "run")
    command = ["sweep", "--architectures", "conv", "--samples", "16", "--scheduler", "none", "--pack", "8"]
    assert main([*command, "--dry-run", "--out", out]) == 0
    assert tried[:3] == [8, 4, 2]
    assert tried[-1] == 2
