"""``invsearch check``: is everything in a run folder as it was written?"""

from __future__ import annotations

import argparse

from search import options
from search.option_types import RUN, flag
from spaces import UserError
from spaces.common.errors import printable
from spaces.common.wording import format_command, format_count
from spaces.specs.run import explain_no_run

HELP = "verify the checksum of every file of a run; --repair sets damaged ones aside and restores what can be"
EXAMPLE = "invsearch check runs/first --repair"
OPTIONS = (
    RUN,
    flag("--repair", help="set damaged files aside and restore what can be"),
    flag("--force", help="repair even if a driver elsewhere did not sign off"),
)


def run(args: argparse.Namespace) -> int:
    """Reports, or repairs; ``INCOMPLETE`` where something is damaged still."""
    from search.storage import invocations, repair
    from search.storage.run_folder import RunFolder

    folder = RunFolder(args.run)
    if not any((folder.path / name).exists() for name in ("spec.json", invocations.NAME)):
        raise UserError(explain_no_run(args.run))
    if args.repair:
        with folder.taken(args.force, deep=True) as lines:
            print(f"{printable(args.run)}: {f'{len(lines)} mended' if lines else 'nothing is damaged'}")
        return 0
    found = repair.inspect(folder.path, deep=True)
    for finding in found:
        print(f"{printable(finding.path)}: damaged ({finding.reason})")
    for path in repair.find_set_asides(folder.path):
        print(f"{printable(path)}: was set aside; remove it when you have looked at it")
    trials = len(repair.list_recorded(folder.path))
    mend = format_command("invsearch", "check", args.run, "--repair")
    after = f"; {mend} mends, and so does the next sweep" if found else ""
    print(f"{printable(args.run)}: {format_count(trials, 'trial')}, {len(found)} damaged{after}")
    return options.INCOMPLETE if found else 0
