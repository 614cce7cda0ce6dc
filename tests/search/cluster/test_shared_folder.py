"""Which nodes see the run folder, with a Ray that answers as it is told."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

from search.cluster import shared_folder
from search.cluster.shared_folder import Probe


def node(name: str, alive: bool) -> dict[str, object]:
    return {
        "NodeID": name,
        "NodeName": name,
        "NodeManagerHostname": "vm",
        "NodeManagerAddress": "192.0.2.2",
        "Alive": alive,
    }


@pytest.mark.parametrize("alive", [False, True])
def test_a_node_that_dies_while_it_is_asked_takes_no_question_from_the_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, alive: bool
) -> None:
    """One that is alive and blind ends the run, so that nobody waits for the others."""
    nodes = [node("gone", alive), node("slow", True)]
    ray = SimpleNamespace(nodes=lambda: nodes, wait=lambda asked, **_: (asked[:1], asked[1:]))
    monkeypatch.setattr(shared_folder, "ray", ray)
    monkeypatch.setattr(
        shared_folder, "run_on", lambda asked, _: SimpleNamespace(remote=lambda *_: f"task on {asked['NodeID']}")
    )
    monkeypatch.setattr(shared_folder, "_find_reason", lambda ref, answer: f"{ref} failed")
    said = Probe(tmp_path).explain_blind(nodes)
    assert (said is None) == (not alive)
    assert len(list(tmp_path.glob(".probe-*"))) == (not alive)
    if said is not None:
        assert said.startswith(f"{tmp_path}: not seen by node gone = vm = 192.0.2.2 (task on gone failed); give --out")
