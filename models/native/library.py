"""The compiled engine: which build of it this machine can run, and its C functions.

``setup.py`` compiles ``engine.cpp`` once for each instruction set, into libraries without any Python in
them, so calls through ctypes release the interpreter's lock. Where there was no compiler there is no
library, and everything else works without it.
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_long, c_void_p
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

FOLDER = Path(__file__).parent
ERROR_SIZE = 256
VERSION = "4"
"""Of the engine's arithmetic: to be raised when its numbers change."""

BUILDS = {"avx512": 3, "avx2": 1, "neon": 4, "baseline": 0}
"""Instruction sets, fastest first, and what ``invsearch_supported`` must have of them."""


class Step(ctypes.Structure):
    """A layer of the program; see ``layer.hpp``."""

    _fields_ = [(name, c_int32) for name in ("kind", "outputs", "kernel", "images", "shared", "learned", "form")]


class Arrays(ctypes.Structure):
    """The arrays of a layer, and how long they are; see ``layer.hpp``."""

    _fields_ = [
        *((name, c_void_p) for name in ("weight", "weight_momentum", "bias", "bias_momentum", "basis")),
        *((name, c_int64) for name in ("weights", "biases", "basis_floats")),
    ]


class Sgd(ctypes.Structure):
    """Hyperparameters of stochastic gradient descent."""

    _fields_ = [(name, c_float) for name in ("lr", "momentum", "weight_decay")]


NETWORK = (c_void_p, POINTER(Arrays))

SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "source": (c_char_p, []),
    "supported": (c_int, []),
    "block": (c_int, []),
    "new": (c_void_p, [c_long, c_long, c_long, POINTER(Step), c_long, c_int, c_char_p]),
    "delete": (None, [c_void_p]),
    "workspace": (c_long, [c_void_p]),
    "train": (c_double, [*NETWORK, c_void_p, c_void_p, c_void_p, c_long, c_long, POINTER(Sgd), c_char_p]),
    "judge": (c_double, [*NETWORK, c_void_p, c_void_p, c_void_p, c_long, POINTER(c_int64), c_char_p]),
    "forward": (None, [*NETWORK, c_void_p, c_void_p, c_long, c_void_p, c_int, c_char_p]),
    "backward": (None, [*NETWORK, c_void_p, c_void_p, c_void_p, c_long, c_void_p, POINTER(c_void_p), c_char_p]),
}


def find_build(isa: str) -> Path | None:
    """The library for an instruction set, if it was built."""
    return next((path for suffix in EXTENSION_SUFFIXES if (path := FOLDER / f"_{isa}{suffix}").exists()), None)


def hash_sources() -> str | None:
    """The hash of the C++ sources beside this file, as setup.py makes it; None where there are none."""
    if not (FOLDER / "engine.cpp").exists():
        return None
    paths = [FOLDER / "engine.cpp", *sorted(FOLDER.glob("*.hpp"))]
    return hashlib.sha256(b"".join(path.read_bytes() for path in paths)).hexdigest()[:12]


@functools.cache
def load(isa: str) -> ctypes.CDLL | str:
    """The engine for one instruction set, or why there is none."""
    path = find_build(isa)
    if path is None:
        return "it was not built at the install, most likely for lack of a C++ compiler"
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, f"invsearch_{name}")
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        return f"its library cannot be loaded ({error})"
    if hash_sources() not in (None, library.invsearch_source().decode()):
        return "its C++ sources have changed since it was built"
    if library.invsearch_supported() & BUILDS[isa] != BUILDS[isa]:
        return f"this machine does not have {isa}"
    return library


def open_library(isa: str) -> ctypes.CDLL | None:
    """The engine for one instruction set; None if it was not built, cannot be loaded or cannot run here."""
    found = load(isa) if isa in BUILDS else ""
    return None if isinstance(found, str) else found


def find_instruction_set() -> str | None:
    """The fastest instruction set that was built and that this machine has; None where there is no engine."""
    return next((isa for isa in BUILDS if open_library(isa) is not None), None)


def explain_no_library() -> str:
    """Why there is no engine for any instruction set."""
    built = [isa for isa in BUILDS if find_build(isa) is not None]
    found = load(built[-1] if built else "baseline")
    return found if isinstance(found, str) else ""
