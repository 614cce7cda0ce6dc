"""What computes a run's numbers besides its spec: code, libraries, engines. A change of them is noticed.

RUN/environment.json says what the run's numbers were made with so far. Each row of a record also
says what made it, so a run that was continued elsewhere with ``--accept-changes`` can be told apart.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from search.storage.provenance import compute_code_digest, list_versions
from spaces.files.sealed import Damaged

FORMAT = 1
NAME = "environment.json"


def describe_environment(engines: Mapping[str, str]) -> dict[str, Any]:
    """The environment of this process, as plain data.

    Args:
        engines: by architecture, as ``EngineChoice.describe`` says it.
    """
    return {"format": FORMAT, "code": compute_code_digest(), "versions": list_versions(), "engines": dict(engines)}


def check_environment(content: Mapping[str, Any]) -> None:
    """Whether that is an environment.

    Raises:
        Damaged: it is not.
    """
    tables = [content.get("versions"), content.get("engines")]
    texts = [value for table in tables if isinstance(table, dict) for value in table.values()]
    if content.get("format") != FORMAT or not all(isinstance(table, dict) for table in tables):
        raise Damaged("its fields are not those of an environment")
    if not all(isinstance(text, str) for text in [content.get("code"), *texts]):
        raise Damaged("its fields are not those of an environment")


def find_differences(there: Mapping[str, Any], here: Mapping[str, Any]) -> list[str]:
    """What has changed since the run was last worked on, one phrase each.

    An engine is compared for the architectures that both name, and on a cluster by its device only.
    """
    found = []
    if there.get("code") != here["code"]:
        found.append(f"the code of invsearch is {there.get('code')} there and {here['code']} here")
    old = there.get("versions") or {}
    new = here["versions"]
    found += [
        f"{name} is {old.get(name)} there and {new.get(name)} here"
        for name in sorted(old.keys() | new.keys())
        if old.get(name) != new.get(name)
    ]
    for name, engine in (there.get("engines") or {}).items():
        other = here["engines"].get(name, engine)
        vague = engine.startswith("on ") or other.startswith("on ")
        if other != engine and not (vague and engine.split(" ")[-1] == other.split(" ")[-1]):
            found.append(f"the engine of {name} is {engine} there and {other} here")
    return found


def merge_environments(there: Mapping[str, Any] | None, here: Mapping[str, Any]) -> dict[str, Any]:
    """The run's environment from now on: this one, and the engines of architectures that it does not name."""
    return {**here, "engines": {**((there or {}).get("engines") or {}), **here["engines"]}}
