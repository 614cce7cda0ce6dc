"""What does the arithmetic of a training: ``ENGINES`` lists who can."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import torch

import models
from models.native import VERSION, explain_no_library, find_instruction_set, has_native_program
from models.own import split_kept
from search.training.engines.base import Engine, Problem
from search.training.engines.native_engine import NativeEngine
from search.training.engines.pack_engine import VERSION as PACK_VERSION
from search.training.engines.torch_engine import MixedEngine, TorchEngine, choose_half_type
from spaces import UserError
from spaces.common.lookup import choose

NAMED = 3  # Of the architectures that are trained alone.
ENGINES: dict[str, type[Engine]] = {"native": NativeEngine, "torch": TorchEngine, "mixed": MixedEngine}


@dataclass(frozen=True)
class EngineChoice:
    """Which engine trains: ``auto`` is native wherever it can, else torch; on a GPU and with augmentation, mixed.

    Attributes:
        asked: ``auto``, or a name of ``ENGINES``.
        device: ``cpu`` or ``cuda``.
        augments: whether the data set has a recipe that crops or flips images.
        here: whether this machine trains; the nodes of a cluster may have another build, or none.
        lanes: the most trials of a pack, 1 for none.
        alone: architectures whose trials are no lanes of a pack, and why.

    Raises:
        UserError: an unknown engine, or one that cannot work there.
    """

    asked: str = "auto"
    device: str = "cpu"
    augments: bool = False
    here: bool = True
    lanes: int = 1
    alone: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        choose("engine", self.asked, {"auto": None, **ENGINES})
        if self.asked == "mixed" and self.device == "cpu":
            raise UserError("engine mixed: it runs on GPUs only; give --gpus-per-trial, or choose --engine torch")
        if self.lanes > 1 and self.asked in ("native", "mixed"):
            raise UserError(
                f"engine {self.asked}: a pack is trained by torch in float32; choose --engine torch or auto, or leave "
                "--pack out"
            )

    def packs(self, architecture: str) -> bool:
        """Whether the trials of an architecture are lanes of packs."""
        return self.lanes > 1 and architecture not in self.alone

    def explain_not_native(self, architectures: Iterable[str] = ()) -> str | None:
        """Why the native engine cannot train these architectures; None if it can."""
        if self.device != "cpu":
            return f"it runs on CPUs only, not on {self.device}"
        if self.augments:
            return "it neither crops nor flips images, as the data set's recipe asks"
        if self.here and find_instruction_set() is None:
            return f"{explain_no_library()}; with g++ installed, make native builds it"
        without = [  # The size of the images does not change which parts an architecture has.
            name
            for name in architectures
            if split_kept(name)  # The user's own, known in this process or not.
            or not has_native_program(models.describe_architecture(name, models.find_architecture(name).example))
        ]
        return f"it has no native form of {', '.join(without)}" if without else None

    def name_for(self, *architectures: str) -> str:
        """The name of the engine, torch where only some of the architectures have a native form.

        Raises:
            UserError: the native engine was asked for and cannot train them.
        """
        if self.asked in ("torch", "mixed"):
            return self.asked
        if self.asked == "auto" and self.augments and self.device != "cpu":
            return "mixed"
        reason = self.explain_not_native(architectures)
        if reason and self.asked == "native":
            raise UserError(f"engine native: {reason}; or choose --engine torch")
        return "torch" if reason else "native"

    def list_makers(self, architectures: Iterable[str]) -> dict[str, str]:
        """The engine that the rows of each architecture will name; none where a cluster's nodes decide that."""
        if not self.here and self.asked == "auto":
            return {}
        return {name: "pack" if self.packs(name) else self.name_for(name) for name in architectures}

    def announce(self, *architectures: str) -> str:
        """A line about the engine that will train these architectures; raises what ``name_for`` raises."""
        alone = [name for name in architectures if not self.packs(name)]
        if len(alone) == len(architectures):
            what = f"engine: {'; '.join(self._list_engines(*architectures))}"
            return f"{what}; no packs: {self._explain_alone(alone)}" if alone and self.lanes > 1 else what
        what = f"engine: packs of up to {self.lanes} trials, by torch on {self.device}"
        if not alone:
            return what
        by = ", or by ".join(self._list_engines(*alone))
        return f"{what}; each trial alone, by {by}: {self._explain_alone(alone)}"

    def _explain_alone(self, names: list[str]) -> str:
        told = [f"{name} ({self.alone[name]})" for name in names[:NAMED]]
        return ", ".join(told) + f" and {len(names) - NAMED} more" * (len(names) > NAMED)

    def _list_engines(self, *architectures: str) -> list[str]:
        """What trains these architectures outside packs, in words: one engine, or native and then torch."""
        name = self.name_for(*architectures)
        if name == "mixed":
            return [f"torch on {self.device}, in mixed precision (--engine torch for float32)"]
        if name == "native":
            where = find_instruction_set() if self.here else "where a node has it"
            return [f"native ({where}), one core per trial"]
        if self.asked == "torch":
            return [f"torch on {self.device}"]
        if native := [name for name in architectures if self.name_for(name) == "native"]:
            others = ", ".join(name for name in architectures if name not in native)
            return [*self._list_engines(*native), f"torch on {self.device} for {others} (no native form)"]
        return [f"torch on {self.device}; not native: {self.explain_not_native(architectures)}"]

    def describe(self, architecture: str, threads: int) -> str:
        """What the environment says of an architecture's engine; a cluster's nodes decide all but device and pack."""
        if self.packs(architecture):
            known = self.here and self.device == "cpu"
            cpu = f", {torch.backends.cpu.get_cpu_capability().lower()}, threads: {threads}" * known
            return f"pack {PACK_VERSION} of {self.lanes}{cpu} on {self.device}"
        if not self.here:
            return f"on {self.device}"
        name = self.name_for(architecture)
        if name == "native":
            return f"native {VERSION} {find_instruction_set()} on cpu"
        if name == "mixed":
            half = str(choose_half_type(torch.device(self.device))).removeprefix("torch.")
            return f"torch, {half} on {self.device}"
        if self.device == "cpu":
            return f"torch {torch.backends.cpu.get_cpu_capability().lower()}, threads: {threads} on cpu"
        return f"torch on {self.device}"


__all__ = ["ENGINES", "Engine", "EngineChoice", "Problem"]
