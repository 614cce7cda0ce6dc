import os
from pathlib import Path

import pytest

from spaces.common.errors import UserError

NAME = "train-images-idx3-ubyte"


@pytest.mark.parametrize("form", ["{}", "{}.gz"])
@pytest.mark.parametrize("below", ["", "mnist", "MNIST/raw", "mnist/raw", "raw"])
def test_import(fake, tmp_path: Path, form: str, below: str) -> None:
    fake.write(tmp_path / "downloads" / below, form=form)
    folder = fake.store.import_from(tmp_path / "downloads", tmp_path / "cache")
    assert folder == tmp_path / "cache" / "mnist"
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == fake.content


def test_import_replaces_a_damaged_file_of_any_spelling(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "downloads")
    cache = fake.write(tmp_path / "cache" / "mnist")
    (cache / f"{NAME}.gz").write_bytes(b"damaged")
    fake.store.import_from(tmp_path / "downloads", tmp_path / "cache")
    for file in fake.store.files:
        assert fake.store.read_cached(file, cache) == fake.content[file.name]


def test_import_of_what_the_cache_lacks(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "cache" / "mnist", *list(fake.content)[1:])
    fake.write(tmp_path / "downloads", NAME)
    folder = fake.store.import_from(tmp_path / "downloads", tmp_path / "cache")
    assert not fake.store.find_missing(folder)


def test_import_from_the_cache_itself(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "mnist", form="{}")
    assert fake.store.import_from(tmp_path / "mnist", tmp_path) == tmp_path / "mnist"
    assert {path.name: path.read_bytes() for path in (tmp_path / "mnist").iterdir()} == fake.content


def test_one_bad_file_imports_nothing(fake, tmp_path: Path) -> None:
    downloads = fake.write(tmp_path / "downloads")
    last = downloads / "t10k-labels-idx1-ubyte.gz"
    last.write_bytes((downloads / f"{NAME}.gz").read_bytes())
    with pytest.raises(UserError, match=f"{last} holds the content of {NAME}.*nothing was imported"):
        fake.store.import_from(downloads, tmp_path / "cache")
    assert not (tmp_path / "cache" / "mnist").exists()


def test_incomplete_source(fake, tmp_path: Path) -> None:
    downloads = fake.write(tmp_path / "downloads", *list(fake.content)[:3])
    with pytest.raises(UserError, match="lacks t10k-labels-idx1-ubyte; put "):
        fake.store.import_from(downloads, tmp_path / "cache")
    assert not (tmp_path / "cache").exists()


def test_empty_source_for_a_complete_cache(fake, tmp_path: Path) -> None:
    fake.write(tmp_path / "cache" / "mnist")
    (tmp_path / "empty").mkdir()
    with pytest.raises(UserError, match="empty lacks"):
        fake.store.import_from(tmp_path / "empty", tmp_path / "cache")


def test_no_such_source(fake, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no such folder"):
        fake.store.import_from(tmp_path / "nowhere", tmp_path / "cache")


def test_a_link_in_the_cache_is_replaced_and_not_followed(fake, tmp_path: Path) -> None:
    victim = tmp_path / "victim"
    victim.write_bytes(b"precious")
    cache = tmp_path / "cache" / "mnist"
    cache.mkdir(parents=True)
    for name in (NAME, f"{NAME}.gz"):
        (cache / name).symlink_to(victim)
    (cache / "train-labels-idx1-ubyte").symlink_to(tmp_path / "nowhere")
    fake.store.import_from(fake.write(tmp_path / "downloads"), tmp_path / "cache")
    assert victim.read_bytes() == b"precious"
    assert not (tmp_path / "nowhere").exists()
    assert not (cache / NAME).is_symlink()
    assert fake.store.read_cached(fake.store.files[0], cache) == fake.content[NAME]


def test_links_and_other_files_of_a_source_stay_there(fake, tmp_path: Path) -> None:
    downloads = fake.write(tmp_path / "downloads")
    (downloads / "..evil").write_bytes(b"x")
    (downloads / f"{NAME}.gz").rename(tmp_path / "elsewhere")
    (downloads / f"{NAME}.gz").symlink_to(tmp_path / "elsewhere")
    folder = fake.store.import_from(downloads, tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == fake.content
    assert not any(path.is_symlink() for path in folder.iterdir())
    assert [path.name for path in (tmp_path / "cache").iterdir()] == ["mnist"]


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_source_with_a_pipe_or_a_device_lacks_the_file(fake, tmp_path: Path, kind: str) -> None:
    downloads = fake.write(tmp_path / "downloads", *list(fake.content)[1:])
    if kind == "pipe":
        os.mkfifo(downloads / NAME)
    else:
        (downloads / NAME).symlink_to("/dev/zero")
    with pytest.raises(UserError, match=f"lacks {NAME}"):
        fake.store.import_from(downloads, tmp_path / "cache")


def test_failing_disk_leaves_nothing_behind(fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake.write(tmp_path / "downloads")

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", fail)
    with pytest.raises(UserError, match="No space left on device"):
        fake.store.import_from(tmp_path / "downloads", tmp_path / "cache")
    assert not (tmp_path / "cache" / "mnist").exists()


@pytest.mark.parametrize("outer", ["{}", "{dotted}"])
@pytest.mark.parametrize("inner", ["{}", "{dotted}", "{}.gz"])
def test_kaggle_puts_each_file_into_a_folder_of_its_name(fake, tmp_path: Path, outer: str, inner: str) -> None:
    for name in fake.content:
        dotted = name.replace("-idx", ".idx")
        fake.write(tmp_path / outer.format(name, dotted=dotted), name, form=inner.format("{}", dotted=dotted))
    assert fake.store.find_folder(tmp_path) == tmp_path
    assert not fake.store.find_missing(tmp_path)
    folder = fake.store.import_from(tmp_path, tmp_path / "cache")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == fake.content


def test_a_file_is_not_called_missing(fake, tmp_path: Path) -> None:
    (tmp_path / "archive.zip").touch()
    with pytest.raises(UserError, match=r"archive.zip: not a folder; give the one that holds train-images"):
        fake.store.import_from(tmp_path / "archive.zip", tmp_path / "cache")
