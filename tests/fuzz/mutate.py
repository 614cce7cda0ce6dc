"""Damage to bytes and to plain data, as bad luck or ill will would do it; decided by a random generator alone."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from typing import Any

TOKENS = (
    *(b"\0", b"\xff", b"\xff" * 8, b"\x80" + bytes(7), b"\n", b"\r", b"\t", b"\xef\xbb\xbf", b"\xed\xa0\x80", b"%s"),
    *(
        b"1e9",
        b"0,6146",
        b"abc",
        b"-1",
        b"1e400",
        b"nan",
        b"-0.0",
        b"1" * 400,
        b"9" * 20,
        b"7" * 11,
        b"0x10",
        b"\xd9\xa1",
    ),
    *(
        b"null",
        b"true",
        b"{}",
        b"[]",
        b"[" * 300,
        b'"',
        b"'",
        b": ",
        b"- ",
        b"#",
        b"&a",
        b"*a",
        b"!!python/name:os.system",
    ),
    *(b"../../x", b"\x1b[31mred", b"PK\x01\x02", b"PK\x05\x06", b"\x1f\x8b\x08", b"ustar", b"\xff\xd8\xff\xe1"),
)
HUGE = 10**400
ODD: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        0,
        -1,
        1,
        2,
        2**31,
        2**63,
        -(2**63),
        HUGE,
        0.5,
        -0.0,
        1e308,
        1e-320,
        float("nan"),
        float("inf"),
    ),
    *(
        "",
        " ",
        "1",
        "nan",
        "x" * 300,
        "a\nb",
        "\x1b[31mred",
        "\ud800",
        "../../x",
        "=1+1",
        "ÄÖ漢",
        "2026-01-01",
        "completed",
    ),
    *([], {}, [[]], {"a": 1}, [None], [1, "a"], {"": {}}),
)


def mutated(body: bytes, chooser: random.Random, tokens: Sequence[bytes] = TOKENS, most: int = 4) -> bytes:
    """The bytes after one to ``most`` edits."""
    content = bytearray(body)
    for _ in range(chooser.randint(1, most)):
        start = chooser.randint(0, len(content))
        length = chooser.choice((1, 1, 4, 16, 512, len(content)))
        chooser.choice(_EDITS)(content, start, min(length, len(content) - start), chooser, tokens)
    return bytes(content)


Edit = Callable[[bytearray, int, int, random.Random, Sequence[bytes]], None]


def _flip(content: bytearray, start: int, _: int, chooser: random.Random, __: Sequence[bytes]) -> None:
    if start < len(content):
        content[start] ^= chooser.randint(1, 255)


def _overwrite(content: bytearray, start: int, _: int, chooser: random.Random, tokens: Sequence[bytes]) -> None:
    token = chooser.choice(tokens)
    content[start : start + len(token)] = token


def _insert(content: bytearray, start: int, _: int, chooser: random.Random, tokens: Sequence[bytes]) -> None:
    content[start:start] = chooser.choice(tokens)


def _remove(content: bytearray, start: int, length: int, _: random.Random, __: Sequence[bytes]) -> None:
    del content[start : start + length]


def _repeat(content: bytearray, start: int, length: int, chooser: random.Random, _: Sequence[bytes]) -> None:
    content[start:start] = content[start : start + length] * chooser.choice((1, 1, 3, 50))


def _move(content: bytearray, start: int, length: int, chooser: random.Random, _: Sequence[bytes]) -> None:
    piece = content[start : start + length]
    del content[start : start + length]
    place = chooser.randint(0, len(content))
    content[place:place] = piece


def _cut(content: bytearray, start: int, _: int, __: random.Random, ___: Sequence[bytes]) -> None:
    del content[start:]


_EDITS: tuple[Edit, ...] = (_flip, _flip, _overwrite, _overwrite, _insert, _remove, _repeat, _move, _cut)


def altered(data: Any, chooser: random.Random) -> Any:
    """Plain data in which one value is another, missing, there twice, or under another name."""
    if isinstance(data, dict) and data and chooser.random() < 0.9:
        key = chooser.choice(list(data))
        deed = chooser.random()
        if deed < 0.08:
            return {name: value for name, value in data.items() if name != key}
        if deed < 0.12:
            return {**data, f"{key}2": data[key]}
        return {**data, key: altered(data[key], chooser)}
    if isinstance(data, list) and data and chooser.random() < 0.9:
        place = chooser.randrange(len(data))
        deed = chooser.random()
        if deed < 0.08:
            return data[:place] + data[place + 1 :]
        if deed < 0.16:
            return data[:place] + data[place:] * 2
        return [*data[:place], altered(data[place], chooser), *data[place + 1 :]]
    return chooser.choice(ODD)
