"""What all the programs' command lines share."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Iterable
from pathlib import Path

from benchmarks.common.report import Report


def rounds(text: str) -> int:
    """An argparse type: a whole number from 1 up."""
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not allowed; give a whole number from 1 up")
    return int(text)


def make_parser(module: str, description: str, repeats: int) -> argparse.ArgumentParser:
    """A parser with ``--repeats``, ``--quick`` and ``--out``.

    Args:
        module: the program, as ``python -m`` takes it.
        description: what it measures, in one line.
        repeats: how many rounds it makes by default.
    """
    made = argparse.ArgumentParser(prog=f"python -m {module}", description=description)
    made.add_argument("--repeats", type=rounds, default=repeats, metavar="N", help=f"rounds (default {repeats})")
    made.add_argument("--quick", action="store_true", help="tiny sizes: shows that it works, measures nothing")
    made.add_argument("--out", type=Path, metavar="FILE", help="write the report there too")
    return made


def print_lines(write: Callable[[int], Iterable[str]], description: str, experiments: int) -> None:
    """The command line of a simulation of ``--experiments``: prints its lines, each as soon as it is known."""
    made = argparse.ArgumentParser(description=description)
    made.add_argument("--experiments", type=rounds, default=experiments, metavar="N", help="(default: %(default)s)")
    for line in write(made.parse_args().experiments):
        print(line, flush=True)


def publish(report: Report, out: Path | None) -> None:
    """Prints a report, and writes it to a file if one was asked for."""
    print(report)
    if out is not None:
        out.write_text(f"{report}\n", encoding="utf-8")
