"""Inputs for the reader of space files."""

from __future__ import annotations

import random
from itertools import islice
from pathlib import Path

from spaces import read_space
from spaces.hyperparameters import NAMES
from spaces.space import make_space
from tests.fuzz.mutate import TOKENS, mutated

SOUND = """name: mine
lr: {loguniform: [0.01, 1.0]}
momentum: {choice: [0, 0.5, 0.9]}
weight_decay: 1e-5
gain: {uniform: [0.5, 2.0]}
"""
WORDS = (
    *NAMES,
    "name",
    "choice",
    "uniform",
    "loguniform",
    "{",
    "}",
    "[",
    "]",
    ":",
    ",",
    "- ",
    "\n",
    "\n  ",
    "? ",
    "| ",
    "> ",
)
WORDS += (
    "---",
    "...",
    "%YAML 1.1",
    "0.1",
    "1_000",
    "0o17",
    ".inf",
    "~",
    "yes",
    "1:30",
    "0.5",
    "1",
    "2",
    "'",
    '"',
    "<<",
    "=",
)


def attempt(chooser: random.Random, folder: Path) -> None:
    """Makes a space file and reads it; what is read must be read back from its own description."""
    if chooser.random() < 0.6:
        body = mutated(SOUND.encode(), chooser)
    else:
        words = [word.encode() for word in WORDS] + list(TOKENS)
        body = b" ".join(
            chooser.choice(words) * chooser.choice((1, 1, 1, 1, 200)) for _ in range(chooser.randint(1, 40))
        )
    path = folder / "space.yaml"
    path.write_bytes(body)
    space = read_space(path)
    assert make_space(space.describe(), "x") == space
    assert all(point in space for point in ([] if space.size == float("inf") else islice(space.walk(0), 5)))
