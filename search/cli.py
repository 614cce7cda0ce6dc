"""The command line: ``invsearch`` and ``python -m search``.

Exit codes: 0 done; 1 an error of invsearch itself, with its traceback; 2 bad input or a missing
prerequisite; 3 not all done: some trials failed, a file is damaged, the time budget was used up or
the disk is full, or two runs are not the same; 128 + its number where a signal ended it (Ctrl-C: 130, SIGTERM: 143).
"""

from __future__ import annotations

import argparse
import gc
import math
import os
import platform
import signal
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any

from search import __version__, streams
from search.cluster.forking import prepared_workers
from search.cluster.surroundings import HERE_ONLY, SETTINGS, restored_environment
from search.errors import TIME_IS_UP, Halted, Superseded, explain_error
from search.options import INCOMPLETE
from search.planning.announce import announce
from search.planning.hook import run_hook
from search.signals import act_at_once, handled, last_resort, time_limit
from search.storage.identity import measure_age
from search.storage.provenance import find_revision, list_versions
from spaces import UserError
from spaces.common.errors import make_printable, shorten
from spaces.common.wording import format_command
from spaces.files.sealed import Damaged

NAMES = (
    "reproduce sweep choose rerun train table report compare replay audit best export status watch show check pull "
    "push archive unarchive list note data stability"
)
WITHIN = {name: f"copies.{name}" for name in ("pull", "push", "archive", "unarchive")}
COMMANDS: dict[str, Any] = {name: import_module(f"search.commands.{WITHIN.get(name, name)}") for name in NAMES.split()}
BAD_INPUT = 2


class Parser(argparse.ArgumentParser):
    """Says what is wrong in one line instead of printing the usage before it."""

    def error(self, message: str) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Raises what the user should read."""
        raise UserError(f"{message}; see {self.prog} --help")


class Version(argparse.Action):
    """``--version``: what an issue should say about where it happened."""

    def __call__(self, parser: argparse.ArgumentParser, *given: object, **known: object) -> None:
        """Prints it and exits."""
        from models.native import explain_no_library, find_instruction_set

        libraries = (f"{name} {version}" for name, version in list_versions().items() if name != "invsearch")
        engine = f"native ({find_instruction_set()})" if find_instruction_set() else f"torch ({explain_no_library()})"
        print(f"invsearch {__version__}, revision {find_revision() or 'unknown'}")
        print(f"engine {engine}, {os.cpu_count()} CPUs, {platform.platform()}")
        print(", ".join(libraries))
        parser.exit()


def make_parser() -> argparse.ArgumentParser:
    """The parser of all commands."""
    top = Parser(prog="invsearch", description="Settle, fairly and fast, whether one kind of layer beats another.")
    top.add_argument(
        "--version", action=Version, nargs=0, help="print what is installed here, for a bug report, and exit"
    )
    commands = top.add_subparsers(dest="command", metavar="COMMAND", required=True, parser_class=Parser)
    for name, module in COMMANDS.items():
        sub = commands.add_parser(
            name,
            help=module.HELP,
            description=module.HELP,
            epilog=f"example:\n  {module.EXAMPLE}",
            formatter_class=argparse.RawDescriptionHelpFormatter,
            allow_abbrev=False,
        )
        for add in module.OPTIONS:
            add(sub)
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    """Runs one command and returns its exit code."""
    streams.open_handles()
    with streams.guarded():
        if arguments is not None:
            with restored_environment():
                return _main(list(arguments))
        code = _main(sys.argv[1:])
        gc.freeze()  # Or Python looks through all of torch and Ray once more as it ends, for seconds.
        return code


def _main(given: list[str]) -> int:
    asked: list[argparse.Namespace] = []
    code = 1  # Of an error in invsearch, which goes on from here.
    try:
        code = _act(given, asked)
    finally:
        for args in asked:
            if getattr(args, "on_end", None) and not getattr(args, "dry_run", False):
                run_hook(args.on_end, code, str(getattr(args, "out", None) or getattr(args, "run", None) or ""))
    return code


def _act(given: list[str], asked: list[argparse.Namespace]) -> int:
    """Runs a command; ``asked`` gets its options once they are known."""
    again = f"to resume: {format_command('invsearch', *given)}"
    try:
        try:
            os.getcwd()  # Where it is gone, libraries that look for it without need end in an abort.
        except OSError as error:
            raise UserError(f"the current folder cannot be used ({error.strerror}); cd to another one") from None
        args, unknown = make_parser().parse_known_args(given)
        if unknown:
            raise UserError(f"unrecognized arguments: {' '.join(unknown)}; see invsearch {args.command} --help")
        asked.append(args)
        dry = getattr(args, "dry_run", False)
        forks = not dry and getattr(args, "address", "") is None and not args.gpus_per_trial
        seconds = math.inf if dry else getattr(args, "time_budget", None) or math.inf
        with (
            handled(act_at_once),
            last_resort(again),
            time_limit(seconds - measure_age(), f"{TIME_IS_UP} before more was trained"),
            prepared_workers(os.environ | SETTINGS | HERE_ONLY if forks else None),
        ):
            if "time_budget" in args:  # It trains, and what that needs takes seconds to load.
                announce(f"invsearch {args.command}: preparing")
            code = COMMANDS[args.command].run(args)
        print(end="", flush=True)  # Whether its reader is still there is seen here, or only when Python ends.
        return code
    except UserError as error:
        return _fail(error, BAD_INPUT)
    except Halted as halt:
        return _fail(halt, INCOMPLETE, f"; {again}")
    except KeyboardInterrupt as interrupt:
        return _fail("interrupted", 128 + getattr(interrupt, "number", signal.SIGINT), f"; {again}")
    except BrokenPipeError:
        streams.drop(sys.stdout)  # The reader of our output left; nothing is wrong.
        return 0
    except (OSError, Damaged, Superseded) as error:
        return _fail(explain_error(error, place=""), BAD_INPUT)


def _fail(reason: object, code: int, after: str = "") -> int:
    """Says why a command ended in one line; returns its exit code."""
    print(f"invsearch: {shorten(make_printable(reason), most=2000)}{after}", file=sys.stderr)
    return code
