import argparse

import pytest

import models
from models.architecture import Architecture
from models.description import Relu
from search import options
from search.training import engines
from search.training.engines import EngineChoice
from spaces import UserError


@pytest.fixture
def no_compiler(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_instruction_set", lambda: None)
    monkeypatch.setattr(engines, "explain_no_library", lambda: "it was not built")


def test_auto_is_torch_on_a_gpu() -> None:
    assert EngineChoice("auto", "cuda").name_for("conv") == "torch"


@pytest.mark.usefixtures("no_compiler")
def test_auto_is_torch_where_the_native_engine_was_not_built() -> None:
    assert EngineChoice().name_for("conv") == "torch"
    assert EngineChoice().announce().startswith("engine: torch on cpu; not native: it was not built")
    assert "make native" in EngineChoice().announce()


@pytest.mark.usefixtures("no_compiler")
def test_native_where_it_was_not_built_is_refused() -> None:
    choice = EngineChoice("native", "cpu")
    for refuse in (choice.name_for, choice.announce):
        with pytest.raises(UserError, match=r"not built.*--engine torch"):
            refuse("conv")


def test_native_on_a_gpu_is_refused() -> None:
    with pytest.raises(UserError, match="CPUs only"):
        EngineChoice("native", "cuda").name_for("conv")


def test_an_unknown_engine_is_refused() -> None:
    with pytest.raises(UserError, match="engine"):
        EngineChoice("nativ", "cpu").name_for("conv")


def test_native_on_a_gpu_of_a_cluster_is_refused_too() -> None:
    with pytest.raises(UserError, match="CPUs only"):
        EngineChoice("native", "cuda", here=False).announce()


@pytest.mark.usefixtures("no_compiler")
def test_what_a_cluster_has_is_not_known_here() -> None:
    assert "where a node has it" in EngineChoice("auto", "cpu", here=False).announce("conv")


def test_a_network_without_a_native_form_is_trained_by_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    class Own(Relu):
        """A layer of a user's."""

    monkeypatch.setattr(engines, "find_instruction_set", lambda: "baseline")
    monkeypatch.setitem(models.ARCHITECTURES, "own", Architecture("Own", lambda classes, shape: {"own": Own()}))
    assert EngineChoice().name_for("own") == "torch"
    told = EngineChoice().announce("conv", "own")
    assert told == "engine: native (baseline), one core per trial; torch on cpu for own (no native form)"
    with pytest.raises(UserError, match="no native form of own"):
        EngineChoice("native", "cpu").announce("conv", "own")


@pytest.mark.parametrize("name", [name for family in models.FAMILIES.values() for name in family.typical])
def test_the_families_are_trained_by_torch(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engines, "find_instruction_set", lambda: "baseline")
    assert EngineChoice().name_for(name) == "torch"
    with pytest.raises(UserError) as caught:
        EngineChoice("native", "cpu").name_for(name)
    assert str(caught.value) == f"engine native: it has no native form of {name}; or choose --engine torch"


def test_the_option_offers_every_engine() -> None:
    parser = argparse.ArgumentParser()
    options.RESOURCES(parser)  # Written out there, because --help must not import torch.
    for name in ("auto", *engines.ENGINES):
        assert parser.parse_args(["--engine", name]).engine == name


def test_a_cluster_is_known_by_its_device_only() -> None:
    """Which engine a node has is not known here; each row says it."""
    assert EngineChoice(device="cuda", here=False).describe("conv", 1) == "on cuda"


def test_the_number_of_threads_counts_for_torch_only() -> None:
    assert EngineChoice("torch").describe("conv", 2) != EngineChoice("torch").describe("conv", 1)


def test_packs_and_what_is_trained_beside_them_are_announced() -> None:
    alone: dict[str, str] = dict.fromkeys(("ref", "invC", "invB", "invA"), "a pack has no BatchNorm")
    packs = EngineChoice("torch", lanes=8, alone=alone)
    assert packs.announce("conv", "dct") == "engine: packs of up to 8 trials, by torch on cpu"
    assert packs.announce("conv", "ref") == (
        "engine: packs of up to 8 trials, by torch on cpu; each trial alone, by torch on cpu: "
        "ref (a pack has no BatchNorm)"
    )
    assert packs.announce(*alone) == (
        "engine: torch on cpu; no packs: ref (a pack has no BatchNorm), invC (a pack has no BatchNorm), "
        "invB (a pack has no BatchNorm) and 1 more"
    )
    assert (packs.packs("conv"), packs.packs("ref"), EngineChoice().packs("conv")) == (True, False, False)


def test_the_number_of_lanes_is_part_of_what_computes() -> None:
    """Bits of a lane may depend on it, as on the number of threads."""
    engines = [EngineChoice(lanes=lanes).describe("conv", 1) for lanes in (4, 8)]
    assert engines[0] != engines[1]
    assert engines[0].startswith("pack 2 of 4, ")
    assert engines[0].endswith(" on cpu")
    for here in (True, False):  # Also of what is asked of a cluster.
        assert EngineChoice("auto", "cuda", here=here, lanes=4).describe("conv", 1) == "pack 2 of 4 on cuda"
    assert EngineChoice(here=False, lanes=4).describe("conv", 1) == "pack 2 of 4 on cpu"


@pytest.mark.parametrize("engine", ["native", "mixed"])
def test_packs_are_of_one_engine(engine: str) -> None:
    with pytest.raises(UserError, match=f"engine {engine}: a pack is trained by torch in float32"):
        EngineChoice(engine, "cuda", lanes=2)
