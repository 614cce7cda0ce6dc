"""Measurements that take long, kept in a file one by one, so that a program goes on where it was ended."""

from __future__ import annotations

import argparse
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from benchmarks.common.options import rounds

Found = dict[str, Any]


def add_kept(parser: argparse.ArgumentParser) -> None:
    """Adds ``--kept`` and ``--most``."""
    parser.add_argument("--kept", type=Path, metavar="FILE", help="keep each run there, and go on after those it has")
    parser.add_argument("--most", type=rounds, metavar="N", help="run at most N of them now (with --kept)")


def measure_in_turn(
    parts: Mapping[str, Callable[[], Found]], task: str, args: argparse.Namespace, parser: argparse.ArgumentParser
) -> dict[str, list[Found]] | None:
    """Runs all parts in turn, ``args.repeats`` times, or those that are still missing of them.

    Args:
        parts: what measures something, by name.
        task: what all of them are about; a file of another task is refused.
        args: with ``repeats``, ``kept`` and ``most``.
        parser: that of the program.

    Returns:
        What each part found, a round each; None where some are still to come, which was said.
    """
    if args.most and args.kept is None:
        parser.error("--most goes with --kept, or what it runs would be lost")
    kept: Path | None = args.kept
    lines = kept.read_text(encoding="utf-8").splitlines() if kept is not None and kept.exists() else []
    turns = [name for _ in range(args.repeats) for name in parts]
    found: dict[str, list[Found]] = {name: [] for name in parts}
    for name, line in zip(turns, lines, strict=False):
        content = json.loads(line)
        if (content["part"], content["task"]) != (name, task):
            raise SystemExit(f"{parser.prog}: {kept} is of another task; remove it, or name another file")
        found[name].append(content["found"])
    most = args.most or math.inf
    for turn, name in enumerate(turns[len(lines) :]):
        if turn >= most:
            print(f"{kept}: {len(lines) + turn} of {len(turns)} runs; give it again")
            return None
        found[name].append(parts[name]())
        if kept is not None:
            with kept.open("a", encoding="utf-8") as stream:
                stream.write(json.dumps({"part": name, "task": task, "found": found[name][-1]}) + "\n")
    return found
