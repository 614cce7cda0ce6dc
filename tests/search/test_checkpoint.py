import pickle
from pathlib import Path

import pytest
import torch

from search import checkpoint


def test_round_trip(tmp_path: Path) -> None:
    checkpoint.save(tmp_path / "c.pt", {"w": torch.arange(3.0), "epoch": 2})
    state = checkpoint.load(tmp_path / "c.pt")
    assert torch.equal(state["w"], torch.arange(3.0))
    assert state["epoch"] == 2
    assert [path.name for path in tmp_path.iterdir()] == ["c.pt"]


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return (print, ("executed",))


def test_a_crafted_checkpoint_cannot_run_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    torch.save({"w": Evil()}, tmp_path / "c.pt")
    with pytest.raises(pickle.UnpicklingError):
        checkpoint.load(tmp_path / "c.pt")
    assert "executed" not in capsys.readouterr().out
