"""How data of one's own are named."""

from __future__ import annotations

from pathlib import Path

import pytest

from search.datasets import DATASETS
from search.datasets.own import add_options, parse_reference
from search.datasets.own.reference import KINDS
from spaces.common import fields
from spaces.common.errors import UserError


def test_a_path_is_made_absolute_and_a_home_is_found(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert str(parse_reference("mine.npz")) == f"npz:{tmp_path}/mine.npz"
    assert str(parse_reference("images:~/a:b,c")) == "images:/home/me/a:b,c"
    assert parse_reference("digits") is None
    assert parse_reference("folder-mine") is None
    with pytest.raises(UserError, match=r"no such home folder"):
        parse_reference("idx:~nobody-of-this-name/x")


def test_what_a_run_keeps_is_read_back() -> None:
    for text in (
        "npz:/a/b.npz",
        "images,resize=8x9,test-fraction=0.25,split-seed=3:/p q",
        "idx,subset=emnist-letters:/e",
    ):
        assert str(parse_reference(text)) == text
        assert str(parse_reference(str(parse_reference(text)))) == text


def test_options_beside_a_reference_become_a_part_of_it() -> None:
    given = {"resize": "16", "test_fraction": 0.2}
    assert add_options("images:/p", 7, **given) == "images,resize=16x16,test-fraction=0.2,split-seed=7:/p"
    assert add_options("images:/p", 7, resize=None) == "images:/p"
    assert add_options("digits", 7, resize=None) == "digits"
    with pytest.raises(UserError, match=r"resize: only images:FOLDER takes it; leave it out for 'digits'"):
        add_options("digits", 7, resize="3")
    with pytest.raises(UserError, match=r"test-fraction: idx data take subset; leave it out"):
        add_options("idx:/p", 7, test_fraction="0.5")
    with pytest.raises(UserError, match=r"option 'resize' is given twice"):
        add_options("images,resize=3:/p", 7, resize="3")


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("images,size=3:/p", "option 'size' is unknown; there are resize, test-fraction"),
        ("images,resize=0:/p", "give N or HxW"),
        ("images,resize=3x:/p", "give N or HxW"),
        ("images,resize=99999:/p", "give N or HxW"),
        ("images,test-fraction=1:/p", "give a number between 0 and 1"),
        ("images,test-fraction=nan:/p", "give a number between 0 and 1"),
        ("images,test-fraction=half:/p", "is not a number"),
        ("images,split-seed=-1:/p", "give a whole number"),
        ("images,split-seed=1:/p", "belong together"),
        ("npz,resize=3:/p.npz", "npz data take no option"),
        ("images:", "names no path"),
    ],
)
def test_what_is_refused(text: str, words: str) -> None:
    with pytest.raises(UserError, match=words):
        parse_reference(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("/a/mine.npz", "npz-mine"),
        ("/a/My data (2).NPZ", "npz-My-data-2"),
        ("idx:/t/FashionMNIST/raw", "idx-FashionMNIST"),
        ("idx,subset=letters:/t/EMNIST/raw", "idx-EMNIST-letters"),
        ("images:/", "images-data"),
        ("images:/Bücher", "images-B-cher"),
        (f"images:/{'long' * 50}", f"images-{'long' * 13}l"),
    ],
)
def test_names(text: str, name: str) -> None:
    reference = parse_reference(text)
    assert reference is not None
    assert reference.name == name
    fields.NAME.check("dataset", name)


def test_no_built_in_name_is_one_of_these() -> None:
    assert not [name for name in DATASETS if name.startswith(("data-", *(f"{kind}-" for kind in KINDS)))]
