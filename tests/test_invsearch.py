"""The facade: what the commands do, from Python."""

from __future__ import annotations

import argparse
import inspect
import os
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import Any

import pytest

import invsearch
from search.cli import main, make_parser

ROOT = Path(__file__).resolve().parent.parent
ARCHIVE = "table-1.3-digits"
ONLY_FOR_PEOPLE = {"help", "dry_run", "on_end", "assume", "price"}  # Options without a keyword.
CALLS = {
    "sweep": invsearch.sweep,
    "train": invsearch.train,
    "reproduce": invsearch.reproduce,
    "rerun": invsearch.Run.rerun,
}


def options_of(command: str) -> dict[str, Any]:
    """The options of a command and their defaults."""
    (commands,) = (action for action in make_parser()._actions if isinstance(action, argparse._SubParsersAction))
    parser = commands.choices[command]
    return {action.dest: parser.get_default(action.dest) for action in parser._actions}


@pytest.mark.parametrize("command", CALLS)
def test_every_option_has_its_keyword_with_the_same_default(command: str) -> None:
    options = options_of(command)
    keywords = inspect.signature(CALLS[command]).parameters
    shared = set(invsearch.Invocation.__annotations__) - {"on_event"}
    assert (set(keywords) - {"self", "invocation"}) | shared == options.keys() - ONLY_FOR_PEOPLE - {"run"}
    for name, keyword in keywords.items():
        if keyword.kind is keyword.KEYWORD_ONLY:
            assert keyword.default == options[name], name


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> invsearch.Run:
    folder = tmp_path_factory.mktemp("archive")
    with tarfile.open(ROOT / "results" / ARCHIVE / "run.tar.xz") as packed:
        packed.extractall(folder, filter="data")
    return invsearch.open_run(folder / ARCHIVE)


def test_a_run_that_is_there(run: invsearch.Run, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run.spec.samples == 256
    assert len(run.trials.query("phase == 'sweep' and architecture == 'conv'")) == 256
    assert set(run.epochs["trial_id"]) <= set(run.trials["trial_id"])
    reruns = run.trials.query("phase == 'rerun' and architecture == 'invariant'")
    assert run.best("invariant").test_accuracy == reruns["test_accuracy"].max()
    assert main(["table", "ranking", str(run.path)]) == 0
    assert capsys.readouterr().out.rstrip() == str(run.table("ranking")).rstrip()
    written = run.report(tmp_path / "report", only="tables")
    assert tmp_path / "report" / "tables" / "ranking.md" in written
    assert eval(repr(run), {"invsearch": invsearch}).trials.equals(run.trials)


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (lambda run: invsearch.open_run(run.path / "nothing"), "not a run folder"),
        (lambda run: run.table("1.33"), "1.33"),
        (lambda run: run.best("convv"), "convv"),
        (lambda run: invsearch.sweep("x", ["conv", "convv"]), "convv"),
        (lambda run: invsearch.sweep("x", dataset="digit"), "digits"),
        (lambda run: invsearch.sweep("x", samples=-1), "samples"),
        (lambda run: invsearch.sweep("x", search="best"), "search"),  # pyright: ignore[reportArgumentType]
        (lambda run: invsearch.sweep("x", max_concurent=1), "did you mean max_concurrent"),  # pyright: ignore
        (lambda run: invsearch.sweep("x", dry_run=True), "keyword: 'dry_run' is unknown"),  # pyright: ignore
        (lambda run: invsearch.sweep("x", help=True), "keyword: 'help' is unknown"),  # pyright: ignore
        (lambda run: invsearch.sweep("x", space={"lr": 0.1}), "missing"),
        (lambda run: invsearch.sweep("x", time_budget="soon"), "soon"),
        (lambda run: invsearch.train("x", "conv", theta="lr=1"), "theta"),
        (lambda run: invsearch.reproduce("1.5", "x"), "1.5"),
    ],
)
def test_bad_input_is_an_exception_of_one_line(
    run: invsearch.Run, call: Any, words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with pytest.raises(invsearch.UserError, match=words) as error:
        call(run)
    assert "\n" not in str(error.value)
    assert list(tmp_path.iterdir()) == []


def imported(folder: Path) -> subprocess.CompletedProcess[str]:
    code = "import invsearch, models; print(models.__file__)"
    return subprocess.run(
        [sys.executable, "-c", code],
        cwd=folder,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
    )


@pytest.mark.parametrize("name", ["models.py", "models/__init__.py", "models/mine.py", "search/mine.py"])
def test_code_of_the_users_own_under_our_names_is_refused_with_both_places(tmp_path: Path, name: str) -> None:
    (tmp_path / name).parent.mkdir(exist_ok=True)
    (tmp_path / name).write_text("")
    done = imported(tmp_path)
    assert done.returncode == 1
    last = done.stderr.splitlines()[-1]
    assert last.startswith(
        f"ImportError: {tmp_path / name} and the package {ROOT / name.split('/')[0].removesuffix('.py')}"
    )
    assert "rename yours" in last


def test_a_folder_of_weights_is_no_package(tmp_path: Path) -> None:
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "best.pt").write_text("")
    done = imported(tmp_path)
    assert (done.stderr, done.stdout.strip()) == ("", str(ROOT / "models" / "__init__.py"))


