import argparse
from pathlib import Path

import pytest

from search.commands import data
from search.datasets import DATASETS, FORMS
from search.datasets.mnist import make_mnist
from spaces.common.errors import UserError


@pytest.fixture
def cache(fake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty data folder; the data set mnist is the fake one."""
    monkeypatch.setenv("INVSEARCH_DATA", str(tmp_path / "cache"))
    monkeypatch.setitem(DATASETS, "mnist", make_mnist(fake.store))
    return tmp_path / "cache"


def command(*words: str) -> int:
    parser = argparse.ArgumentParser()
    for add in data.OPTIONS:
        add(parser)
    return data.run(parser.parse_args(words))


def test_list(fake, cache: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command() == 0
    lines = capsys.readouterr().out.splitlines()
    digits, listed, *others, own = lines[:6]
    assert [line.partition(": ")[0] for line in lines[6:]] == list(FORMS)
    assert own == f"folder-NAME: the folder NAME in {cache}, in CIFAR-10's binary layout"
    assert [line.split()[0] for line in others] == ["cifar10", "cifar100", "tiny-imagenet"]
    assert all(" missing in " in line for line in others)
    assert digits.startswith("digits")
    assert digits.endswith(": embedded")
    assert f"missing in {cache / 'mnist'}: train-images" in listed
    assert DATASETS["mnist"].data_hash in listed
    fake.write(cache)
    command()
    assert capsys.readouterr().out.splitlines()[1].endswith(f": complete in {cache}")
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    command()
    assert "unusable: " in capsys.readouterr().out.splitlines()[1]


def test_fetch(fake, cache: Path, good, capsys: pytest.CaptureFixture[str]) -> None:
    assert command("mnist", "--mirror", good.url) == 0
    out, err = capsys.readouterr()
    assert out == f"mnist is complete in {cache / 'mnist'}; hash {DATASETS['mnist'].data_hash}\n"
    assert err.count("downloading ") == 4
    assert command("mnist") == 0  # Complete: the closed port of the fake's own mirror is not asked.
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("name", ["downloads", "~nobody-of-this-name"])
def test_import(
    fake, cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    fake.write(tmp_path / name)
    monkeypatch.chdir(tmp_path)
    assert command("mnist", "--from", f"./{name}") == 0
    assert str(cache / "mnist") in capsys.readouterr().out


def test_damaged_cache_is_not_called_complete(fake, cache: Path) -> None:
    fake.write(cache)
    (cache / "t10k-labels-idx1-ubyte.gz").write_bytes(b"")
    with pytest.raises(UserError, match=r"t10k-labels-idx1-ubyte\.gz is truncated"):
        command("mnist")


def test_embedded(capsys: pytest.CaptureFixture[str]) -> None:
    assert command("digits") == 0
    assert DATASETS["digits"].data_hash in capsys.readouterr().out
    with pytest.raises(UserError, match="digits is embedded"):
        command("digits", "--from", ".")


def test_misuse(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(UserError, match="did you mean mnist"):
        command("mnits")
    with pytest.raises(UserError, match="need the data set"):
        command("--from", ".")
    with pytest.raises(SystemExit):
        command("mnist", "--from", ".", "--mirror", "http://127.0.0.1/")
    for source in ("", " ", "~nobody-of-this-name/mnist", "https://example.org/mnist"):
        with pytest.raises(SystemExit):
            command("mnist", "--from", source)
    capsys.readouterr()
