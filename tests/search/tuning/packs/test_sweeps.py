"""Searches in packs, by the command line, against those whose trials torch trains one by one."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.faults.invariants import metrics, outcomes, records
from tests.search.tuning.test_resuming import done

pytestmark = pytest.mark.slow

# Where training is smooth, rounding stays small. With lr 1 it would decide whether a trial diverges, and with max
# pooling, as in conv, which of two pixels that are equal but for rounding gets the gradient. Some CPUs are left with a
# ReLU whose input is zero but for rounding: these configurations are far enough from each other for that.
SPACE = """
lr: {choice: [0.002, 0.005, 0.05]}
momentum: {choice: [0.0, 0.5]}
weight_decay: 1e-4
gain: {choice: [0.7, 1.0]}
"""
SHAPE = ["--architectures", "invariant", "--samples", "8", "--epochs", "2", "--grace-period", "1"]


def test_a_packed_search_has_the_table_of_one_that_is_not(tmp_path: Path) -> None:
    space = tmp_path / "smooth.yaml"
    space.write_text(SPACE)
    told, tables = {}, {}
    for name, engine in (("packed", ["--pack", "8"]), ("alone", ["--engine", "torch"])):
        run = str(tmp_path / name)
        told[name] = done("sweep", "--space", str(space), "--scheduler", "halving", *SHAPE, *engine, "--out", run)
        done("rerun", run, "--seeds", "1", *engine)
        tables[name] = done("table", "summary", run)
    assert "engine: packs of up to 8 trials, by torch on cpu" in told["packed"]
    said = [
        re.sub(r"pack 2|torch [0-9][^ ]*", "ENGINE", re.sub(r"\| +\d\d\.\d \|", "| mean |", tables[name]))
        for name in told
    ]
    assert said[0] == said[1]
    assert "| mean |" in said[0]
    packed, alone = (records(tmp_path / name) for name in told)
    assert packed.keys() == alone.keys()
    assert {record["makers"][0]["engine"] for record in packed.values()} == {"pack"}
    for name, record in packed.items():
        for ours, theirs in zip(metrics(record["rows"]), metrics(alone[name]["rows"]), strict=True):
            for key, value in theirs.items():
                close = pytest.approx(value, abs=0.02) if "accuracy" in key else pytest.approx(value, rel=2e-3)
                assert ours[key] == close, (name, key)
    ends = [{trial: (end["status"], end["epoch"]) for trial, end in outcomes(tmp_path / name).items()} for name in told]
    assert ends[0] == ends[1]
    assert {status for status, _ in ends[0].values()} == {"completed", "stopped"}


def test_what_no_pack_can_have_is_trained_alone_beside_them(tmp_path: Path) -> None:
    layer = tmp_path / "layers.py"
    layer.write_text(
        "from torch import nn\n"
        "class Plain(nn.Conv2d):\n"
        "    def __init__(self, in_channels, out_channels):\n"
        "        super().__init__(in_channels, out_channels, 3, padding=1)\n"
        "class Dropping(Plain):\n"
        "    def forward(self, x):\n"
        "        return nn.functional.dropout(super().forward(x), 0.1, self.training)\n"
    )
    names, run = f"{layer}:Plain,{layer}:Dropping", tmp_path / "run"
    shape = ["--architectures", names, "--samples", "2", "--epochs", "1", "--grace-period", "1"]
    told = done("sweep", "--scheduler", "none", *shape, "--pack", "4", "--out", str(run))
    assert re.search(
        r"engine: packs of up to 4 trials, by torch on cpu; each trial alone, by torch on cpu; .*: "
        r"Dropping-\w+ \(a pack cannot train it: RuntimeError: vmap",
        told,
    )
    engines = {record["trial"]["architecture"]: record["makers"][0]["engine"] for record in records(run).values()}
    assert {name.split("-")[0]: engine for name, engine in engines.items()} == {"Plain": "pack", "Dropping": "torch"}
    assert len(outcomes(run)) == 4


def test_an_experiment_in_packs_is_taken_over_whole(tmp_path: Path) -> None:
    """Sweep, race and reruns; and the plan says so beforehand."""
    shape = [
        "reproduce",
        "1.3",
        "--samples",
        "4",
        "--epochs",
        "2",
        "--grace-period",
        "1",
        "--seeds",
        "1",
        "--pack",
        "4",
    ]
    first, second = (str(tmp_path / name) for name in ("first", "second"))
    told = done(*shape, "--finalists", "2", "--choice-seeds", "2", "--out", first)
    assert "engine: packs of up to 4 trials, by torch on cpu" in told
    again = [*shape, "--finalists", "2", "--choice-seeds", "2", "--reuse", first, "--out", second]
    assert f"--reuse takes 14 trials over from {first}" in done(*again, "--dry-run")
    said = done(*again)
    for count, phase in ((8, "sweep"), (4, "choice"), (2, "rerun")):
        assert f"{phase}: {count} trials taken over from {first}" in said
    assert "The same to the bit" in done("compare", first, second, "--exact")
