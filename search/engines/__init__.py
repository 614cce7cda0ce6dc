"""What does the arithmetic of a training: each engine its own file, ``ENGINES`` lists them."""

from __future__ import annotations

from collections.abc import Sequence

import models
from models.description import Description
from models.native import has_native_program, instruction_set, why_none
from search.engines.base import Engine, Problem
from search.engines.native_engine import NativeEngine
from search.engines.torch_engine import TorchEngine
from spaces import UserError
from spaces.choose import choose

ENGINES: dict[str, type[Engine]] = {"native": NativeEngine, "torch": TorchEngine}


def why_not_native(device: str, architectures: Sequence[str] = (), *, here: bool = True) -> str | None:
    """Why the native engine cannot train these architectures there; None if it can.

    Args:
        device: ``cpu`` or ``cuda``.
        architectures: names.
        here: whether this is the machine that trains.
    """
    if device != "cpu":
        return f"it runs on CPUs only, not on {device}"
    if here and instruction_set() is None:
        return f"{why_none()}; with g++ installed, make native builds it"
    without = [name for name in architectures if not has_native_program(_description(name))]
    return f"it has no native form of {', '.join(without)}" if without else None


def _description(name: str) -> Description:
    """What an architecture is made of, which the size of the images does not change."""
    return models.description_of(name, models.architecture_named(name).example)


def _reason_for_torch(engine: str, device: str, architectures: Sequence[str], here: bool = True) -> str | None:
    """Why an engine that was asked for comes down to torch; None if it does not, or if torch was asked for.

    Raises:
        UserError: the native engine was asked for and cannot work there.
    """
    reason = None if engine == "torch" else why_not_native(device, architectures, here=here)
    if reason and engine == "native":
        raise UserError(f"engine native: {reason}; or choose --engine torch")
    return reason


def resolve(engine: str, device: str, architecture: str) -> str:
    """The engine to use: ``auto`` is native wherever it can, else torch.

    Raises:
        UserError: an unknown engine, or the native one where it cannot work.
    """
    choose("engine", engine, {"auto": None, **ENGINES})
    return "torch" if _reason_for_torch(engine, device, (architecture,)) or engine == "torch" else "native"


def announce(engine: str, device: str, architectures: Sequence[str] = (), *, here: bool = True) -> str:
    """A line about the engine that trials will use.

    Args:
        engine: what was asked for.
        device: ``cpu`` or ``cuda``.
        architectures: names, where they are known.
        here: whether trials are trained on this machine.

    Raises:
        UserError: that engine cannot work there.
    """
    reason = _reason_for_torch(engine, device, architectures, here)
    if engine == "torch":
        return f"engine: torch on {device}"
    if reason:
        some = len(architectures) > 1 and why_not_native(device, here=here) is None
        return f"engine: torch on {device}{' for some' if some else ''}; not native: {reason}"
    return f"engine: native ({instruction_set() if here else 'where a node has it'}), one core a trial"


__all__ = ["ENGINES", "Engine", "Problem", "announce", "resolve", "why_not_native"]
