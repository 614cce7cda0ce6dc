"""Inputs for the command line: options and run folders. Whatever is asked for, the answer is a code and clear lines."""

from __future__ import annotations

import argparse
import hashlib
import io
import json
import os
import random
import shlex
import tarfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from functools import cache
from pathlib import Path
from typing import Any
from unittest.mock import patch

import models
from analysis.tables import TABLES
from search.cli import COMMANDS, main, make_parser
from search.datasets import DATASETS
from search.errors import Halted
from spaces import SPACES
from tests.fuzz.mutate import TOKENS, altered, mutated

RESULTS = Path(__file__).resolve().parents[2] / "results"
TRIALS = 5  # Of each committed run.


class Answer(AssertionError):
    """A command answered in another way than it may."""


@contextmanager
def harmless(folder: Path) -> Iterator[None]:
    """Nothing is trained, measured, downloaded or written outside ``folder``."""

    def stop(*_: object, **__: object) -> None:
        raise Halted("training would begin here")

    environment = {"INVSEARCH_DATA": str(folder / "data"), "HOME": str(folder)}
    # Buckets are asked for where nobody answers, and not for long.
    environment |= {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    environment |= {"AWS_REGION": "x", "INVSEARCH_STORE_PATIENCE": "1"}
    for name in ("http_proxy", "https_proxy"):
        environment[name] = environment[name.upper()] = "http://127.0.0.1:9"
    here = os.getcwd()
    with (
        patch.dict(os.environ, environment),
        patch("search.tuning.phases.train_phase", stop),
        patch("models.stability.measure", stop),
    ):
        os.environ.pop("NO_PROXY", None)
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def check(arguments: Sequence[str], folder: Path) -> None:
    """Gives a command, and judges its answer.

    Raises:
        Answer: it is not one.
    """
    out, errors = io.StringIO(), io.StringIO()
    (folder / "arguments").write_text(shlex.join(arguments) + "\n", encoding="utf-8", errors="surrogateescape")
    with harmless(folder), redirect_stdout(out), redirect_stderr(errors):
        try:
            code = main(arguments)
        except SystemExit as end:  # --help and --version.
            code = end.code
    lines = errors.getvalue().splitlines()
    if code not in (0, 2, 3):
        raise Answer(f"exit code {code}: {lines[-3:]}")
    if code and not lines and not out.getvalue():
        raise Answer(f"exit code {code} without a word")
    if code == 2 and not lines[-1].startswith("invsearch: "):
        raise Answer(f"exit code 2 and: {lines[-3:]}")
    for line in errors.getvalue().split("\n"):
        if not line.isprintable() or "Traceback" in line:
            raise Answer(f"no clear line: {line!r}")
        if len(line) > 5000:
            raise Answer(f"a line of {len(line)} characters: {line[:200]!r}")


VALUES = (
    "",
    " ",
    "0",
    "1",
    "2",
    "3",
    "-1",
    "1.5",
    "nan",
    "inf",
    "-inf",
    "1e308",
    "1e-320",
    "1e400",
    "1e18",
    "0x1",
    "1_0",
)
VALUES += (
    "9" * 25,
    "9" * 5000,
    "٣",
    "a,b",
    ",",
    "all",
    "x" * 300,
    "../x",
    "~",
    "~nosuch",
    "/dev/null",
    "/dev/zero",
    ".",
)
VALUES += (
    "\x1b[31mred",
    "a\nb",
    "\udcff",
    "s3://bucket/run",
    "=1+1",
    "90s",
    "1h",
    "8",
    "1e99h",
    "lr=0.1",
    "--",
    "-",
    "%s",
)
VALUES += (
    "lr=0.1,momentum=0,weight_decay=0,gain=1",
    "lr=nan,momentum=0,weight_decay=0,gain=1",
    "space.yaml",
    "{}",
    "auto",
)
VALUES += (
    "127.0.0.1:1",
    "status=failed",
    "status=",
    "val_accuracy>0.5",
    "http://127.0.0.1:9/",
    "conv,invariant",
    "conv",
)


LEFT_OUT = ("interval", "on_end", "serve")  # A shell's command, and what would serve for ever.


def value(action: argparse.Action, chooser: random.Random) -> str:
    """A value for an option, often one that may be right."""
    if action.choices and chooser.random() < 0.8:
        return chooser.choice([str(choice) for choice in action.choices])
    known = {
        "table": [*TABLES],
        "dataset": [*DATASETS, "folder-x", "folder-"],
        "space": [*SPACES],
        "architectures": [*models.ARCHITECTURES, "all", "ref", "invB+invC-C", "ref-w16"],
        "out": ["out", "run"],
        "export": ["out"],
    }
    if action.dest in ("run", "runs", "run_a", "run_b"):
        known[action.dest] = ["run", "run2"]
    if action.dest in known and chooser.random() < 0.7:
        return chooser.choice(known[action.dest])
    if action.type is not None and chooser.random() < 0.3:
        return chooser.choice(("1", "2", "4"))
    return chooser.choice(VALUES)


def line(chooser: random.Random) -> list[str]:
    """A command with some of its options, which are asked of its own parser."""
    name = chooser.choice([*COMMANDS])
    (commands,) = (
        action.choices for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction)
    )
    words = [name]
    for action in commands[name]._actions:
        if isinstance(action, argparse._HelpAction) or action.dest in LEFT_OUT:
            continue
        wanted = not action.option_strings or action.required
        if chooser.random() < (0.97 if wanted else 0.15):
            words += action.option_strings[:1]
            if action.nargs != 0:
                words += [value(action, chooser) for _ in range(2 if action.nargs == "+" else 1)]
    if name == "watch":
        words.append("--once")  # Or it would watch for ever.
    if name in ("sweep", "reproduce") and chooser.random() < 0.5 and "--dry-run" not in words:
        words.append("--dry-run")
    if chooser.random() < 0.1:
        words.insert(chooser.randint(0, len(words)), chooser.choice(VALUES))
    return words