SCRIPT = """
import asyncio, json, os, pathlib, signal, sys
import ray
import invsearch

def start_ray():
    ray.init("local", num_cpus=2, include_dashboard=False, logging_level="error", log_to_driver=False)

how = sys.argv[1]
if how == "ray":
    start_ray()
events, nodes = [], set()
def listen(event):
    events.append(event)
    nodes.update(node["NodeManagerAddress"] for node in ray.nodes())
before = dict(os.environ)
signal.setitimer(signal.ITIMER_REAL, 3600)

def check_sweep_and_reruns():
    how = dict(samples=2, epochs=2, grace_period=1, on_event=listen)
    run = invsearch.sweep(pathlib.Path("run"), ["conv", "invariant"], **how)
    assert run.rerun(seeds=2, epochs=1) is run
    ended = [event for event in events if event.kind == "ended"]
    assert [event.done for event in ended] == list(range(1, 5)), ended
    assert {event.trial for event in ended} == set(run.trials.query("phase == 'sweep'")["trial_id"])
    assert sum(event.kind == "epoch" for event in events) == len(run.epochs) - 4
    again = []
    assert len(invsearch.sweep("run", "conv,invariant", **{**how, "on_event": again.append}).trials) == 8
    assert not again
    try:
        invsearch.sweep("stopped", "conv", samples=2, epochs=2000, on_event=lambda event: 1 / 0)
        raise SystemExit("it went on")
    except ZeroDivisionError:
        pass
    assert "unfinished" in list(invsearch.open_run("stopped").trials["status"])
    calls = [json.loads(line).get("command") for line in open("run/history.jsonl")][::2]
    assert calls == [
        "invsearch.sweep('run', samples=2, grace_period=1, epochs=2)",
        "invsearch.open_run('run').rerun(seeds=2, epochs=1)",
        "invsearch.sweep('run', 'conv,invariant', samples=2, grace_period=1, epochs=2)",
    ], calls
    print(run.table("summary"))

small = dict(samples=2, epochs=1, grace_period=1, on_event=listen)
async def in_thread():
    return await asyncio.to_thread(invsearch.sweep, "thread", "conv", **small)
async def in_loop():  # As a cell of a notebook.
    return invsearch.sweep("loop", "conv", **small)

def check_beside_a_loop(sweep):
    events.clear()
    run = asyncio.run(sweep())
    assert sorted(event.trial for event in events if event.kind == "ended") == sorted(run.trials["trial_id"])
    assert len(run.trials) == 2

if how != "asyncio":
    check_sweep_and_reruns()
if how != "script":
    check_beside_a_loop(in_thread)
if how == "asyncio":
    check_beside_a_loop(in_loop)
assert ray.is_initialized() == (how == "ray")
changed = {name for name, _ in before.items() ^ os.environ.items()}
assert not [name for name in changed if not name.startswith(("KMP_", "TORCH", "_MLFLOW"))], changed  # By imports.
assert signal.getitimer(signal.ITIMER_REAL)[0] > 3000
if how != "ray":
    assert nodes == {"127.0.0.1"}, nodes
    start_ray()  # With a token of its own.
assert ray.get(ray.remote(lambda: 7).remote()) == 7
"""


@pytest.mark.slow
@pytest.mark.parametrize("how", ["script", "asyncio", "ray"])
def test_sweeps_and_reruns_from_python(tmp_path: Path, how: str) -> None:
    """In a script; in a thread and in a loop that runs; and with a Ray that the program has started itself."""
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, how],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=300,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("**Table summary.**") == (how != "asyncio")
    assert ("starting Ray" in done.stderr) == (how != "ray")
    assert ("using the Ray of this program" in done.stderr) == (how == "ray")
