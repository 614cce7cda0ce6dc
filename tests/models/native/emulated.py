"""The engine of another processor under an emulator, for the tests of the engine: a plugin of pytest.

    EMULATED="neon qemu-aarch64-static build/remote" python -m pytest -p tests.models.native.emulated FILES

Whoever opens the library of that instruction set gets an object with the same functions, each of which copies its
arrays to the emulated program (remote.cpp) and back. There is no other library.
"""

from __future__ import annotations

import ctypes
import os
import struct
import subprocess
from collections.abc import Sequence
from typing import Any

import numpy as np

from models.native import library

FUNCTIONS = ("supported", "block", "new", "delete", "workspace", "outputs", "train", "judge", "forward", "backward")
NUMBERS = ("train", "judge")  # Their result is a double.
ARGUMENTS, LINE, FLOAT, WORD = 10, 64, 4, 8


class Array(tuple[int, int]):
    """An array of the caller: its address and how many bytes it has."""

    @classmethod
    def of(cls, thing: Any) -> Array:
        """That of a ctypes object."""
        return cls((ctypes.addressof(thing), ctypes.sizeof(thing)))


class Memory:
    """The arrays of one call, each at a multiple of 64 bytes, and the pointers among them."""

    def __init__(self) -> None:
        self.content = bytearray()
        self.pointers: list[int] = []  # The place of one, and the place it points at.
        self._arrays: list[tuple[int, Array]] = []

    def _append(self, content: bytes) -> int:
        place = len(self.content)
        self.content += content + bytes(-len(content) % LINE)
        return place

    def add(self, array: Array) -> int:
        """Copies an array in, and says its place."""
        place = self._append(ctypes.string_at(*array))
        self._arrays.append((place, array))
        return place

    def add_words(self, words: Sequence[int | Array]) -> int:
        """Copies words in, and the arrays that are to be pointers among them; the place of the first word."""
        places = {i: self.add(word) for i, word in enumerate(words) if isinstance(word, Array)}
        plain = [0 if isinstance(word, Array) else word for word in words]
        start = self._append(struct.pack(f"{len(words)}q", *plain))
        for i, place in places.items():
            self.pointers += [start + WORD * i, place]
        return start

    def copy_back(self, content: bytes) -> None:
        """What the call left, to where the arrays came from."""
        for place, (address, size) in self._arrays:
            ctypes.memmove(address, content[place : place + size], size)


