"""What a soak takes: memory of a process tree, space on the disk, epochs that were begun."""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

import psutil

from tests.faults.harness import GONE, ROOT

COUNTING = Path(__file__).with_name("counting")
RAY = Path("/tmp/ray")
MIB = 2**20


def counting_environment(log: Path) -> dict[str, str]:
    """Variables that make every process of a sweep note in a file which epochs it starts."""
    paths = [str(COUNTING), str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {"PYTHONPATH": os.pathsep.join(paths), "EPOCHS_STARTED": str(log)}


def started(log: Path) -> int:
    """How many epochs were begun."""
    return log.read_bytes().count(b"\n") if log.exists() else 0


def memory(processes: Iterable[psutil.Process]) -> float:
    """MiB that processes hold together; what they share counts once."""
    total = 0
    for process in processes:
        with suppress(*GONE):
            total += process.memory_full_info().pss
    return total / MIB


def space(folder: Path) -> int:
    """Bytes that a folder takes on its disk."""
    total = 0
    for path in [folder, *folder.rglob("*")]:
        with suppress(FileNotFoundError):
            total += path.lstat().st_blocks * 512
    return total


def sessions(drivers: Collection[int]) -> list[Path]:
    """The folders that Ray has left of drivers, whose process ids are in their names."""
    pids = {str(pid) for pid in drivers}
    return [path for path in RAY.glob("session_*_*") if path.name.rpartition("_")[2] in pids and not path.is_symlink()]
