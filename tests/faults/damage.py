"""Damage to a file, as a bad disk, a torn write or a careless hand would do it."""

from __future__ import annotations

import random
from pathlib import Path


def garble(path: Path, chooser: random.Random) -> None:
    """Flips bits of one byte somewhere in a file."""
    content = bytearray(path.read_bytes())
    content[chooser.randrange(len(content))] ^= chooser.randint(1, 255)
    path.write_bytes(content)


def truncate(path: Path, chooser: random.Random) -> None:
    """Cuts a file off, so that at least two bytes are missing; nothing may be left of it."""
    content = path.read_bytes()
    path.write_bytes(content[: chooser.randrange(len(content) - 1)])


def garble_line(path: Path, chooser: random.Random) -> None:
    """Flips bits of one byte of a line of the first half; the lines stay as many as they were."""
    lines = path.read_bytes().splitlines(keepends=True)
    index = chooser.randrange(len(lines) // 2)
    line = bytearray(lines[index])
    line[chooser.randrange(len(line) - 1)] ^= 0x80
    lines[index] = bytes(line)
    path.write_bytes(b"".join(lines))


def tear(path: Path, chooser: random.Random) -> None:
    """Cuts the last line of a file short."""
    lines = path.read_bytes().splitlines(keepends=True)
    lines[-1] = lines[-1][: chooser.randrange(1, len(lines[-1]) - 1)]
    path.write_bytes(b"".join(lines))
