"""The compiled engine: which build of it this machine can run, and its C functions.

``setup.py`` compiles ``engine.cpp`` once for each instruction set, into libraries without any Python in
them, so calls through ctypes release the interpreter's lock. Where there was no compiler there is no
library, and everything else works without it.
"""

from __future__ import annotations

import ctypes
import functools
from ctypes import POINTER, c_char_p, c_double, c_float, c_int, c_int32, c_int64, c_long, c_void_p
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

FOLDER = Path(__file__).parent
ERROR_SIZE = 256
VERSION = "1"
"""Of the engine's arithmetic and of its C functions; a library of another version is not used."""

BUILDS = {"avx512": 3, "avx2": 1, "baseline": 0}
"""Instruction sets, fastest first, and what ``invsearch_supported`` must have of them."""


class Step(ctypes.Structure):
    """A layer of the program; see ``network.hpp``."""

    _fields_ = [(name, c_int32) for name in ("kind", "outputs", "kernel", "images", "shared", "learned")]


class Arrays(ctypes.Structure):
    """The arrays of a layer; see ``layer.hpp``."""

    _fields_ = [(name, c_void_p) for name in ("weight", "weight_momentum", "bias", "bias_momentum", "basis")]


class Sgd(ctypes.Structure):
    """Hyperparameters of stochastic gradient descent."""

    _fields_ = [(name, c_float) for name in ("lr", "momentum", "weight_decay")]


SIGNATURES: dict[str, tuple[object, list[object]]] = {
    "version": (c_int, []),
    "supported": (c_int, []),
    "new": (c_void_p, [c_long, c_long, c_long, POINTER(Step), c_long, c_int, c_char_p]),
    "delete": (None, [c_void_p]),
    "workspace": (c_long, [c_void_p]),
    "train": (
        c_double,
        [c_void_p, POINTER(Arrays), c_void_p, c_void_p, c_void_p, c_long, c_long, POINTER(Sgd), c_char_p],
    ),
    "judge": (c_double, [c_void_p, POINTER(Arrays), c_void_p, c_void_p, c_long, POINTER(c_int64), c_char_p]),
    "gradients": (
        c_double,
        [c_void_p, POINTER(Arrays), c_void_p, c_void_p, c_void_p, c_long, POINTER(c_void_p), c_char_p],
    ),
    "forward": (None, [c_void_p, POINTER(Arrays), c_void_p, c_void_p, c_long, c_void_p, c_int]),
    "backward": (
        None,
        [c_void_p, POINTER(Arrays), c_void_p, c_void_p, c_void_p, c_long, c_void_p, POINTER(c_void_p)],
    ),
}


def build_of(isa: str) -> Path | None:
    """The library for an instruction set, if it was built."""
    candidates = (FOLDER / f"_{isa}{suffix}" for suffix in EXTENSION_SUFFIXES)
    return next((path for path in candidates if path.exists()), None)


@functools.cache
def open_library(isa: str) -> ctypes.CDLL | None:
    """The engine for one instruction set; None if it was not built, cannot be loaded or cannot run here."""
    path = build_of(isa)
    if path is None:
        return None
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, arguments) in SIGNATURES.items():
            function = getattr(library, f"invsearch_{name}")
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError):  # Built for another machine, or by another version.
        return None
    usable = str(library.invsearch_version()) == VERSION and library.invsearch_supported() & BUILDS[isa] == BUILDS[isa]
    return library if usable else None


@functools.cache
def instruction_set() -> str | None:
    """The fastest instruction set that was built and that this machine has; None where there is no engine."""
    return next((isa for isa in BUILDS if open_library(isa) is not None), None)
