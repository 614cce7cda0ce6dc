"""``invsearch archive``: a run as one file."""

from __future__ import annotations

import argparse
import os

from search.option_types import folder
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_command, format_count

HELP = "write a run to one file: everything needed to continue it elsewhere, without reports and logs"
EXAMPLE = "invsearch archive runs/first --out first.tar.xz"
OPTIONS = (
    folder("run", metavar="RUN", help="run folder that no driver works on"),
    folder("--out", metavar="FILE", help="new file (default: RUN.tar.xz, beside RUN)"),
)


def run(args: argparse.Namespace) -> int:
    """Writes the file.

    Raises:
        UserError: a driver works on the run, it is none, something in it is damaged, or the file is there already.
    """
    from search.archives import write_archive
    from search.storage.driver import find_driver
    from spaces.specs.run import read_spec

    read_spec(args.run)
    if (at_work := find_driver(args.run)) is not None:
        raise UserError(f"{args.run}: in use by {at_work.text}; {at_work.advice}")
    home = args.run.resolve()
    out = args.out or home.parent / f"{home.name}.tar.xz"
    if out.is_dir() or out.resolve().is_relative_to(home):
        raise UserError(
            f"out: {out} is a folder, or in the run folder; give a file elsewhere, such as {home.name}.tar.xz"
        )
    if os.path.lexists(out):
        raise UserError(f"out: {out} is there already; give another file, or remove it")
    files, size = write_archive(args.run, out), out.stat().st_size
    there = format_command("invsearch", "unarchive", out)
    print(
        f"{make_printable(out)}: {format_count(files, 'file')}, {max(1, round(size / 1000)):,} kB; elsewhere: {there}"
    )
    return 0
