"""The kept files of the user's own architectures: written, read with suspicion, restored, told apart when edited."""

from __future__ import annotations

import json
import shutil
from dataclasses import replace
from pathlib import Path

import pytest

from models.own import REGISTERED, Reference, Sources, register
from search.architectures import find_names, list_own
from search.storage import repair, sources
from search.storage.json_files import write_json
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import Hyperparameters, UserError
from spaces.specs.extend import extend
from spaces.specs.run import RunSpec

pytestmark = pytest.mark.usefixtures("registered")

LAYER = """from torch import nn
from helper import KERNEL

class Mine(nn.Conv2d):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, KERNEL, padding=KERNEL // 2)
"""
THETA = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "gain": 1.0}
SPEC = RunSpec(
    dataset="digits",
    data_hash="0",
    batch_size=8,
    seed=0,
    split_seed=0,
    architectures=("conv",),
    thetas={"conv": THETA},
)


@pytest.fixture
def code(tmp_path: Path) -> Path:
    """The user's file, with a helper beside it."""
    folder = tmp_path / "code"
    folder.mkdir()
    (folder / "helper.py").write_text("KERNEL = 3\n")
    (folder / "my_layer.py").write_text(LAYER)
    return folder / "my_layer.py"


@pytest.fixture
def run(tmp_path: Path) -> Path:
    path = tmp_path / "run"
    path.mkdir()
    return path


def make_spec(*references: str) -> RunSpec:
    own = {found.name: found.own for found in (register(Reference.parse(text)) for text in references)}
    return replace(SPEC, architectures=("conv", *own), thetas=dict.fromkeys(("conv", *own), THETA), own=own)


def write_spec(run: Path, spec: RunSpec) -> None:
    write_json(run / "spec.json", spec.as_dict())


def test_what_is_kept_is_found_without_the_users_folder(code: Path, run: Path) -> None:
    spec = make_spec(f"{code}:Mine")
    (name,) = spec.own or {}
    sources.keep(run, spec)
    write_spec(run, spec)
    assert sorted(path.name for path in (run / "sources" / name).iterdir()) == ["helper.py", "my_layer.py"]
    REGISTERED.clear()
    code.write_text("1 / 0")
    assert sources.load_one_kept(run, name)
    assert REGISTERED[name].own == (spec.own or {})[name]
    assert not sources.load_one_kept(run, "Mine-00000000")
    assert not sources.load_one_kept(None, name)


def test_the_bytes_stand_at_the_paths_that_were_hashed(code: Path, run: Path) -> None:
    spec = make_spec(f"{code}:Mine")
    sources.keep(run, spec)
    (name,) = spec.own or {}
    kept = Sources.read(run / "sources" / name, "my_layer.py")
    assert kept.files == {"helper.py": b"KERNEL = 3\n", "my_layer.py": LAYER.encode()}


@pytest.mark.parametrize("damage", ["changed", "lost", "more", "link", "folder"])
def test_damage_is_found_and_mended_from_where_the_file_was(damage: str, code: Path, run: Path) -> None:
    spec = make_spec(f"{code}:Mine")
    (name,) = spec.own or {}
    sources.keep(run, spec)
    write_spec(run, spec)
    folder = run / "sources" / name
    (folder / "notes.txt").write_text("of no account")
    assert repair.inspect(run, deep=True) == []
    if damage == "changed":
        (folder / "helper.py").write_text("KERNEL = 5\n")
    elif damage == "lost":
        (folder / "my_layer.py").unlink()
    elif damage == "more":
        (folder / "other.py").write_text("")
    elif damage == "link":
        (folder / "helper.py").unlink()
        (folder / "helper.py").symlink_to(code.with_name("helper.py"))
    else:
        folder.rename(folder.with_name("elsewhere"))
    REGISTERED.clear()
    with pytest.raises(UserError, match=f"{name}: damaged .*check {run} --repair"):
        sources.load_kept(run, spec.own)
    (found,) = repair.inspect(run, deep=True)
    assert found.path == folder
    said = found.mend()
    if damage == "folder":  # The names of what it imports are lost with it.
        assert "no longer the same" in said
        return
    assert f"restored from {code.parent}" in said
    assert repair.inspect(run, deep=True) == []
    sources.load_kept(run, spec.own)
    assert name in REGISTERED
    assert repair.find_set_asides(run)


