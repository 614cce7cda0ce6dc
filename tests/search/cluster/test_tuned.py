from __future__ import annotations

from typing import Any

import pytest
from ray.tune.execution import class_cache

from search.cluster.tuned import tuned_lean

KEYS = ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN")


def test_workers_get_no_keys_and_no_environment_of_their_own(monkeypatch: pytest.MonkeyPatch) -> None:
    """With one, workers need an agent of Ray that a run leaves out, and keys would go through Ray's own store."""
    for name in KEYS:
        monkeypatch.setenv(name, "canary")
    given: list[Any] = []
    monkeypatch.setattr(
        "ray.tune.execution.class_cache.ray.remote", lambda **options: given.append(options) or (lambda each: each)
    )
    class_cache._ActorClassCache().get(int)
    with tuned_lean():
        class_cache._ActorClassCache().get(int)
    before, within = (options["runtime_env"]["env_vars"] for options in given)
    assert set(KEYS) <= set(before)  # Else Tune has changed, and nothing is replaced.
    assert within == {}
