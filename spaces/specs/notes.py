"""What people wrote about a run: RUN/notes.jsonl has a line for each note."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from spaces.files.regular import open_regular
from spaces.files.sealed import Damaged, unseal

NOTES = "notes.jsonl"


@dataclass(frozen=True)
class Note:
    """One of them.

    Attributes:
        time: Unix seconds at which it was written.
        text: what it says; may be empty where there are tags.
        tags: words by which runs are found.
    """

    time: float
    text: str
    tags: tuple[str, ...]

    def __str__(self) -> str:
        return " ".join([*filter(None, [self.text]), *(f"[{tag}]" for tag in self.tags)])


def read_notes(run: Path) -> list[Note]:
    """The notes of a run, the oldest first; what is damaged is left out."""
    found: list[Note] = []
    with suppress(OSError), open_regular(run / NOTES, links=False) as stream:
        for line in stream:
            with suppress(Damaged, ValueError, TypeError, LookupError, RecursionError):
                content = unseal(line)
                tags = content["tags"]
                found.append(Note(float(content["time"]), str(content["text"]), tuple(map(str, tags))))
    return found


def list_tags(notes: Sequence[Note]) -> list[str]:
    """All their tags, each once."""
    return [*dict.fromkeys(tag for note in notes for tag in note.tags)]
