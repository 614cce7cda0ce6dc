"""Real sweeps in processes of their own that are interrupted, killed or fed bad configurations."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil
import pytest

from tests.plugin import in_workers
from tests.search.alone import read_records as records
from tests.search.alone import read_rows as results
from tests.search.alone import train_alone
from tests.servers import free_port

ROOT = Path(__file__).resolve().parents[2]
FULL = ["--scheduler", "none", "--samples", "4", "--epochs", "40", "--architectures", "conv,invariant"]
PATIENCE = 240.0

UPLOADED = """
import sys
from search.cluster.session import Resources, ray_session, set_environment
from search.datasets import find_dataset, load_split
asked = Resources(address=sys.argv[1])
set_environment(asked)
import ray
with ray_session(asked):
    @ray.remote
    def look():
        import pathlib
        folders = [pathlib.Path(path) for path in sys.path if "runtime_resources" in path]
        return sorted(file.parent.name for folder in folders for file in folder.glob("*/__init__.py"))
    print(ray.get(look.remote()))

    split = ray.put(load_split(find_dataset("digits"), "sweep", 0))
    @ray.remote
    def see(split):
        images = split.train_x
        return images.flags.writeable, images.flags.owndata
    print(ray.get([see.remote(split) for _ in range(2)]))
"""

pytestmark = pytest.mark.slow


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "search", *arguments]


def finish(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command(*arguments), cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE)


def start(*arguments: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        command(*arguments), cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def outcomes(run: Path) -> dict[str, str]:
    found = (run / "trials").glob("*/verdict.json")
    return {path.parent.name: json.loads(path.read_bytes())["status"] for path in found}


def wait_for(what: Callable[[], bool], process: subprocess.Popen[str]) -> None:
    give_up = time.monotonic() + PATIENCE
    while not what():
        assert process.poll() is None, process.communicate()
        assert time.monotonic() < give_up
        time.sleep(0.02)


def descendants(pid: int) -> list[int]:
    children = subprocess.run(["pgrep", "-P", str(pid)], capture_output=True, text=True).stdout.split()
    return [descendant for child in map(int, children) for descendant in (child, *descendants(child))]


def workers(pid: int) -> list[int]:
    """The processes that train trials for a driver; named after Ray's class around ours, or ours when idle."""
    names, found = (b"ray::ResourceTrainable", b"ray::RecordedTrial"), []
    for each in descendants(pid):
        with suppress(OSError):  # It may have ended.
            if Path(f"/proc/{each}/cmdline").read_bytes().startswith(names):
                found.append(each)
    return found


def kill(process: subprocess.Popen[str]) -> None:
    """SIGKILL to a driver, and waits for its workers: without it they may still commit an epoch or two."""
    process.send_signal(signal.SIGSTOP)  # It starts no further trial while we look.
    orphans = [psutil.Process(pid) for pid in workers(process.pid)]
    process.kill()
    process.communicate()
    assert psutil.wait_procs(orphans, PATIENCE)[1] == []


def check_undisturbed(run: Path) -> None:
    """It is complete, and bit by bit what its trials come to where nothing happens to them."""
    undisturbed = train_alone(run)
    assert results(run) == undisturbed
    assert outcomes(run) == {
        name: "diverged" if rows[-1]["val_accuracy"] is None else "completed" for name, rows in undisturbed.items()
    }


