"""A bucket in memory, by the same client as a real one."""

from __future__ import annotations

from pathlib import Path

import pytest
from obstore.store import MemoryStore

from search.storage.places.bucket import BucketPlace


@pytest.fixture
def bucket() -> BucketPlace:
    return BucketPlace("s3://bucket/run", MemoryStore(), patience=0.5)


@pytest.fixture(autouse=True)
def mirrors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing is left in the user's cache."""
    monkeypatch.setenv("INVSEARCH_MIRRORS", str(tmp_path / "mirrors"))
    return tmp_path / "mirrors"
