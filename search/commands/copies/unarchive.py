"""``invsearch unarchive``: a run folder out of one file."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.option_types import folder
from spaces.common.errors import make_printable
from spaces.common.wording import format_command, format_count

HELP = "unpack a run that was archived, to be read or continued here; every checksum is verified"
EXAMPLE = "invsearch unarchive first.tar.xz --out runs/first"
OPTIONS = (
    folder("file", metavar="FILE", help="what invsearch archive wrote, or the run.tar.xz of a committed run"),
    folder("--out", metavar="DIR", help="new or empty folder (default: the run's name, in the current folder)"),
)


def run(args: argparse.Namespace) -> int:
    """Unpacks.

    Raises:
        UserError: the archive cannot be read or is damaged, or the folder is not free.
    """
    from search.archives import find_name, unpack_archive
    from search.export.place import refuse_filled
    from search.storage.invocations import NAME
    from search.storage.json_files import read_lines

    out = args.out or Path(find_name(args.file))
    refuse_filled(out, "out")
    files = unpack_archive(args.file, out)
    print(f"{make_printable(out)}: {format_count(files, 'file')}; see: {format_command('invsearch', 'status', out)}")
    commands = [line["command"] for line in read_lines(out / NAME)[0] if isinstance(line.get("command"), str)]
    if commands:
        print(make_printable(f"last command: {commands[-1]}; give it again with {out} as the run folder to continue"))
    return 0
