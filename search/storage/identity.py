"""Which process a note is about, told apart from any other process that has its number.

A number means something in one pid namespace of one boot of one machine only: containers of a host all have
a process 1, and numbers are used again. A host's name says little: a container that comes back may have another one.
When the process was started is counted in ticks since the boot, because clocks are set.
"""

from __future__ import annotations

import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil


def describe_process() -> dict[str, Any]:
    """This process, for a note."""
    return {
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "boot": _read_boot(),
        "namespace": _read_namespace(),
        "ticks": _read_ticks("self"),
    }


def is_here(note: Mapping[str, Any]) -> bool:
    """Whether the process of a note was one of this machine, or of a container on it."""
    return note["host"] == socket.gethostname() or (note.get("boot") is not None and note["boot"] == _read_boot())


def describe_place(note: Mapping[str, Any]) -> str | None:
    """Where the process of a note was on this machine; None where its number is one of ours."""
    # Notes of old say no more than the host's name.
    if note.get("boot", _read_boot()) != _read_boot():
        return "before this machine was last started, or on another of that name"
    ours = note.get("namespace", _read_namespace()) == _read_namespace()
    return None if ours else "in another container of this machine"


def is_running(note: Mapping[str, Any]) -> bool:
    """Whether the very process of a note is seen to run; one in another container cannot be seen."""
    mine = describe_process()
    same = all(note.get(name) == mine[name] for name in ("boot", "namespace"))
    return same and note.get("ticks") is not None and note["ticks"] == _read_ticks(note["pid"])


def measure_age() -> float:
    """Seconds since this process began, whatever became of the wall clock since."""
    if hasattr(time, "CLOCK_BOOTTIME") and (ticks := _read_ticks("self")) is not None:
        return time.clock_gettime(time.CLOCK_BOOTTIME) - ticks / os.sysconf("SC_CLK_TCK")
    return time.time() - psutil.Process().create_time()  # Not Linux.


def _read_boot() -> str | None:
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return None


def _read_namespace() -> str | None:
    try:
        return os.readlink("/proc/self/ns/pid")
    except OSError:
        return None


def _read_ticks(pid: int | str) -> float | None:
    """When a process was started; None for one that is gone or only waits to be reaped."""
    try:
        state, *fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return None if state in "ZX" else int(fields[18])  # Field 22 of the line, as proc(5) counts.
    except OSError:
        pass
    if Path("/proc/self/stat").exists():
        return None
    try:  # Not Linux.
        return psutil.Process(None if pid == "self" else int(pid)).create_time()
    except (psutil.Error, ValueError, OverflowError):
        return None