@pytest.mark.usefixtures("paced")
def test_killed_half_way_and_run_again(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with start("sweep", *FULL, "--out", str(run)) as process:
        wait_for(lambda: len(outcomes(run)) >= 3, process)
        kill(process)
    ended = {name: (run / "trials" / name / "record.json").stat().st_mtime_ns for name in outcomes(run)}
    assert 3 <= len(ended) < 8
    assert finish("sweep", *FULL, "--out", str(run)).returncode == 0
    for name, modified in ended.items():
        assert (run / "trials" / name / "record.json").stat().st_mtime_ns == modified  # Not retrained.
    check_undisturbed(run)


@pytest.mark.usefixtures("paced")
def test_a_killed_worker_costs_nothing(tmp_path: Path) -> None:
    run = tmp_path / "run"
    with start("sweep", *FULL, "--out", str(run)) as process:
        wait_for(lambda: len(records(run)) >= 3, process)
        process.send_signal(signal.SIGSTOP)
        os.kill(workers(process.pid)[0], signal.SIGKILL)
        process.send_signal(signal.SIGCONT)
        _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == 0, errors
    check_undisturbed(run)


@pytest.mark.usefixtures("paced")
def test_a_signal_stops_cleanly_and_says_how_to_go_on(tmp_path: Path) -> None:
    """One signal, the same command again, another signal, and again."""
    run = tmp_path / "run"
    rows = 0
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
        with start("sweep", *FULL, "--out", str(run)) as process:
            wait_for(lambda rows=rows: len(results(run)) >= 2 and sum(map(len, results(run).values())) > rows, process)
            process.send_signal(number)
            _, errors = process.communicate(timeout=PATIENCE)
        assert process.returncode == code
        told = f"invsearch: interrupted; to resume: invsearch sweep {' '.join(FULL)} --out {run}"
        assert errors.splitlines()[-1] == told
        assert "Traceback" not in errors
        assert "stopped" not in outcomes(run).values()  # An interruption is no outcome.
        assert json.loads((run / "history.jsonl").read_text().splitlines()[-1])["outcome"] == "interrupted"
        rows = sum(map(len, results(run).values()))
    assert len(outcomes(run)) < 8
    assert finish("sweep", *FULL, "--out", str(run)).returncode == 0
    check_undisturbed(run)


@pytest.mark.usefixtures("paced")
def test_reproduce_goes_on_and_prints_the_table(tmp_path: Path) -> None:
    arguments = ["reproduce", "1.3", "--samples", "3", "--epochs", "3", "--grace-period", "1", "--seeds", "2"]
    arguments += ["--rerun-epochs", "40", "--out"]  # Or they would be over before the kill.
    run = tmp_path / "run"
    with start(*arguments, str(run)) as process:
        wait_for(lambda: any(record["trial"]["phase"] == "rerun" for record in records(run).values()), process)
        kill(process)
    done = finish(*arguments, str(run))
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("starting Ray") == 1  # For all phases.
    assert "Convolutional" in done.stdout
    assert {name for name, record in records(run).items() if record["trial"]["phase"] == "rerun"} <= outcomes(
        run
    ).keys()
    again = finish(*arguments, str(run))
    assert again.stdout == done.stdout


@pytest.mark.usefixtures("paced")
def test_tpe_over_further_hyperparameters_killed_and_run_again(tmp_path: Path) -> None:
    """What was begun is finished bit for bit as if nothing had happened."""
    space, run = tmp_path / "mine.yaml", tmp_path / "run"
    space.write_text(
        "{lr: {choice: [0.05, 0.1]}, momentum: 0.5, weight_decay: 0, gain: 1, batch_size: {randint: [30, 32]},"
        " schedule: {choice: [constant, cosine, steps]}}"
    )
    common = ["sweep", "--architectures", "conv", "--scheduler", "none", "--epochs", "80", "--space", str(space)]
    arguments = [*common, "--search", "tpe", "--samples", "6", "--out", str(run)]
    with start(*arguments) as process:
        wait_for(lambda: len(outcomes(run)) >= 2, process)
        kill(process)
    assert 2 <= len(outcomes(run)) < 6
    assert finish(*arguments).returncode == 0
    assert len(results(run)) == 6
    check_undisturbed(run)


@pytest.mark.parametrize("search", ["grid", "tpe"])
def test_divergence_is_a_result_and_stops_nothing(tmp_path: Path, search: str) -> None:
    space = tmp_path / "space.yaml"
    space.write_text("lr: {choice: [0.05, 1e30]}\nmomentum: {choice: [0, 0.9]}\nweight_decay: 0\ngain: 1\n")
    run = tmp_path / "run"
    done = finish(
        "sweep", "--search", search, "--space", str(space), "--samples", "4", "--epochs", "3", "--out", str(run)
    )
    assert done.returncode == 0, done.stderr
    for name, record in records(run).items():
        diverges = record["trial"]["lr"] > 1
        assert record["status"] == ("diverged" if diverges else "running")
        assert (outcomes(run)[name] == "diverged") == diverges
        assert (record["rows"][-1]["val_accuracy"] is None) == diverges
    assert len(records(run)) == 8


def test_failures_are_results_and_stop_nothing(tmp_path: Path) -> None:
    """Of three architectures one cannot be built, and the workers that train another die as if for lack of memory."""
    run = tmp_path / "run"
    in_workers(
        tmp_path,
        "import os, models, search.training.loop\n"
        "build, epoch = models.build, search.training.loop.Training.run_epoch\n"
        "def broken(name, **options):\n"
        "    if name == 'invariant':\n"
        "        raise MemoryError('no memory for this one')\n"
        "    return build(name, **options)\n"
        "def run_epoch(self):\n"
        "    return os._exit(9) if self.spec.architecture == 'learned' else epoch(self)\n"
        "models.build, search.training.loop.Training.run_epoch = broken, run_epoch\n",
    )
    environment = os.environ | {"PYTHONPATH": f"{tmp_path}:{ROOT}"}
    arguments = ["sweep", "--architectures", "conv,invariant,learned", "--samples", "1", "--epochs", "2"]
    done = subprocess.run(
        command(*arguments, "--out", str(run)),
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
    )
    assert done.returncode == 3, done.stderr
    assert "2 trials failed" in done.stderr
    found = {record["trial"]["architecture"]: (name, record) for name, record in records(run).items()}
    assert {name: outcomes(run)[trial] for name, (trial, _) in found.items()} == {
        "conv": "completed",
        "invariant": "failed",
        "learned": "failed",
    }
    assert {name: len(record["rows"]) for name, (_, record) in found.items()} == {
        "conv": 2,
        "invariant": 0,
        "learned": 0,
    }
    assert "no memory for this one" in found["invariant"][1]["error"]
    assert found["learned"][1]["error"].startswith("its worker died 4 times")


def test_a_running_cluster_can_be_used(tmp_path: Path) -> None:
    """Its workers train the trials, and have all four packages by upload (here they could import the checkout too).

    Two of them see the same images in Ray's object store: read-only, and not memory of their own.
    """
    ray = str(Path(sys.executable).parent / "ray")
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    port = free_port()
    address = f"127.0.0.1:{port}"
    options = [f"--port={port}", "--num-cpus=2", "--include-dashboard=false", "--node-ip-address=127.0.0.1"]
    run = tmp_path / "run"
    with subprocess.Popen(
        [ray, "start", "--head", "--block", *options],
        cwd=tmp_path,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    ) as head:
        try:
            assert head.stdout is not None
            assert any("runtime started" in line for line in head.stdout)
            done = finish("sweep", "--samples", "2", "--epochs", "2", "--address", address, "--out", str(run))
            uploaded = subprocess.run(
                [sys.executable, "-c", UPLOADED, address], cwd=ROOT, capture_output=True, text=True, timeout=PATIENCE
            )
        finally:
            head.terminate()  # Not `ray stop`: that ends every Ray on this machine.
    Path("/tmp/ray/ray_current_cluster").unlink(missing_ok=True)  # Or `--address auto` would look there for ever.
    assert done.returncode == 0, done.stderr
    assert len(outcomes(run)) == 4
    looked, seen = uploaded.stdout.strip().splitlines() or [uploaded.stderr, ""]
    assert looked == "['analysis', 'models', 'search', 'spaces']"
    assert seen == "[(False, False), (False, False)]"


def test_no_cluster_there_is_one_line(tmp_path: Path) -> None:
    done = finish(
        "sweep", "--samples", "1", "--epochs", "1", "--address", "127.0.0.1:9", "--out", str(tmp_path / "run")
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("invsearch: address 127.0.0.1:9: no Ray cluster there")
    assert "Traceback" not in done.stderr


def test_more_than_the_machine_has_is_one_line(tmp_path: Path) -> None:
    done = finish(
        "sweep", "--samples", "1", "--epochs", "1", "--cpus-per-trial", "4096", "--out", str(tmp_path / "run")
    )
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1].startswith("invsearch: a trial asks for 4096 CPUs")