def test_a_copy_that_is_not_asked_for_is_not_imported(code: Path, run: Path) -> None:
    spec = replace(make_spec(f"{code}:Mine"), rerun_seeds=1, rerun_epochs=1)
    (name,) = spec.own or {}
    with RunFolder(run).driven(spec):
        costs = json.loads((run / "costs.json").read_text())
        (trial,) = spec.list_rerun_trials("conv", Hyperparameters(**THETA))
        TrialFolder(run, trial).fail("x")  # So that the spec counts.
    REGISTERED.clear()
    asked = replace(spec, architectures=("conv",), thetas={"conv": THETA}, own=None)
    with RunFolder(run).driven(asked) as whole:
        assert whole == spec
        assert name not in REGISTERED
    assert json.loads((run / "costs.json").read_text()) == costs
    assert (costs[name][0]["kind"], costs[name][0]["params"]) == ("own", 63)
    (run / "costs.json").unlink()
    with RunFolder(run).driven(asked):  # Counted again, from the copy.
        assert name in REGISTERED
    assert json.loads((run / "costs.json").read_text()) == costs


def test_what_cannot_be_restored_is_written_again_when_the_file_is_named(code: Path, run: Path) -> None:
    spec = make_spec(f"{code}:Mine")
    (name,) = spec.own or {}
    sources.keep(run, spec)
    (run / "sources" / name / "helper.py").write_text("KERNEL = 5\n")
    sources.keep(run, spec)
    sources.read_kept(run, name, (spec.own or {})[name])


def test_an_edited_file_is_told_with_both_ways_on(code: Path, run: Path, capsys: pytest.CaptureFixture[str]) -> None:
    old = make_spec(f"{code}:Mine")
    (before,) = old.own or {}
    sources.check_edited(run, old, old, False)
    code.write_text(LAYER + "\n")
    asked = make_spec(f"{code}:Mine")
    (now,) = asked.own or {}
    assert now != before
    with pytest.raises(UserError) as caught:
        sources.check_edited(run, old, asked, False)
    assert str(caught.value) == (
        f"{run}: {code}:Mine has changed: it was {before} when the run began with it and is {now} now; go on with the "
        f"kept copy (--architectures conv,{before}), or take the changed one as a further architecture of the run "
        "(--accept-changes)"
    )
    sources.check_edited(run, old, asked, True)
    assert "accepted: " in capsys.readouterr().err
    both = extend(old, asked)
    sources.check_edited(run, both, asked, False)
    code.write_text(LAYER)
    sources.check_edited(run, both, make_spec(f"{code}:Mine"), False)


def test_the_advice_for_several_edited_files_is_all_that_is_needed(code: Path, run: Path) -> None:
    two = code.with_name("two.py")
    two.write_text(LAYER.replace("Mine", "Two"))
    old = make_spec(f"{code}:Mine", f"{code}:Mine@C", f"{two}:Two")
    sources.keep(run, old)
    write_spec(run, old)
    before = list(old.own or {})
    for path in (code, two):
        path.write_text(path.read_text() + "\n")
    new = code.with_name("new.py")
    new.write_text(LAYER)
    asked = make_spec(f"{code}:Mine", f"{code}:Mine@C", f"{two}:Two", f"{new}:Mine")
    with pytest.raises(UserError) as caught:
        sources.check_edited(run, old, asked, False)
    said = str(caught.value)
    assert said.count("has changed") == 3
    advice = said.partition("the kept copies (--architectures ")[2].partition(")")[0].split(",")
    assert advice == ["conv", *before, f"{new}:Mine"]
    REGISTERED.clear()
    names = find_names(advice, run)
    assert names[:4] == ("conv", *before)
    sources.check_edited(
        run, old, replace(old, architectures=names, thetas=dict.fromkeys(names, THETA), own=list_own(names)), False
    )


def test_a_copy_that_is_edited_where_it_was_moved_to_has_changed(code: Path, run: Path) -> None:
    old = make_spec(f"{code}:Mine")
    other = code.parent.with_name("other")
    shutil.copytree(code.parent, other)
    moved = other / code.name
    again = make_spec(f"{moved}:Mine")  # In the same process.
    assert [(name, one.reference) for name, one in (again.own or {}).items()] == [(*(old.own or {}), f"{moved}:Mine")]
    moved.write_text(LAYER + "\n")
    asked = make_spec(f"{moved}:Mine")
    with pytest.raises(UserError, match=f"{moved}:Mine has changed"):
        sources.check_edited(run, extend(old, again), asked, False)
    sources.check_edited(run, old, asked, False)  # Both are there: two files with one name.
    code.unlink()
    with pytest.raises(UserError, match=f"{moved}:Mine has changed"):
        sources.check_edited(run, old, asked, False)
