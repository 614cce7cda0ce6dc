"""What the reading commands print for every run under ``results/``: an earlier revision against this tree."""

from __future__ import annotations

import argparse
import difflib
import json
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TRIALS = 3  # Shown of each run.
READER = """
import contextlib, io, json, sys
sys.path.insert(0, "")
from search.cli import main
for line in json.load(sys.stdin):
    out, errors = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(errors):
        code = main(line)
    print(json.dumps([out.getvalue(), errors.getvalue(), code]))
"""


def list_lines(run: str, tables: Sequence[str]) -> list[list[str]]:
    """The commands that read one run.

    Args:
        run: its folder.
        tables: names of tables.
    """
    trials = sorted(path.name for path in Path(run, "trials").iterdir())
    spread = trials[:: max(1, len(trials) // TRIALS)][:TRIALS]
    return [
        ["status", run],
        ["status", run, "--csv"],
        ["best", run],
        ["compare", run, run],
        *(["show", run, trial] for trial in spread),
        *(["table", table, run] for table in tables),
        *(["table", table, run, "--format", "csv"] for table in tables),
    ]


def collect_answers(tree: Path, lines: Sequence[Sequence[str]]) -> list[list[str]]:
    """What the code of a tree answers: one block of lines per command.

    Args:
        tree: a checkout.
        lines: the arguments of each command.

    Raises:
        RuntimeError: the code does not run.
    """
    done = subprocess.run(
        [sys.executable, "-c", READER], cwd=tree, input=json.dumps(lines), capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"{tree}: {done.stderr}")
    answers = []
    for line, answer in zip(lines, map(json.loads, done.stdout.splitlines()), strict=True):
        out, errors, code = answer
        answers.append([f"$ invsearch {' '.join(line)}: {code}", *out.splitlines(), *errors.splitlines()])
    return answers


def unpack_revision(revision: str, folder: Path) -> None:
    """Puts the files of a revision into a folder.

    Raises:
        CalledProcessError: git does not know it.
    """
    archive = subprocess.run(["git", "archive", revision], cwd=ROOT, check=True, stdout=subprocess.PIPE).stdout
    subprocess.run(["tar", "x", "-C", folder], input=archive, check=True)


def main() -> int:
    """Prints the differences; returns how many commands answer differently, at most 1."""
    options = argparse.ArgumentParser(prog="python -m benchmarks.revisions", description=__doc__)
    options.add_argument("revision", help="the earlier one, as git knows it")
    revision: str = options.parse_args().revision
    from analysis.tables import TABLES

    with tempfile.TemporaryDirectory() as scratch:
        old = Path(scratch, "old")
        old.mkdir()
        unpack_revision(revision, old)
        lines: list[list[str]] = []
        for archive in sorted(ROOT.glob("results/*/run.tar.xz")):
            with tarfile.open(archive) as packed:
                packed.extractall(scratch, filter="data")
            lines += list_lines(str(Path(scratch, archive.parent.name)), list(TABLES))
        pairs = list(zip(collect_answers(old, lines), collect_answers(ROOT, lines), strict=True))
    changed = [(before, after) for before, after in pairs if before != after]
    for before, after in changed:
        print("\n".join(difflib.unified_diff(before, after, revision, "this tree", lineterm="", n=1)))
    print(f"{len(changed)} of {len(pairs)} commands answer differently")
    return min(1, len(changed))


if __name__ == "__main__":
    sys.exit(main())