class EmulatedLibrary:
    """What ``library.load`` gives, but in another process."""

    def __init__(self, command: Sequence[str]) -> None:
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._images: dict[int, int] = {}  # Bytes of one, by network.
        self._block: int = self._call("block")

    def close(self) -> None:
        """Ends the emulator."""
        self._process.communicate()

    def _read(self, count: int) -> bytes:
        assert self._process.stdout is not None
        found = self._process.stdout.read(count)
        if len(found) < count:
            raise RuntimeError(f"the emulated engine ended with {self._process.wait()}")
        return found

    def _call(self, name: str, *arguments: int | Array | list[int | Array]) -> Any:
        """Calls a function; lists are tables of words."""
        memory = Memory()
        values, places = [0] * ARGUMENTS, [0] * ARGUMENTS
        for i, given in enumerate(arguments):
            if isinstance(given, int):
                values[i] = given
            else:
                places[i], values[i] = 1, memory.add(given) if isinstance(given, Array) else memory.add_words(given)
        header = (FUNCTIONS.index(name), len(memory.content), len(memory.pointers) // 2, *values, *places)
        assert self._process.stdin is not None
        self._process.stdin.write(struct.pack(f"{len(header)}q", *header) + memory.content)
        self._process.stdin.write(struct.pack(f"{len(memory.pointers)}q", *memory.pointers))
        self._process.stdin.flush()
        (result,) = struct.unpack("d" if name in NUMBERS else "q", self._read(WORD))
        memory.copy_back(self._read(len(memory.content)))
        return result

    @staticmethod
    def _list_words(arrays: Any) -> list[int | Array]:
        """The table of a network's arrays."""
        words: list[int | Array] = []
        for row in arrays:
            sizes = (row.weights, row.weights, row.biases, row.biases, row.basis_floats)
            pointers = (row.weight, row.weight_momentum, row.bias, row.bias_momentum, row.basis)
            words += [Array((at, FLOAT * size)) if at else 0 for at, size in zip(pointers, sizes, strict=True)]
            words += [row.weights, row.biases, row.basis_floats]
        return words

    def _list_images(self, network: Any, images: int, labels: int, chosen: int, count: int) -> list[Array]:
        """The images and labels that may be chosen, and which are."""
        last = int(np.ctypeslib.as_array((ctypes.c_int64 * count).from_address(chosen)).max(initial=-1)) + 1
        sizes = (last * self._images[network.value], last * WORD, count * WORD)
        return [Array(pair) for pair in zip((images, labels, chosen), sizes, strict=True)]

    def invsearch_block(self) -> int:
        return self._block

    def invsearch_supported(self) -> int:
        return self._call("supported")

    def invsearch_new(self, c: int, h: int, w: int, steps: Any, count: int, input_gradient: int, error: Any) -> int:
        network = self._call("new", c, h, w, Array.of(steps), count, int(input_gradient), Array.of(error))
        self._images[network] = c * h * w * FLOAT
        return network

    def invsearch_delete(self, network: Any) -> None:
        self._call("delete", network.value or 0)

    def invsearch_workspace(self, network: Any) -> int:
        return self._call("workspace", network.value or 0)

    def invsearch_train(self, network: Any, arrays: Any, *arguments: Any) -> float:
        images, labels, order, count, batch, sgd, error = arguments
        given = self._list_images(network, images, labels, order, count)
        table = self._list_words(arrays)
        return self._call("train", network.value, table, *given, count, batch, Array.of(sgd), Array.of(error))

    def invsearch_judge(self, network: Any, arrays: Any, *arguments: Any) -> float:
        images, labels, chosen, count, correct, error = arguments
        given = self._list_images(network, images, labels, chosen, count)
        table = self._list_words(arrays)
        return self._call("judge", network.value, table, *given, count, Array.of(correct), Array.of(error))

    def _list_blocks(self, network: Any, x: int, y: int, blocks: int, space: int, kept: int) -> list[Array]:
        """Inputs, outputs and workspaces."""
        floats = self._block * self._images[network.value]
        outputs = blocks * self._call("outputs", network.value) * FLOAT
        sizes = (blocks * floats, outputs, kept * self.invsearch_workspace(network) * FLOAT)
        return [Array(pair) for pair in zip((x, y, space), sizes, strict=True)]

    def invsearch_forward(
        self, network: Any, arrays: Any, x: int, y: int, blocks: int, space: int, keep: int, error: Any
    ) -> None:
        inputs, outputs, spaces = self._list_blocks(network, x, y, blocks, space, blocks if keep else 1)
        table = self._list_words(arrays)
        self._call("forward", network.value, table, inputs, outputs, blocks, spaces, int(keep), Array.of(error))

    def invsearch_backward(
        self, network: Any, arrays: Any, x: int, dy: int, dx: int | None, blocks: int, space: int, to: Any, error: Any
    ) -> None:
        inputs, outputs, spaces = self._list_blocks(network, x, dy, blocks, space, blocks)
        sizes = [size for row in arrays if row.biases for size in (row.weights, row.biases)]
        gradients: list[int | Array] = [Array((at, FLOAT * size)) for at, size in zip(to, sizes, strict=True)]
        given = Array((dx, inputs[1])) if dx else 0
        table = self._list_words(arrays)
        self._call("backward", network.value, table, inputs, outputs, given, blocks, spaces, gradients, Array.of(error))


ISA, *COMMAND = os.environ["EMULATED"].split()
EMULATED = EmulatedLibrary(COMMAND)
library.load = lambda isa: EMULATED if isa == ISA else f"only {ISA} is emulated"  # pyright: ignore[reportAttributeAccessIssue]


def pytest_unconfigure() -> None:
    EMULATED.close()
