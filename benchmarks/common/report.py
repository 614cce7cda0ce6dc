"""A Markdown report that says where its numbers come from."""

from __future__ import annotations

import operator
import os
import platform
import shlex
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path

from tabulate import tabulate

from models.native import find_instruction_set
from search.storage.provenance import find_revision, list_versions

SIGNS = {">=": operator.ge, ">": operator.gt, "<=": operator.le}
ALSO_MEASURED = ("pytorch_wavelets", "optuna", "pillow")


def describe_target(value: float, target: float | None, sign: str = ">=", unit: str = "") -> str:
    """A target and whether it is met; a dash where there is none."""
    if target is None:
        return "-"
    return f"target {sign} {target:g}{unit}, {'met' if SIGNS[sign](value, target) else 'missed'}"


def format_times(ratio: float) -> str:
    """A ratio as people write it."""
    return f"{ratio:.3g}x"


def name_processor() -> str:
    """The processor's name; platform.processor is empty on most Linux systems."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        lines = []
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.processor() or platform.machine())


def list_caches() -> str:
    """The first core's caches of data by level, as Linux tells them."""
    folders = sorted(Path("/sys/devices/system/cpu/cpu0/cache").glob("index*"))
    caches = [{fact: (folder / fact).read_text().strip() for fact in ("level", "type", "size")} for folder in folders]
    sizes = (f"L{cache['level']} {cache['size']}" for cache in caches if cache["type"] != "Instruction")
    return ", ".join(sizes) or "unknown"


def describe_provenance(module: str) -> dict[str, str]:
    """What a reader has to know to judge the numbers, for the program ``python -m MODULE``."""
    others = {}
    for name in ALSO_MEASURED:
        with suppress(metadata.PackageNotFoundError):
            others[name] = metadata.version(name)
    return {
        "command": shlex.join(["python", "-m", module, *sys.argv[1:]]),
        "date": f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
        "machine": f"{name_processor()}, {os.cpu_count()} cores, {platform.platform()}",
        "caches": list_caches(),
        "instruction set": find_instruction_set() or "none: the native engine was not built",
        "revision": find_revision() or "unknown",
        "versions": ", ".join(f"{name} {version}" for name, version in (list_versions() | others).items()),
    }


class Report:
    """Paragraphs and tables, in the order in which they are added.

    Args:
        title: its heading.
        module: the program, as ``python -m`` takes it.
    """

    def __init__(self, title: str, module: str):
        facts = "\n".join(f"- {name}: {value}" for name, value in describe_provenance(module).items())
        self._parts = [f"# {title}", facts]

    def text(self, paragraph: str) -> None:
        """Adds a paragraph."""
        self._parts.append(paragraph)

    def table(self, heading: str, rows: Sequence[Mapping[str, object]]) -> None:
        """Adds a table with its heading; the first row's keys name the columns."""
        body = tabulate(rows, headers="keys", tablefmt="pipe", disable_numparse=True)
        self._parts += [f"## {heading}", body]

    def __str__(self) -> str:
        return "\n\n".join(self._parts)
