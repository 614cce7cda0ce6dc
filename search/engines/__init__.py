"""What does the arithmetic of a training: each engine its own file, ``ENGINES`` lists them."""

from __future__ import annotations

import models
from models.native import has_native_program, instruction_set
from search.engines.base import Engine, Problem
from search.engines.native_engine import NativeEngine
from search.engines.torch_engine import TorchEngine
from spaces import UserError
from spaces.choose import choose

ENGINES: dict[str, type[Engine]] = {"native": NativeEngine, "torch": TorchEngine}

NOT_BUILT = "it was not built, because there was no C++ compiler at the install; install g++, then: pip install ."


def why_not_native(device: str, architectures: tuple[str, ...] = ()) -> str | None:
    """Why the native engine cannot train these architectures there; None if it can."""
    if device != "cpu":
        return f"it runs on CPUs only, not on {device}"
    if instruction_set() is None:
        return NOT_BUILT
    without = [name for name in architectures if not has_native_program(models.ARCHITECTURES[name].describe(10))]
    return f"it has no native form of {', '.join(without)}" if without else None


def resolve(engine: str, device: str, architecture: str) -> str:
    """The engine to use: ``auto`` is native wherever it can, else torch.

    Raises:
        UserError: an unknown engine, or the native one where it cannot work.
    """
    choose("engine", engine, {"auto": None, **ENGINES})
    if engine == "torch":
        return engine
    reason = why_not_native(device, (architecture,))
    if reason and engine == "native":
        raise UserError(f"engine native: {reason}; or choose --engine torch")
    return "torch" if reason else "native"


def announce(engine: str, device: str) -> str:
    """A line about the engine that trials on this machine will use.

    Raises:
        UserError: it cannot work here.
    """
    if engine == "torch":
        return f"engine: torch on {device}"
    reason = why_not_native(device)
    if reason is None:
        return f"engine: native ({instruction_set()}), one core a trial"
    if engine == "native":
        raise UserError(f"engine native: {reason}; or choose --engine torch")
    return f"engine: torch on {device}; not native: {reason}"


__all__ = ["ENGINES", "NOT_BUILT", "Engine", "Problem", "announce", "resolve", "why_not_native"]
