import argparse

import pytest

import models
from models.architecture import Architecture
from models.description import Relu
from search.commands import options
from search.training import engines
from spaces import UserError


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "instruction_set", lambda: None)
    monkeypatch.setattr(engines, "why_none", lambda: "it was not built")


def test_auto_is_torch_on_a_gpu() -> None:
    assert engines.resolve("auto", "cuda", "conv") == "torch"


@pytest.mark.usefixtures("no_compiler")
def test_auto_is_torch_where_the_native_engine_was_not_built() -> None:
    assert engines.resolve("auto", "cpu", "conv") == "torch"
    assert engines.announce("auto", "cpu").startswith("engine: torch on cpu; not native: it was not built")
    assert "make native" in engines.announce("auto", "cpu")


@pytest.mark.usefixtures("no_compiler")
def test_native_where_it_was_not_built_is_refused() -> None:
    for refuse in (lambda: engines.resolve("native", "cpu", "conv"), lambda: engines.announce("native", "cpu")):
        with pytest.raises(UserError, match=r"not built.*--engine torch"):
            refuse()


def test_native_on_a_gpu_is_refused() -> None:
    with pytest.raises(UserError, match="CPUs only"):
        engines.resolve("native", "cuda", "conv")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="engine"):
        engines.resolve("nativ", "cpu", "conv")


def test_native_on_a_gpu_of_a_cluster_is_refused_too() -> None:
    with pytest.raises(UserError, match="CPUs only"):
        engines.announce("native", "cuda", here=False)


@pytest.mark.usefixtures("no_compiler")
def test_what_a_cluster_has_is_not_known_here() -> None:
    assert "where a node has it" in engines.announce("auto", "cpu", ("conv",), here=False)


def test_a_network_without_a_native_form_is_trained_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Relu):
        """A layer of a user's."""

    monkeypatch.setattr(engines, "instruction_set", lambda: "baseline")
    monkeypatch.setitem(models.ARCHITECTURES, "own", Architecture("Own", lambda classes, shape: {"own": Own()}))
    assert engines.resolve("auto", "cpu", "own") == "torch"
    assert "torch on cpu for some; not native: it has no native form of own" in engines.announce(
        "auto", "cpu", ("conv", "own")
    )
    with pytest.raises(UserError, match="no native form of own"):
        engines.announce("native", "cpu", ("conv", "own"))


@pytest.mark.parametrize("name", [name for family in models.FAMILIES.values() for name in family.typical])
def test_the_families_are_trained_by_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "instruction_set", lambda: "baseline")
    assert engines.resolve("auto", "cpu", name) == "torch"
    with pytest.raises(UserError) as caught:
        engines.resolve("native", "cpu", name)
    assert str(caught.value) == f"engine native: it has no native form of {name}; or choose --engine torch"


def test_the_option_offers_every_engine() -> None:
    parser = argparse.ArgumentParser()
    options.add_resource_options(parser)  # Written out there, because --help must not import torch.
    for name in ("auto", *engines.ENGINES):
        assert parser.parse_args(["--engine", name]).engine == name
