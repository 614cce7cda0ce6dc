"""``invsearch note``: what a person has to say of a run, kept in its folder."""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from search.option_types import RUN, option
from spaces import UserError
from spaces.common.errors import make_printable

HELP = "add a note or tags to a run, which status, list and the report show; without a text, show the notes"
EXAMPLE = "invsearch note runs/first range-too-narrow --tag pilot"
MOST = 2000  # Letters.
OPTIONS = (
    RUN,
    option("text", nargs="?", default="", metavar="TEXT", help="the note (default: show all notes)"),
    option("--tag", action="append", default=[], metavar="WORD", help="a word to find the run by; may be repeated"),
)


def run(args: argparse.Namespace) -> int:
    """Adds the note, or shows all.

    Raises:
        UserError: not a run folder, or a note that is not allowed.
    """
    from search.planning.runs import format_used
    from spaces.specs.notes import read_notes
    from spaces.specs.run import read_spec

    read_spec(args.run)
    if args.text or args.tag:
        add_note(args.run, args.text, args.tag)
    notes = read_notes(args.run)
    for note in notes:
        print(make_printable(f"{format_used(note.time)}  {note}"))
    if not notes:
        print(f"{make_printable(args.run)}: no notes yet")
    return 0


def add_note(path: Path, text: str, tags: list[str]) -> None:
    """Appends a note.

    Raises:
        UserError: it is too long, has lines, or a tag is not a word.
    """
    from search.storage.places.urls import append
    from spaces.specs.notes import NOTES

    if len(text) > MOST or not (text or " ").isprintable():
        raise UserError(f"text: give one line of at most {MOST} characters")
    for tag in tags:
        if not tag.isprintable() or not tag.strip() or len(tag.split()) > 1 or len(tag) > 100:
            raise UserError(f"tag: {make_printable(tag)!r} is not allowed; give one word")
    append(path, NOTES, {"time": time.time(), "text": text, "tags": tags})
