from pathlib import Path

import pytest

from models.native import BUILDS, VERSION, library


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    for cached in (library.open_library, library.instruction_set):
        cached.cache_clear()
        monkeypatch.setattr(library, cached.__name__, cached.__wrapped__)


def test_the_fastest_build_that_works_is_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(library, "open_library", lambda isa: object() if isa != "avx512" else None)
    assert library.instruction_set() == "avx2"
    assert list(BUILDS) == ["avx512", "avx2", "baseline"]


def test_without_a_build_there_is_no_engine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert library.instruction_set() is None


def test_a_file_that_is_no_library_is_not_used(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / f"_baseline{library.EXTENSION_SUFFIXES[0]}").write_bytes(b"built for another machine")
    monkeypatch.setattr(library, "FOLDER", tmp_path)
    assert library.open_library("baseline") is None


@pytest.mark.skipif(library.build_of("baseline") is None, reason="the native engine was not built")
def test_a_build_of_another_version_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    assert library.open_library("baseline") is not None
    monkeypatch.setattr(library, "VERSION", f"{VERSION}.1")
    assert library.open_library("baseline") is None
