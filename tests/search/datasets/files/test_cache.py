from pathlib import Path

import platformdirs
import pytest

from search.datasets.files.cache import find_cache_root
from spaces import UserError


def test_root_is_argument_then_variable_then_user_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "variable"))
    assert find_cache_root(tmp_path / "argument") == tmp_path / "argument"
    assert find_cache_root() == tmp_path / "variable"
    monkeypatch.setenv("INVSEARCH_DATA", "")
    assert find_cache_root() == Path(platformdirs.user_cache_dir("invsearch"))


def test_root_is_absolute_and_home_is_expanded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/somewhere")
    monkeypatch.setenv("INVSEARCH_DATA", "relative")
    assert find_cache_root() == tmp_path / "relative"
    monkeypatch.setenv("INVSEARCH_DATA", "~/data")
    assert find_cache_root() == Path("/somewhere/data")
    monkeypatch.setenv("INVSEARCH_DATA", "./~x")
    assert find_cache_root() == tmp_path / "~x"
    assert find_cache_root(Path("~x")) == tmp_path / "~x"  # As of ./~x is left by Path.
    monkeypatch.setenv("INVSEARCH_DATA", "~nobody-of-this-name/data")
    with pytest.raises(UserError, match=r"INVSEARCH_DATA: .* no home folder ~nobody-of-this-name is known here"):
        find_cache_root()


def test_folder_is_nested_unless_only_the_root_has_files(fake, tmp_path: Path) -> None:
    assert fake.store.find_folder(tmp_path) == tmp_path / "mnist"
    fake.write(tmp_path, "train-labels-idx1-ubyte")
    assert fake.store.find_folder(tmp_path) == tmp_path
    (tmp_path / "mnist").mkdir()
    assert fake.store.find_folder(tmp_path) == tmp_path
    fake.write(tmp_path / "mnist", "t10k-labels-idx1-ubyte")
    assert fake.store.find_folder(tmp_path) == tmp_path / "mnist"


@pytest.mark.parametrize(
    "name",
    [
        "train-images-idx3-ubyte",
        "train-images-idx3-ubyte.gz",
        "train-images.idx3-ubyte",
        "train-images.idx3-ubyte.gz",
    ],
)
def test_spellings(fake, tmp_path: Path, name: str) -> None:
    (tmp_path / name).touch()
    assert fake.store.list_paths(fake.store.files[0], tmp_path) == [tmp_path / name]
    assert fake.store.find_missing(tmp_path) == list(fake.content)[1:]


def test_a_folder_is_not_a_file(fake, tmp_path: Path) -> None:
    (tmp_path / "train-images-idx3-ubyte").mkdir()  # Some archives unpack to that.
    assert fake.store.find_missing(tmp_path) == list(fake.content)
