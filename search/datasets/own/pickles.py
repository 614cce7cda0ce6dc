"""Reading CIFAR's pickles without running what they say: arrays, bytes, strings, numbers, lists and dicts come out.

A pickle is a program. It may name a few of numpy's functions, and gets our own in their place, which only keep what
they are told: no code of numpy is handed a stranger's state.
"""

from __future__ import annotations

import io
import pickle
import pickletools
from collections.abc import Callable
from typing import Any

import numpy as np

TYPES = ("u1", "|u1", "i4", "i8")


class _Dtype:
    """Stands for a ``numpy.dtype``: its name; byte orders other than this machine's are not admitted."""

    def __init__(self, name: Any, align: Any = False, copy: Any = False) -> None:
        self.name = name

    def __setstate__(self, state: Any) -> None:
        if not isinstance(state, tuple) or state[1] not in ("<", "|", "="):
            raise pickle.UnpicklingError("it holds an array of an unusual type")


class _Array:
    """Stands for an array until it has its shape and bytes."""

    def __init__(self, *arguments: Any) -> None:
        self.value = np.empty(0, np.uint8)

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, content = state
        if isinstance(content, str):  # As Python 2 wrote it.
            content = content.encode("latin1")
        sound = isinstance(shape, tuple) and all(type(size) is int and size >= 0 for size in shape)
        if dtype.name not in TYPES or is_fortran or not sound:
            raise pickle.UnpicklingError("it holds an array of an unusual type")
        self.value = np.frombuffer(content, dtype.name).reshape(shape)


class _Bytes(bytes):
    """Stands for ``_codecs.encode``, with which Python 3 writes bytes where Python 2 is to read them."""

    def __new__(cls, text: str, encoding: str) -> _Bytes:
        if encoding != "latin1":
            raise pickle.UnpicklingError(f"it encodes text as {encoding}")
        return super().__new__(cls, text.encode("latin1"))

    def __setstate__(self, state: Any) -> None:
        raise pickle.UnpicklingError("it changes bytes")


ADMITTED: dict[tuple[str, str], Callable[..., Any]] = {
    ("numpy.core.multiarray", "_reconstruct"): _Array,
    ("numpy._core.multiarray", "_reconstruct"): _Array,
    ("numpy", "ndarray"): _Array,
    ("numpy", "dtype"): _Dtype,
    ("_codecs", "encode"): _Bytes,
}


class _Reader(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) not in ADMITTED:
            raise pickle.UnpicklingError(f"it asks for {module}.{name}, which no data need")
        return ADMITTED[module, name]

    def persistent_load(self, pid: Any) -> Any:
        raise pickle.UnpicklingError("it refers to something outside")


def read_pickle(content: bytes) -> dict[str, Any]:
    """The dict in a pickle, with its keys as text.

    Raises:
        pickle.UnpicklingError: anything else is in it; or whatever a damaged one leads to.
    """
    for opcode, argument, _ in pickletools.genops(content):
        if opcode.name.endswith("PUT") and int(argument or 0) > len(content):  # Which would take that much memory.
            raise pickle.UnpicklingError("it counts further than it is long")
    found = _Reader(io.BytesIO(content), encoding="latin1").load()
    if not isinstance(found, dict):
        raise pickle.UnpicklingError(f"it holds a {type(found).__name__}, no dict")
    plain = {key: value.value if isinstance(value, _Array) else value for key, value in found.items()}
    return {key.decode("latin1") if isinstance(key, bytes) else str(key): value for key, value in plain.items()}
