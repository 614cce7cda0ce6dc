from pathlib import Path

import pytest

from models.own import Reference, is_reference, split_kept
from spaces.common.errors import UserError


@pytest.mark.parametrize(
    ("text", "label"),
    [
        ("/a/b.py:Mine", "Mine"),
        ("/a/b.py:Mine@C", "Mine@C"),
        ("/a/b:c.py:Mine@B+C-w16", "Mine@B+C-w16"),
        ("it@D", "it@D"),
    ],
)
def test_a_reference_is_read_and_written(text, label):
    found = Reference.parse(text)
    assert (str(found), found.label) == (text, label)


def test_a_path_becomes_absolute(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/me")
    assert Reference.parse("x/../b.py:Mine").path == tmp_path / "b.py"
    assert Reference.parse("~/b.py:Mine").path == Path("/home/me/b.py")


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("b.py", "names no class"),
        ("b.txt:Mine", "ends in .py"),
        ("a,b.py:Mine", "comma"),
        ("b.py:Outer.Mine", "not the name of a class"),
        ("b.py:", "not the name of a class"),
        ("b.py:Mine@", "none of the places"),
        ("b.py:Mine@I", "none of the places"),
        ("b.py:Mine@C+B", "as @B\\+C"),
        ("b.py:Mine@C+C", "as @C"),
        ("b.py:Mine@C-w0", "none of the places"),
    ],
)
def test_other_texts_are_refused_in_one_line(text, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        Reference.parse(text)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["random.py", "__init__.py", "a.b.py"])
def test_files_that_cannot_be_imported_under_their_name(name):
    with pytest.raises(UserError, match="rename the file"):
        _ = Reference.parse(f"{name}:Mine").main


@pytest.mark.parametrize("name", ["_Mine", "Ä", "M" * 60])
def test_names_that_no_record_takes(name):
    with pytest.raises(UserError, match="rename the class"):
        Reference.parse(f"b.py:{name}").name_with("0" * 64)


def test_what_a_name_is():
    assert is_reference("b.py:Mine")
    assert not is_reference("invB+invC-C-w16")
    assert split_kept("Mine@B+C-w16-1f2e3d4c") == ("Mine@B+C-w16", "1f2e3d4c")
    assert split_kept("conv") is split_kept("scatnetD-w16") is None
