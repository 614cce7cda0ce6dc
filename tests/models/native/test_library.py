from __future__ import annotations

from pathlib import Path

import pytest

from models.native import BUILDS, library

built = pytest.mark.skipif(library.find_build("baseline") is None, reason="the native engine was not built")


@pytest.fixture(autouse=True)
def uncached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "load", library.load.__wrapped__)


def test_the_fastest_build_that_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "open_library", lambda isa: object() if isa != "avx512" else None)
    assert library.find_instruction_set() == "avx2"
    assert list(BUILDS) == ["avx512", "avx2", "neon", "baseline"]


def test_without_a_build_there_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert library.find_instruction_set() is None
    assert "lack of a C++ compiler" in library.explain_no_library()


def test_a_file_that_is_no_library_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / f"_baseline{library.EXTENSION_SUFFIXES[0]}").write_bytes(b"built for another machine")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert library.open_library("baseline") is None
    assert "cannot be loaded" in library.explain_no_library()


@built
def test_a_build_of_other_sources_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.open_library("baseline") is not None
    assert library.explain_no_library() == ""
    monkeypatch.setattr(library, "hash_sources", lambda: "0123456789ab")
    assert library.open_library("baseline") is None
    assert "sources have changed" in library.explain_no_library()
    monkeypatch.setattr(library, "hash_sources", lambda: None)  # An installed copy has no sources beside it.
    assert library.open_library("baseline") is not None


@built
def test_a_build_for_a_better_machine_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(BUILDS, "baseline", 1 << 8)
    assert library.open_library("baseline") is None
    assert "does not have baseline" in library.explain_no_library()
