"""Tries inputs one after another. Each is decided by its target, a seed and its number, so each can be made again."""

from __future__ import annotations

import random
import resource
import shutil
import signal
import tempfile
import traceback
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from spaces.common.errors import UserError
from tests.fuzz import archives, commands, spacefiles

TARGETS: dict[str, Callable[[random.Random, Path], None]] = {
    "archives": archives.attempt,
    "options": commands.options,
    "spaces": spacefiles.attempt,
    "runs": commands.runs,
}
CPU_SECONDS, WALL_SECONDS = 20.0, 300.0  # Of one input; machines are slow and busy.
MEMORY = 2**30  # Bytes that one input may add to the process.


class TooLong(BaseException):
    """An input took too long; no Exception, which a reader might take for a damaged file."""


@dataclass(frozen=True)
class Failure:
    """An input whose answer was no answer, and why."""

    target: str
    seed: int
    number: int
    reason: str

    @property
    def again(self) -> str:
        """The command that tries it again."""
        return f"python -m tests.fuzz --target {self.target} --seed {self.seed} --only {self.number}"

    def __str__(self) -> str:
        return f"{self.target}: {self.reason.splitlines()[-1][:300]}\n  again: {self.again}"


@contextmanager
def limits() -> Iterator[None]:
    """Ends what takes too long, in a computation or waiting; only in a main thread."""

    def end(number: int, _: object) -> None:
        raise TooLong(f"over {CPU_SECONDS:g} s of a core" if number == signal.SIGPROF else f"over {WALL_SECONDS:g} s")

    old = {number: signal.signal(number, end) for number in (signal.SIGPROF, signal.SIGALRM)}
    signal.setitimer(signal.ITIMER_PROF, CPU_SECONDS)
    signal.setitimer(signal.ITIMER_REAL, WALL_SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in old.items():
            signal.signal(number, handler)


def attempt(
    name: str, seed: int, number: int, folder: Path, target: Callable[[random.Random, Path], None] | None = None
) -> Failure | None:
    """Makes one input in an empty folder and tries it; what is wrong with the answer, None if nothing is."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    reason = ""
    try:
        with limits(), warnings.catch_warnings():
            warnings.simplefilter("error")
            (target or TARGETS[name])(random.Random(f"{name} {seed} {number}"), folder)
    except UserError as error:  # The command line makes it printable.
        if "\n" in str(error):
            reason = f"more than one line: {str(error)!r}"
    except (KeyboardInterrupt, GeneratorExit):
        raise
    except BaseException:
        reason = traceback.format_exc()
    grown = 1024 * (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
    if not reason and grown > MEMORY:
        reason = f"{grown / 2**20:.0f} MiB of memory"
    return Failure(name, seed, number, reason) if reason else None


def fuzz(name: str, seed: int, count: int, keep: Path | None = None) -> list[Failure]:
    """Tries the inputs 0, 1, 2 and so on of a target.

    Args:
        name: of the target.
        seed: other seeds are other inputs.
        count: how many.
        keep: where failing inputs are left, each in a folder of its own.

    Returns:
        The failures.
    """
    failures: list[Failure] = []
    for number in range(count):
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            failure = attempt(name, seed, number, Path(folder))
            if failure:
                failures.append(failure)
                if keep:
                    place = keep / f"{name}-{seed}-{number}"
                    shutil.rmtree(place, ignore_errors=True)
                    shutil.copytree(folder, place, symlinks=True, ignore=_no_pipes)
                    (place / "reason").write_text(failure.reason, encoding="utf-8", errors="backslashreplace")
    return failures


def _no_pipes(folder: str, names: list[str]) -> list[str]:
    return [name for name in names if (Path(folder) / name).is_fifo()]
