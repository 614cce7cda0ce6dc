"""The history of a run: who worked on it when, with what, and how that ended.

RUN/history.jsonl has a line for the start and one for the end of each invocation. The first also
carries the spec and the environment, from which damaged ones are restored.
"""

from __future__ import annotations

import os
import platform
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from search import streams
from search.errors import Superseded
from search.signals import last_words
from search.storage.json_files import read_lines
from search.storage.provenance import find_revision, list_versions
from search.storage.writer import Writer
from spaces import UserError
from spaces.common.wording import format_command
from spaces.files.sealed import Damaged

NAME = "history.jsonl"


@contextmanager
def history(run: Path, command: str | None = None, guard: Writer | None = None, **more: Any) -> Iterator[None]:
    """Enters this invocation in a run's history, at its start, with ``more`` fields, and at its end.

    Args:
        run: the run folder.
        command: what was called; None: the program's command line.
        guard: how this process writes to it.
        **more: further fields of the start.
    """
    started, outcome, append = time.time(), "failed", (guard or Writer(run)).append
    about = {
        "command": command or format_command("invsearch", *sys.argv[1:]),
        "folder": str(Path.cwd()),
        "host": socket.gethostname(),
        "pid": os.getpid(),
        "system": platform.platform(),
        "cpus": os.cpu_count(),
        "revision": find_revision(),
        "versions": list_versions(),
    }
    append(run / NAME, {"event": "start", "time": started, **about, **more})

    def end(outcome: str) -> None:
        wall = round(time.time() - started, 1)
        line = {"event": "end", "time": time.time(), "pid": about["pid"], "outcome": outcome, "wall_seconds": wall}
        if lost := streams.name_loss():
            line["lost"] = lost
        with suppress(OSError, Superseded):  # The reason has been said, or is about to be.
            append(run / NAME, line)

    try:
        with last_words(lambda: end("interrupted")):
            yield
        outcome = "done"
    except BaseException as error:
        outcome = "interrupted" if isinstance(error, KeyboardInterrupt) else getattr(error, "outcome", outcome)
        raise
    finally:
        end(outcome)


def find_last_known(run: Path, field: str, check: Callable[[Any], object]) -> Mapping[str, Any] | None:
    """The newest value of a field of some start that ``check`` raises no UserError or Damaged for; None without one."""
    for line in reversed(read_lines(run / NAME)[0]):
        with suppress(UserError, Damaged):
            if isinstance(line.get(field), dict):
                check(line[field])
                return line[field]
    return None
