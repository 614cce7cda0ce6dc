import os
from pathlib import Path

import pytest

from search.datasets.fetch import import_from
from search.datasets.verify import read_cached
from spaces.errors import UserError

NAME = "train-images-idx3-ubyte"


@pytest.mark.parametrize("form", ["{}", "{}.gz"])
@pytest.mark.parametrize("below", ["", "mnist"])
def test_import(fake, tmp_path: Path, form: str, below: str) -> None:
    fake.write(tmp_path / "downloads" / below, form=form)
    folder = import_from(fake.store, tmp_path / "downloads", tmp_path / "cache")
    assert folder == tmp_path / "cache" / "mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == fake.content


def test_import_replaces_a_damaged_file_of_any_spelling(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "downloads")
    cache = fake.write(tmp_path / "cache" / "mnist")
    (cache / f"{NAME}.gz").write_bytes(b"damaged")
    import_from(fake.store, tmp_path / "downloads", tmp_path / "cache")
    for file in fake.store.files:
        assert read_cached(fake.store, file, cache) == fake.content[file.name]


def test_import_of_what_the_cache_lacks(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "cache" / "mnist", *list(fake.content)[1:])
    fake.write(tmp_path / "downloads", NAME)
    folder = import_from(fake.store, tmp_path / "downloads", tmp_path / "cache")
    assert not fake.store.missing(folder)


def test_import_from_the_cache_itself(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "mnist", form="{}")
    assert import_from(fake.store, tmp_path / "mnist", tmp_path) == tmp_path / "mnist"
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == fake.content


def test_one_bad_file_imports_nothing(fake, tmp_path: Path) -> None:
    downloads = fake.write(tmp_path / "downloads")
    last = downloads / "t10k-labels-idx1-ubyte.gz"
    last.write_bytes((downloads / f"{NAME}.gz").read_bytes())
    with pytest.raises(UserError, match=f"{last} holds the content of {NAME}.*nothing was imported"):
        import_from(fake.store, downloads, tmp_path / "cache")
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []


def test_incomplete_source(fake, tmp_path: Path) -> None:
    downloads = fake.write(tmp_path / "downloads", *list(fake.content)[:3])
    with pytest.raises(UserError, match="lacks t10k-labels-idx1-ubyte; put "):
        import_from(fake.store, downloads, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_empty_source_for_a_complete_cache(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "cache" / "mnist")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty lacks"):
        import_from(fake.store, tmp_path / "empty", tmp_path / "cache")


def test_no_such_source(fake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        import_from(fake.store, tmp_path / "nowhere", tmp_path / "cache")


def test_failing_disk_leaves_nothing_behind(fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.write(tmp_path / "downloads")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="No space left on device"):
        import_from(fake.store, tmp_path / "downloads", tmp_path / "cache")
    assert list((tmp_path / "cache" / "mnist").iterdir()) == []
