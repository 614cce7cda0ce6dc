"""Checkpoints: what was saved comes back bitwise, and nothing else comes back at all."""

from __future__ import annotations

import json
import pickle
import struct
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from safetensors.torch import save_file

from search.datasets import Split
from search.storage import checkpoint
from search.training.loop import Training
from spaces import TrialSpec
from spaces.files.sealed import Damaged

RECORD = {"rows": [{"epoch": 1, "val_loss": None}]}
STATE: dict[str, Any] = {
    "epoch": 2,
    "lr": 0.1,
    "network": {"0.weight": torch.randn(3, 2, 5, 5).to(memory_format=torch.channels_last), "empty": torch.zeros(0)},
    "optimiser": {
        "state": {0: {"momentum_buffer": torch.arange(3.0)}, 1: {"momentum_buffer": None}},
        "groups": [{"p": [0, 1]}],
    },
    "generator": torch.get_rng_state(),
}


def assert_same(one: Any, other: Any) -> None:
    if isinstance(one, torch.Tensor):
        assert one.dtype == other.dtype
        assert torch.equal(one, other)
    elif isinstance(one, dict):
        assert list(one) == list(other)
        for key in one:
            assert_same(one[key], other[key])
    elif isinstance(one, list):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            assert_same(left, right)
    else:
        assert one == other


@pytest.fixture
def path(tmp_path: Path) -> Path:
    where = tmp_path / "checkpoint-2.safetensors"
    checkpoint.save(where, STATE, RECORD)
    return where


def test_round_trip(path: Path) -> None:
    state, record = checkpoint.load(path)
    assert_same(STATE, state)
    assert record == RECORD
    assert [entry.name for entry in path.parent.iterdir()] == [path.name]


def test_a_real_training_goes_on_bitwise(tmp_path: Path, trial: TrialSpec, split: Split, engine: str) -> None:
    training = Training(trial, split, engine=engine)
    training.run_epoch()
    checkpoint.save(tmp_path / "c", training.capture_state(), RECORD)
    other = Training(trial, split, engine=engine)
    other.load_state(checkpoint.load(tmp_path / "c")[0])
    assert [other.run_epoch().loss for _ in range(2)] == [training.run_epoch().loss for _ in range(2)]
    assert_same(training.capture_state(), other.capture_state())


def test_other_programs_can_read_it(path: Path) -> None:
    """It is plain safetensors: 8 bytes of length, a JSON header, the tensors; and there is no pickle in it."""
    content = path.read_bytes()
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    assert header["/network/0.weight"]["shape"] == [3, 2, 5, 5]
    with pytest.raises((pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError)):
        pickle.loads(content)


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("executed",))


def test_a_crafted_pickle_is_not_unpickled(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"w": Evil()}, path)
    with pytest.raises(Damaged):
        checkpoint.load(path)
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(Damaged):
        checkpoint.load(path)
    assert "executed" not in capsys.readouterr().out


def test_anybodys_safetensors_are_no_checkpoint(path: Path) -> None:
    save_file({"w": torch.zeros(2)}, path)
    with pytest.raises(Damaged, match="not a checkpoint"):
        checkpoint.load(path)


def test_a_header_that_promises_more_than_there_is(path: Path) -> None:
    content = path.read_bytes()
    for length in (0, 2**31, 2**63):
        path.write_bytes(struct.pack("<Q", length) + content[8:])
        with pytest.raises(Damaged):
            checkpoint.load(path)


@settings(max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_change_is_noticed(path: Path, data: st.DataObject) -> None:
    sound = path.read_bytes()
    start = data.draw(st.integers(0, len(sound) - 1))
    damaged = data.draw(
        st.sampled_from([sound[:start], sound + b"x", sound[:start] + bytes([sound[start] ^ 1]) + sound[start + 1 :]])
    )
    try:
        path.write_bytes(damaged)
        with pytest.raises(Damaged) as error:
            checkpoint.load(path)
        assert "\n" not in str(error.value)
    finally:
        path.write_bytes(sound)


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(content=st.binary(max_size=200))
def test_any_bytes_are_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "c").write_bytes(content)
    with pytest.raises(Damaged):
        checkpoint.load(tmp_path / "c")


def test_a_link_is_not_followed(path: Path) -> None:
    link = path.with_name("checkpoint-3.safetensors")
    link.symlink_to(path)
    with pytest.raises(Damaged, match="not a file of its own"):
        checkpoint.load(link)
