"""Who computed the numbers of a run, when, with what: from its spec, its history and its records."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import pandas as pd

from analysis.records.reader import Run
from analysis.render.cells import format_cell
from spaces.common.errors import escape_text, shorten
from spaces.files.regular import open_regular
from spaces.files.sealed import HEAD, unseal
from spaces.specs.notes import read_notes
from spaces.specs.recipes import Recipe

LONGEST = 1000  # Letters of one value; a damaged file may hold anything.
SPEC = (
    ("dataset", "data set"),
    ("data_hash", "hash of the data"),
    ("data_source", "data read from"),
    ("architectures", "architectures"),
    ("own", "own architectures"),
    ("space", "search space"),
    ("search", "search"),
    ("samples", "configurations per architecture"),
    ("scheduler", "scheduler"),
    ("grace_period", "grace period (epochs)"),
    ("reduction_factor", "reduction factor"),
    ("max_epochs", "epochs per configuration"),
    ("rerun_seeds", "rerun seeds"),
    ("rerun_epochs", "epochs per rerun"),
    ("batch_size", "batch size"),
    ("seed", "seed of the sweep"),
    ("split_seed", "seed of the held-out split"),
    ("recipe", "recipe (its steps scaled to the epochs)"),
)
SEARCH_ONLY = ("scheduler", "grace_period", "reduction_factor", "max_epochs", "seed", "split_seed")


@dataclass(frozen=True, eq=False)
class Provenance:
    """Where the numbers of a run come from, as text."""

    name: str  # Of the run.
    spec: list[tuple[str, str]]  # (what, value).
    invocations: pd.DataFrame  # One row for each start of the program, oldest first.
    machines: list[tuple[str, str]]  # (what, value) of the machines and versions that the starts name, each once.
    makers: pd.DataFrame  # One row for each maker of epochs.
    trouble: list[str]  # What of the history could not be read.


def describe_provenance(run: Run, name: str) -> Provenance:
    """Gathers what a run says of its origin; what is damaged is counted and left out."""
    trouble: list[str] = []
    lines = list(_list_lines(run, trouble))
    starts = [line for line in lines if line.get("event") == "start"]
    rows = []
    for place, start in ((place, line) for place, line in enumerate(lines) if line.get("event") == "start"):
        # The next line of the same process is its end, unless it was killed.
        after = next((line for line in lines[place + 1 :] if line.get("pid") == start.get("pid")), {})
        end = after if after.get("event") == "end" else {}
        rows.append(
            {
                "started (UTC)": _format_moment(start.get("time")),
                "command": _write_text(start.get("command", "")),
                "revision": _write_text(start.get("revision") or "unknown"),
                "took": format_duration(end.get("wall_seconds")),
                "outcome": _write_text(end.get("outcome", "no end is on record")),
            }
        )
    asked = {field: value for field, value in run.spec.items() if value is not None}
    if "thetas" in asked:
        asked = {field: value for field, value in asked.items() if field not in SEARCH_ONLY}
    given = asked["thetas"].values() if "thetas" in asked else [asked.get("space", ())]
    if all("batch_size" in each for each in given):  # Each trial has its own.
        asked.pop("batch_size", None)
    if "recipe" in asked:
        asked["recipe"] = Recipe.from_dict(asked["recipe"])
    spec = [(what, _write_text(asked[field])) for field, what in SPEC if field in asked]
    machines = {
        (what, _write_text(start[field]))
        for start in starts
        for field, what in (("host", "host"), ("system", "system"), ("cpus", "processors"), ("versions", "versions"))
        if start.get(field)
    }
    made = run.epochs.groupby("made_by", sort=True)["seconds"].agg(["size", "sum"])
    makers = pd.DataFrame(
        {
            "made by": made.index.astype(str),
            "epochs": made["size"].astype(str).tolist(),
            "training time": [format_duration(seconds) for seconds in made["sum"]],
        }
    )
    notes = [("note", _write_text(str(note))) for note in read_notes(run.path)]
    return Provenance(
        name,
        [("folder", escape_text(run.path.name)), *notes, *spec],
        pd.DataFrame(rows),
        sorted(machines),
        makers,
        trouble,
    )


def _list_lines(run: Run, trouble: list[str]) -> Iterator[Mapping[str, Any]]:
    """The lines of the history that can be read; those of earlier versions have no checksum."""
    damaged = 0
    try:
        with open_regular(run.path / "history.jsonl", links=False) as stream:
            for line in stream:
                try:
                    content = unseal(line) if line.startswith(HEAD) else json.loads(line)
                except (ValueError, RecursionError):
                    content = None
                if isinstance(content, dict):
                    yield content
                else:
                    damaged += 1
    except FileNotFoundError:
        trouble.append("There is no history.jsonl, so nothing is known of the commands.")
    except OSError as error:
        trouble.append(f"history.jsonl cannot be read: {error.strerror}.")
    if damaged:
        trouble.append(f"Damaged lines of history.jsonl that were left out: {damaged}.")


def format_duration(seconds: object) -> str:
    """A time as people read it: 42 s, 3 min 20 s, 2 h 5 min."""
    if not isinstance(seconds, int | float) or not 0 <= seconds < 1e12:
        return ""
    if seconds < 60:
        return f"{seconds:.3g} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def _format_moment(seconds: object) -> str:
    try:
        return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%d %H:%M:%S}"  # type: ignore[arg-type]
    except (TypeError, ValueError, OverflowError, OSError):
        return "unknown"


def _write_text(value: Any) -> str:
    return shorten(escape_text(_format_said(value)), LONGEST)


def _format_said(value: Any) -> str:
    if isinstance(value, Mapping):
        parts = ", ".join(f"{key} {_format_said(part)}" for key, part in value.items() if key != "name")
        return ": ".join(part for part in (str(value.get("name", "")), parts) if part)
    if isinstance(value, list | tuple):
        return ", ".join(map(_format_said, value))
    return format_cell(value) if isinstance(value, float | bool) else str(value)
