"""``invsearch push``: copies a run from a folder to a bucket."""

from __future__ import annotations

import argparse

from search.option_types import folder, option
from spaces.common.errors import make_printable
from spaces.common.wording import format_count

HELP = "copy a run from a folder to a bucket, where sweeps can go on with it; every object is read back and compared"
EXAMPLE = "invsearch push runs/first s3://bucket/runs/first"
OPTIONS = (
    folder("run", metavar="DIR", help="run folder that no driver works on"),
    option("url", metavar="URL", help="s3://BUCKET/RUN (gs://, az://) with no other run there"),
)


def run(args: argparse.Namespace) -> int:
    """Copies.

    Raises:
        UserError: a driver works on the run, it is none, or another one is in the bucket.
    """
    from search.storage.driver import find_driver
    from search.storage.places.address import open_place, parse_url
    from search.storage.places.copies import push
    from search.storage.places.probe import check_conditions
    from spaces import UserError

    place = open_place(parse_url(args.url))
    if (at_work := find_driver(args.run)) is not None:
        raise UserError(f"{args.run}: in use by {at_work.text}; {at_work.advice}")
    check_conditions(place)
    written = push(args.run, place)
    print(f"{make_printable(args.url)}: {format_count(written, 'object')} written and read back")
    return 0
