"""What must hold of a run folder whatever was killed: nothing lost, nothing twice, nothing changed."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from search.storage import checkpoint
from search.storage.json_files import read_lines
from search.tuning.sweep import list_trials
from spaces.files.sealed import read_sealed, unseal
from spaces.specs.run import RunSpec

CLOCK = ("seconds", "time", "maker")  # What of a row may differ between two runs: when and where it was made.


def read(path: Path) -> dict[str, Any]:
    content = read_sealed(path)
    assert content is not None, f"{path} is not there"
    return content


def spec_of(run: Path) -> RunSpec:
    return RunSpec.from_dict(read(run / "spec.json"))


def records(run: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: read(path) for path in sorted((run / "trials").glob("*/record.json"))}


def outcomes(run: Path) -> dict[str, dict[str, Any]]:
    return {path.parent.name: read(path) for path in sorted((run / "trials").glob("*/verdict.json"))}


class Witness:
    """Looks at a run between the kills: what was once on record stays as it was.

    Args:
        run: the run folder.
    """

    def __init__(self, run: Path):
        self._run = run
        self._rows: dict[str, list[dict[str, Any]]] = {}
        self._ended: dict[str, tuple[bytes, bytes]] = {}

    def look(self) -> None:
        """Compares with what was seen before."""
        for path in sorted((self._run / "trials").glob("*")):
            outcome = path / "verdict.json"
            ended = outcome.read_bytes() if outcome.exists() else None  # First: then the record is final.
            if not (path / "record.json").exists():
                assert path.name not in self._rows, f"the record of {path.name} is gone"
                continue
            record = (path / "record.json").read_bytes()
            rows = unseal(record)["rows"]
            before = self._rows.get(path.name, [])
            assert rows[: len(before)] == before, f"recorded rows of {path.name} have changed"
            self._rows[path.name] = rows
            if path.name in self._ended:
                assert self._ended[path.name] == (record, ended), f"{path.name} had ended and was touched again"
            if ended is not None:
                self._ended[path.name] = (record, ended)


def check_complete(run: Path, noted: Collection[str] = ()) -> None:
    """Every planned trial is there exactly once, with an outcome, and with each of its epochs once.

    Args:
        run: a sweep that has ended.
        noted: trials whose records have something to tell, such as epochs that were trained again.
    """
    spec = spec_of(run)
    trials = [trial.trial_id for trial in list_trials(spec)]
    assert len(trials) == len(set(trials)) == sum(map(spec.count_planned, spec.architectures))
    found, ends = records(run), outcomes(run)
    assert sorted(found) == sorted(trials)
    assert sorted(ends) == sorted(trials)
    for name, record in found.items():
        epochs = [row["epoch"] for row in record["rows"]]
        assert epochs == list(range(1, ends[name]["epoch"] + 1)), f"{name}: {epochs}"
        assert ends[name]["status"] in ("completed", "stopped", "diverged"), f"{name}: {record['error']}"
        assert (ends[name]["status"] == "completed") == (
            epochs[-1] == spec.max_epochs and record["status"] == "running"
        )
        assert bool(record["notes"]) == (name in noted), f"{name}: {record['notes']}"


def metrics(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Rows without the clock's numbers."""
    return [{key: value for key, value in row.items() if key not in CLOCK} for row in rows]


def check_same_rows(run: Path, other: Path) -> None:
    """Trials that both runs have begun went the same way, number by number, as far as both went."""
    here, there = records(run), records(other)
    common = here.keys() & there.keys()
    assert common
    for name in common:
        assert here[name]["trial"] == there[name]["trial"]
        mine, yours = metrics(here[name]["rows"]), metrics(there[name]["rows"])
        both = min(len(mine), len(yours))
        assert mine[:both] == yours[:both], name


def check_same_results(run: Path, other: Path) -> None:
    """Two runs ended alike: trials, epochs, metrics, outcomes and, bit by bit, the final checkpoints."""
    here, there = records(run), records(other)
    assert here.keys() == there.keys()
    for name in here:
        assert here[name]["trial"] == there[name]["trial"]
        assert metrics(here[name]["rows"]) == metrics(there[name]["rows"]), name
    ends = [
        {name: (outcome["status"], outcome["epoch"]) for name, outcome in outcomes(each).items()}
        for each in (run, other)
    ]
    assert ends[0] == ends[1]
    check_same_weights(run, other)


def check_same_weights(run: Path, other: Path) -> None:
    """The final checkpoints of two runs are the same ones and hold the same bits."""
    files = [sorted(path.relative_to(each) for path in each.glob("trials/*/*.safetensors")) for each in (run, other)]
    assert files[0] == files[1]
    check_common_weights(run, other)


def check_common_weights(run: Path, other: Path) -> None:
    """The final checkpoints that both runs have kept hold the same bits."""
    paths = [path.relative_to(run) for path in run.glob("trials/*/*.safetensors")]
    common = [path for path in paths if (other / path).exists()]
    assert common, "no checkpoint was kept"
    for path in common:
        mine, yours = (checkpoint.load(each / path)[0] for each in (run, other))
        assert bits(mine) == bits(yours), path


def bits(node: Any) -> Any:
    """A training state with each tensor as its type, shape and bytes."""
    if isinstance(node, torch.Tensor):
        content = node.detach().contiguous().reshape(-1).view(torch.uint8).numpy().tobytes() if node.numel() else b""
        return str(node.dtype), tuple(node.shape), content
    if isinstance(node, dict):
        return {key: bits(value) for key, value in node.items()}
    if isinstance(node, list | tuple):
        return [bits(value) for value in node]
    return node


def decisions(run: Path) -> list[dict[str, Any]]:
    return read_lines(run / "decisions.jsonl")[0]


def check_decisions(run: Path, restored: bool = False) -> None:
    """Each decision is what ASHA's rule gives for the ones before it, and the outcomes follow them.

    Args:
        run: a run of ``--scheduler asha`` that has ended.
        restored: lines were lost and entered again at the end; what was decided up to the last such
            line was decided in an order that is not on record.
    """
    spec, found, ends, lines = spec_of(run), records(run), outcomes(run), decisions(run)
    keys = [(line["trial_id"], line["epoch"]) for line in lines]
    reached = {(name, row["epoch"]) for name, record in found.items() for row in record["rows"]} & {
        (name, rung) for name in found for rung in spec.list_rungs()
    }
    assert len(keys) == len(set(keys)), "a trial was judged twice at one rung"
    assert set(keys) == reached
    known = [index for index, line in enumerate(lines) if line.get("restored")]
    assert bool(known) == restored
    earlier: dict[tuple[str, int], list[float]] = {}
    for index, line in enumerate(lines):
        record = found[line["trial_id"]]
        value = record["rows"][line["epoch"] - 1]["val_accuracy"]
        assert line["accuracy"] == (0.0 if value is None else value)
        assert line["architecture"] == record["trial"]["architecture"]
        before = earlier.setdefault((line["architecture"], line["epoch"]), [])
        stays = not before or line["accuracy"] >= np.percentile(before, 100 * (1 - 1 / spec.reduction_factor))
        before.append(line["accuracy"])
        if line["decision"] == "END":
            assert ends[line["trial_id"]]["status"] in ("diverged", "failed")
        elif not known or index > known[-1]:
            assert line["decision"] == ("CONTINUE" if stays else "STOP"), line
    stops = {line["trial_id"]: line["epoch"] for line in lines if line["decision"] == "STOP"}
    assert stops == {name: outcome["epoch"] for name, outcome in ends.items() if outcome["status"] == "stopped"}
