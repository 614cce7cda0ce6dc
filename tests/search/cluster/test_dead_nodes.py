"""A node that dies while it is asked whether it sees the run folder is no node that does not see it."""

from pathlib import Path

import pytest
from ray.exceptions import NodeDiedError, RayError, WorkerCrashedError

from search.cluster import shared_folder


@pytest.mark.parametrize(("error", "blind"), [(NodeDiedError("it is dead"), False), (WorkerCrashedError(), True)])
def test_a_node_that_died_is_not_blind(
    error: RayError, blind: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: object) -> None:
        raise error

    monkeypatch.setattr(shared_folder.ray, "get", fail)
    assert (shared_folder._find_reason(object(), tmp_path / "answer") is not None) is blind
