"""What a person wants to be done when a command has ended."""

from __future__ import annotations

import os
import subprocess
import sys

from search.streams import rename
from spaces.common.errors import make_printable


def run_hook(command: str, code: int, run: str) -> None:
    """Gives a command to the shell; says if it failed, which changes nothing else.

    Args:
        command: as a person wrote it.
        code: the exit code of what has ended, as INVSEARCH_EXIT_CODE.
        run: the run folder, as INVSEARCH_RUN, or of a bucket's mirror its URL; empty where the command chose it.
    """
    more = {"INVSEARCH_EXIT_CODE": str(code), "INVSEARCH_RUN": rename(os.path.abspath(run)) if run else ""}
    try:
        ended = subprocess.run(command, shell=True, env=os.environ | more, stdin=subprocess.DEVNULL, check=False)
        failed = f"ended with code {ended.returncode}" if ended.returncode else ""
    except (OSError, ValueError) as error:
        failed = str(error)
    except KeyboardInterrupt:
        failed = "interrupted"
    if failed:
        print(make_printable(f"on-end: {command}: {failed}"), file=sys.stderr)
