"""Where numbers come from: code, libraries, engines, machine; a change of what computes a run is noticed.

RUN/environment.json says what the run's numbers were made with so far. Each row of a record also
says what made it, so a run that was continued elsewhere with ``--accept-changes`` can be told apart.
"""

from __future__ import annotations

import functools
import hashlib
import platform
import socket
import subprocess
from collections.abc import Mapping
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Any

import search
import spaces
from search import __version__
from spaces.files.sealed import Damaged

ROOT = Path(__file__).resolve().parents[2]
SOURCES = (".py", ".cpp", ".hpp")
ENVIRONMENT, FORMAT = "environment.json", 1
LIBRARIES = ("torch", "ray", "hyperopt", "numpy", "pandas", "scikit-learn")


@functools.cache
def list_versions() -> dict[str, str]:
    """The version of Python and of every library that can change a number."""
    found = {"invsearch": __version__, "python": platform.python_version()}
    for name in LIBRARIES:
        with suppress(metadata.PackageNotFoundError):  # Benchmarks also run where Ray is not.
            found[name] = metadata.version(name)
    return found


def describe_maker(device: str) -> dict[str, str]:
    """What a trial's record says of the process that computed it."""
    import torch

    name = torch.cuda.get_device_name() if device == "cuda" else platform.processor() or platform.machine()
    return {
        **describe_expected_nodes(),
        "device": device,
        "device_name": name,
        "threads": str(torch.get_num_threads()),
        "host": socket.gethostname(),
    }


def describe_expected_nodes() -> dict[str, str]:
    """What every node of a cluster must have as the driver has it."""
    return {name: list_versions()[name] for name in ("invsearch", "torch", "numpy")} | {"code": compute_code_digest()}


def list_code_folders() -> dict[str, Path]:
    """Where the packages lie that can change a number; Ray uploads each to a folder of its own."""
    import models  # torch, which --help need not wait for.

    return {package.__name__: Path(package.__path__[0]) for package in (spaces, models, search)}


@functools.cache
def compute_code_digest() -> str:
    """The beginning of the SHA-256 of all source files that can change a number: another code, another digest."""
    found = hashlib.sha256()
    for name, folder in list_code_folders().items():
        for path in sorted(folder.rglob("*")):
            if path.suffix in SOURCES and path.is_file():
                found.update(f"{name}/{path.relative_to(folder)}\n".encode() + path.read_bytes())
    return found.hexdigest()[:12]


def find_revision() -> str | None:
    """The git revision of this code, ``-dirty`` where it has been changed; None outside a checkout."""
    if not (ROOT / ".git").exists():
        return None
    try:
        result = subprocess.run(
            ["git", "-C", str(ROOT), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
    except (OSError, subprocess.SubprocessError):
        return None
    return result.stdout.strip() or None


def describe_environment(engines: Mapping[str, str]) -> dict[str, Any]:
    """The environment of this process, as plain data; ``engines`` by architecture, as ``EngineChoice`` says them."""
    return {"format": FORMAT, "code": compute_code_digest(), "versions": list_versions(), "engines": dict(engines)}


def check_environment(content: Mapping[str, Any]) -> None:
    """Whether that is an environment.

    Raises:
        Damaged: it is not.
    """
    tables = [table for table in (content.get("versions"), content.get("engines")) if isinstance(table, dict)]
    texts = [content.get("code"), *(text for table in tables for text in table.values())]
    if content.get("format") != FORMAT or len(tables) < 2 or not all(isinstance(text, str) for text in texts):
        raise Damaged("its fields are not those of an environment")


def find_differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What has changed since the run was last worked on, one phrase each.

    An engine is compared for the architectures that both name, and on a cluster by its device and the size of its packs
    only; those for which it changed in the same way share a phrase.
    """
    pairs = {"the code of invsearch": (there["code"], here["code"])}
    old, new = there["versions"], here["versions"]
    pairs |= {name: (old.get(name), new.get(name)) for name in sorted(old.keys() | new.keys())}
    trained: dict[tuple[str, str], list[str]] = {}  # Architectures whose engine changed in the same way.
    for name, engine in there["engines"].items():
        other = here["engines"].get(name, engine)
        if not _may_be_same(engine, other):
            trained.setdefault((engine, other), []).append(name)
    pairs |= {f"the engine of {', '.join(names)}": change for change, names in trained.items()}
    return [f"{what} is {before} there and {now} here" for what, (before, now) in pairs.items() if before != now]


def _may_be_same(engine: str, other: str) -> bool:
    """Whether engines differ in nothing that is known of both."""
    (pack, build, device), (its_pack, its_build, its_device) = map(_split_engine, (engine, other))
    return (pack, device) == (its_pack, its_device) and not (build and its_build and build != its_build)


def _split_engine(engine: str) -> tuple[str, str, str]:
    """The pack, if it is one; what does the arithmetic, empty on a cluster; the device."""
    known, _, device = engine.rpartition("on ")
    pack = known.split(",")[0].strip() if known.startswith("pack ") else ""
    return pack, known.removeprefix(pack).strip(", "), device


def merge_environments(there: Mapping[str, Any] | None, here: Mapping[str, Any]) -> dict[str, Any]:
    """The run's environment from now on: this one, and the engines of architectures that it does not name."""
    return {**here, "engines": {**(there["engines"] if there else {}), **here["engines"]}}
