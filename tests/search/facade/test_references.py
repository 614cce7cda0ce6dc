from __future__ import annotations

import functools
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from torch import nn

from search.facade.references import find_reference, name_architectures
from spaces import UserError


class Layer(nn.Module):
    """Stands for one of a user."""


def make_network() -> nn.Module:
    return Layer()


def test_what_a_file_defines_is_named_by_it() -> None:
    assert find_reference(Layer) == f"{Path(__file__).absolute()}:Layer"
    assert name_architectures(make_network) == [f"{Path(__file__).absolute()}:make_network"]
    assert name_architectures("conv,dct") == "conv,dct"
    mixed = name_architectures(("conv", Layer, "my_layer.py:MyConv@B+C"))
    assert mixed == ["conv", f"{Path(__file__).absolute()}:Layer", "my_layer.py:MyConv@B+C"]


def in_a_cell(name: str) -> Any:
    """A class or function as a cell of a notebook defines it."""
    cell = ModuleType("__main__")
    exec(compile(f"class {name}:\n    pass\ndef {name.lower()}(): pass", "/tmp/ipykernel_7/1.py", "exec"), vars(cell))
    return cell


@pytest.mark.parametrize("name", ["Cell", "cell"])
def test_what_a_cell_defines_is_refused_with_what_to_do(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    cell = in_a_cell("Cell")
    monkeypatch.setitem(sys.modules, "__main__", cell)
    with pytest.raises(
        UserError, match=rf"begin its cell with %%writefile my_layer.py, then give 'my_layer.py:{name}'$"
    ):
        find_reference(getattr(cell, name))


class Outer:
    class Inner:
        pass


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (Layer(), "give a layer's class"),
        (3, "is not a class or function"),
        (functools.partial(make_network), "is not a class or function"),
        (lambda: None, "define it at the file's top"),
        (Outer.Inner, "define it at the file's top"),
        (int, "defined in no file"),
    ],
)
def test_what_no_other_process_could_find_is_refused(target: Any, words: str) -> None:
    with pytest.raises(UserError, match=words) as error:
        find_reference(target)
    assert "\n" not in str(error.value)


def test_a_comma_in_the_path_separates_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a,b.py").write_text("def network(): pass\n")
    module = ModuleType("theirs")
    exec(compile((tmp_path / "a,b.py").read_text(), str(tmp_path / "a,b.py"), "exec"), vars(module))
    monkeypatch.setitem(sys.modules, "theirs", module)
    module.network.__module__ = "theirs"
    with pytest.raises(UserError, match="has a comma"):
        find_reference(module.network)
