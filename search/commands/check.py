"""``invsearch check``: is everything in a run folder as it was written?"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from search import options
from search.errors import explain_error
from search.option_types import flag, place
from search.storage.places.urls import find_url
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_command, format_count
from spaces.specs.run import explain_no_run

HELP = (
    "verify the checksum of every file of a run; --repair sets damaged ones aside and restores what can be; --against "
    "compares its records with those of another run, to the bit"
)
EXAMPLE = "invsearch check runs/again --against results/table-1.3-digits/run.tar.xz"
OPTIONS = (
    place("run", metavar="RUN", help="run folder, or s3://BUCKET/RUN, which is fetched to a temporary folder"),
    flag("--repair", help="set damaged files aside and restore what can be"),
    place(
        "--against",
        metavar="ARCHIVE|RUN",
        help="compare the trials that both have, epoch by epoch, with those of another run or of a run.tar.xz; "
        "exit code 3 if they differ or share none",
    ),
    flag("--force", help="repair even if a driver on another machine did not sign off"),
)


def run(args: argparse.Namespace) -> int:
    """Reports, repairs or compares; ``INCOMPLETE`` where something is damaged still, or differs."""
    from search.storage import invocations, repair
    from search.storage.run_folder import RunFolder

    if args.against is not None:
        if args.repair:
            raise UserError("--against and --repair cannot be combined; repair first, then compare")
        return compare(args.against, args.run)
    if (url := find_url(args.run)) is not None:
        if args.repair:
            raise UserError(
                "repair: the run is in a bucket, where the next sweep or rerun repairs it; leave --repair out"
            )
        return check_bucket(url)
    run_folder = RunFolder(args.run)
    if not any((run_folder.path / name).exists() for name in ("spec.json", invocations.NAME)):
        raise UserError(explain_no_run(args.run))
    if args.repair:
        with run_folder.taken(args.force, deep=True) as lines:
            print(f"{make_printable(args.run)}: {f'{len(lines)} repaired' if lines else 'nothing is damaged'}")
        return 0
    found = repair.inspect(run_folder.path, deep=True)
    for finding in found:
        print(f"{make_printable(finding.path)}: damaged ({finding.reason})")
    for path in repair.find_set_asides(run_folder.path):
        print(f"{make_printable(path)}: was set aside; remove it when you have looked at it")
    trials = len(repair.list_recorded(run_folder.path))
    mend = format_command("invsearch", "check", args.run, "--repair")
    after = f"; {mend} repairs what it can, and so does the next sweep" if found else ""
    print(f"{make_printable(args.run)}: {format_count(trials, 'trial')}, {len(found)} damaged{after}")
    return options.INCOMPLETE if found else 0


def check_bucket(url: str) -> int:
    """Reports what is damaged in a run in a bucket: fetches all of it, checkpoints too, and removes the copy again.

    Raises:
        UserError: no run there, or the bucket cannot be reached.
    """
    from search.storage import repair
    from search.storage.places.address import open_place
    from search.storage.places.base import Unreachable
    from search.storage.places.copies import pull

    with tempfile.TemporaryDirectory(prefix="invsearch-check-") as name:
        folder = Path(name) / "run"
        try:
            names = dict.fromkeys(pull(open_place(url), folder)[1], "not what was written")
        except Unreachable as error:
            raise UserError(explain_error(error)) from None
        for finding in repair.inspect(folder, deep=True):
            names.setdefault(finding.path.relative_to(folder).as_posix(), finding.reason)
        asides = [path.relative_to(folder) for path in repair.find_set_asides(folder)]
        trials = len(repair.list_recorded(folder))
    for name, reason in names.items():
        print(make_printable(f"{url}/{name}: damaged ({reason})"))
    for aside in asides:
        print(make_printable(f"{url}/{aside}: was set aside; remove it when you have looked at it"))
    after = "; the next sweep or rerun repairs what it can" if names else ""
    print(make_printable(f"{url}: {format_count(trials, 'trial')}, {len(names)} damaged{after}"))
    return options.INCOMPLETE if names else 0


def compare(against: Path, run: Path) -> int:
    """Says whether the trials that a run shares with another one, or with its archive, are the same to the bit.

    Returns:
        ``INCOMPLETE`` where they are not, where there are none, or where a record cannot be read.

    Raises:
        UserError: one of them is not a run.
    """
    from analysis.comparison import list_settings
    from analysis.exactness import compare_shared
    from analysis.records.reader import read_run
    from search.archives import opened

    second = read_run(run)
    with opened(against) as path:
        first = read_run(path)
    for where, reason in first.damaged if path != against else ():  # Where it was unpacked is gone.
        print(f"invsearch: {make_printable(against)}: {where.relative_to(path)}: {reason}; left out", file=sys.stderr)
    code = max(options.name_damaged(second), options.name_damaged(first) if path == against else 0)
    same, lines = compare_shared(first, second, list(list_settings(first, second)["setting"]))
    print(f"A: {make_printable(against)}\nB: {make_printable(run)}", *lines, sep="\n")
    return code if same and not first.damaged else options.INCOMPLETE