def options(chooser: random.Random, folder: Path) -> None:
    """Gives a command with odd options, beside a sound run."""
    write_run(folder / "run", chooser.choice(RUNS))
    check(line(chooser), folder)


RUNS = ("table-1.6-subset", "table-1.3-digits")


@cache
def run_files(name: str) -> dict[str, bytes]:
    """A committed run with a few of its trials of each phase."""
    with tarfile.open(RESULTS / name / "run.tar.xz") as packed:
        content = {
            member.name.partition("/")[2]: packed.extractfile(member).read()  # pyright: ignore
            for member in packed
            if member.isfile()
        }
    folders = sorted({path.rpartition("/")[0] for path in content if path.startswith("trials/")})
    phases = {path: json.loads(content[f"{path}/record.json"])["trial"]["phase"] for path in folders}
    kept = [path for phase in ("sweep", "rerun") for path in [p for p in folders if phases[p] == phase][:TRIALS]]
    return {
        path: body
        for path, body in content.items()
        if not path.startswith("trials/") or path.rpartition("/")[0] in kept
    }


def write_run(folder: Path, name: str) -> None:
    for path, body in run_files(name).items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(body)


def resealed(text: bytes, chooser: random.Random) -> bytes:
    """Sealed JSON with other content and the right checksum, so that its fields are looked at."""
    content: dict[str, Any] = json.loads(text)
    content.pop("checksum", None)
    for _ in range(chooser.randint(1, 3)):
        changed = altered(content, chooser)
        content = changed if isinstance(changed, dict) else content
    rest = json.dumps(content).encode()[1:]
    return b'{"checksum": "' + hashlib.sha256(rest).hexdigest()[:16].encode() + b'", ' + rest + b"\n"


def damage(path: Path, chooser: random.Random) -> None:
    """Makes another file, folder, link or pipe of a file, or nothing."""
    body, deed = path.read_bytes(), chooser.random()
    if deed < 0.5 and path.suffix == ".json":
        path.write_bytes(resealed(body, chooser))
    elif deed < 0.5 and path.suffix == ".jsonl":
        lines = body.splitlines(keepends=True)
        place = chooser.randrange(len(lines))
        path.write_bytes(b"".join([*lines[:place], resealed(lines[place], chooser), *lines[place + 1 :]]))
    elif deed < 0.85:
        path.write_bytes(mutated(body, chooser))
    else:
        path.unlink()
        if deed < 0.88:
            path.mkdir()
        elif deed < 0.91:
            path.symlink_to(chooser.choice(("/dev/zero", "/etc/passwd", path.name, "nowhere")))
        elif deed < 0.94:
            os.mkfifo(path)


def runs(chooser: random.Random, folder: Path) -> None:
    """Damages a run and asks what a user would ask about it."""
    run = folder / "run"
    write_run(run, chooser.choice(RUNS))
    files = sorted(path for path in run.rglob("*") if path.is_file() and path.name != "lock")
    tops = [path for path in files if path.parent == run]
    for path in {chooser.choice(tops if chooser.random() < 0.5 else files) for _ in range(chooser.randint(1, 3))}:
        damage(path, chooser)
    if chooser.random() < 0.1:
        (run / chooser.choice(("driver.lock", "environment.json", "decisions.jsonl"))).write_bytes(
            chooser.choice(TOKENS)
        )
    trial = chooser.choice(sorted(path.name for path in (run / "trials").iterdir()))
    questions = [
        *(["status", "run"], ["status", "run", "--csv"], ["status", "run", "--sort", "val_accuracy"]),
        *(["best", "run"], ["show", "run", trial], ["check", "run"], ["check", "run", "--repair"], ["rerun", "run"]),
        *(["compare", "run", "run"], ["watch", "run", "--once"], ["best", "run", "--export", "out"]),
        *(["table", name, "run", "--format", chooser.choice(("md", "csv", "latex"))] for name in TABLES),
    ]
    if chooser.random() < 0.02:
        questions = [["report", "run", "--only", "html", "--out", "report"]]
    for question in chooser.sample(questions, min(2, len(questions))):
        check(question, folder)
