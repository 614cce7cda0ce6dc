"""``invsearch pull``: copies a run from a bucket to a folder."""

from __future__ import annotations

import argparse
import sys

from search.option_types import folder, option
from search.options import INCOMPLETE
from spaces.common.errors import make_printable
from spaces.common.wording import format_command, format_count

HELP = "copy a run from a bucket to a folder, or bring such a copy up to date; checksums are verified"
EXAMPLE = "invsearch pull s3://bucket/runs/first runs/first"
OPTIONS = (
    option("url", metavar="URL", help="s3://BUCKET/RUN (gs://, az://)"),
    folder("out", metavar="DIR", help="new folder, or an earlier copy"),
)


def run(args: argparse.Namespace) -> int:
    """Copies; ``INCOMPLETE`` where something in the bucket is not what was written."""
    from search.storage.places.address import open_place, parse_url
    from search.storage.places.copies import pull

    files, damaged = pull(open_place(parse_url(args.url)), args.out)
    for name in damaged:
        print(f"{args.url}/{name}: damaged", file=sys.stderr)
    see = format_command("invsearch", "check", args.out)
    print(f"{make_printable(args.out)}: {format_count(files, 'file')}, {len(damaged)} damaged; {see} reads them all")
    return INCOMPLETE if damaged else 0
