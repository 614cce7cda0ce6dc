"""The template and what stands for a worker in Ray's eyes, with a program that says what it finds."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest

from search.cluster import forking
from search.cluster.forking import PROGRAMS, Template
from search.cluster.programs import template as program
from search.cluster.programs.worker import TEMPLATE, find_program

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="workers are forked on Linux only")
TELLS = """
import json, os, random, sys, time
found = {"pid": os.getpid(), "parent": os.getppid(), "argv": sys.argv, "path": sys.path[0], "folder": os.getcwd(),
         "mark": os.environ.get("MARK"), "drawn": random.random(), "forked": "colorsys" in sys.modules,
         "main": __name__, "group": os.getpgid(0), "score": open("/proc/self/oom_score_adj").read()}
print(json.dumps(found), flush=True)
time.sleep(float(sys.argv[1]))
"""


@pytest.fixture
def template() -> Iterator[Template]:
    """One that has imported next to nothing."""
    made = Template(dict(os.environ), ["random", "colorsys"])
    yield made
    made.end()


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., tuple[subprocess.Popen[bytes], dict[str, Any]]]]:
    """Starts the program as the raylet starts a worker; returns the process and what the program has said."""
    (tmp_path / "default_worker.py").write_text(TELLS)
    (tmp_path / "setup_worker.py").write_text(TELLS.replace("sys.argv[1]", "sys.argv[2]"))
    started: list[subprocess.Popen[bytes]] = []

    def start(address: str, seconds: float = 0.0) -> tuple[subprocess.Popen[bytes], dict[str, Any]]:
        command = [sys.executable, str(PROGRAMS / "worker.py"), str(tmp_path / "default_worker.py"), str(seconds)]
        environment = os.environ | {TEMPLATE: address, "MARK": "mine"}
        process = subprocess.Popen(
            [*command, "--language=PYTHON"], cwd=tmp_path, env=environment, stdout=subprocess.PIPE
        )
        started.append(process)
        assert process.stdout is not None
        return process, json.loads(process.stdout.readline())

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_a_worker_is_forked_as_if_it_had_been_started(template: Template, start: Any, tmp_path: Path) -> None:
    (first, one), (_, two) = start(template.address), start(template.address)
    assert first.wait(10) == 0
    assert one["forked"]
    assert one["argv"] == [str(tmp_path / "default_worker.py"), "0.0"]  # Without what is for setup_worker.py alone.
    assert (one["path"], one["folder"], one["mark"], one["main"]) == (str(tmp_path), str(tmp_path), "mine", "__main__")
    assert one["group"] == one["pid"]  # Ray ends the process group of a worker.
    assert one["score"] == Path("/proc/self/oom_score_adj").read_text()
    assert one["drawn"] != two["drawn"]


def test_no_two_workers_draw_the_same_names(start: Any, tmp_path: Path) -> None:
    """Ray names objects by a generator of its own, in C++: of two of one name that are made at once, a worker dies."""
    template = Template(dict(os.environ))
    program = tmp_path / "default_worker.py"
    program.write_text(TELLS.replace("random.random()", "sys.modules['ray'].ObjectID.from_random().hex()"))
    try:
        drawn = {start(template.address)[1]["drawn"] for _ in range(3)}
    finally:
        template.end()
    assert len(drawn) == 3


@pytest.mark.parametrize("address", ["nobody there", "", "wrong secret"])
def test_without_a_template_it_is_started(template: Template, start: Any, tmp_path: Path, address: str) -> None:
    process, found = start(address.replace("wrong", template.address.split()[0]))
    assert process.wait(10) == 0
    assert not found["forked"]
    assert found["argv"] == [
        str(tmp_path / "setup_worker.py"),
        str(tmp_path / "default_worker.py"),
        "0.0",
        "--language=PYTHON",
    ]


@pytest.mark.parametrize("dies", ["worker", "stand-in"])
def test_worker_and_stand_in_end_together(template: Template, start: Any, dies: str) -> None:
    process, found = start(template.address, 60.0)
    worker = psutil.Process(found["pid"])
    os.kill(worker.pid if dies == "worker" else process.pid, signal.SIGKILL)
    process.wait(10)
    worker.wait(10)
    assert template.alive


def test_the_template_ends_with_its_driver() -> None:
    code = (
        "import os, time; from search.cluster.forking import Template\n"
        "print(Template(dict(os.environ), ['random'])._process.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE) as driver:
        assert driver.stdout is not None
        template = psutil.Process(int(driver.stdout.readline()))
        driver.kill()
    template.wait(10)


def test_one_template_serves_until_it_is_dismissed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forking, "MODULES", ())
    monkeypatch.setattr(forking, "Template", lambda environment: Template(environment, ["random"]))
    assert forking.find_template() is None
    forking.prepare_workers(dict(os.environ))
    address = forking.find_template()
    forking.prepare_workers(dict(os.environ))
    assert forking.find_template() == address is not None
    process = forking._template[0]._process
    process.kill()
    process.wait()
    assert forking.find_template() is None
    forking.prepare_workers(dict(os.environ))
    assert forking.find_template() not in (None, address)
    forking.dismiss_template()
    assert forking.find_template() is None


def test_python_own_options_stand_before_the_program() -> None:
    assert find_program(["-S", "-s", "/ray/default_worker.py", "--a=1"]) == 2


def test_a_raylet_finds_the_ports_of_its_agents(tmp_path: Path) -> None:
    options = [f"--session-dir={tmp_path}", "--node-id=beef", "--node-ip-address=127.0.0.1"]
    command = [sys.executable, str(PROGRAMS / "agent.py"), *options]
    environment = os.environ | {"RAY_RAYLET_PID": str(os.getpid())}
    with (
        subprocess.Popen([*command, "--minimal"], env=environment) as dashboard,
        subprocess.Popen([*command, "--runtime-env-dir=x"], env=environment) as env,
    ):
        names = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
        give_up = time.monotonic() + 10
        while {path.name for path in tmp_path.iterdir()} != {f"{name}_beef" for name in names}:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        assert [(tmp_path / f"{name}_beef").read_text() for name in names[:3]] == ["-1"] * 3
        port = int((tmp_path / "runtime_env_agent_port_beef").read_text())
        socket.create_connection(("127.0.0.1", port), 5).close()
        while "runtime_env/agent/main.py" not in " ".join(psutil.Process(env.pid).cmdline()):
            assert time.monotonic() < give_up
            time.sleep(0.02)
        dashboard.kill()
        env.kill()


def test_an_agent_whose_raylet_is_gone_before_it_looks_ends(tmp_path: Path) -> None:
    options = [f"--session-dir={tmp_path}", "--node-id=beef", "--node-ip-address=127.0.0.1", "--minimal"]
    environment = os.environ | {"RAY_RAYLET_PID": "1"}  # Which is not its parent.
    command = [sys.executable, str(PROGRAMS / "agent.py"), *options]
    assert subprocess.run(command, env=environment, timeout=20, check=False).returncode == 0


@pytest.fixture
def ends() -> Iterator[tuple[socket.socket, socket.socket]]:
    """The template's end of a connection, and the other one."""
    ours, other = socket.socketpair()
    with ours, other:
        yield ours, other


def test_the_template_forks_for_its_own_user_only(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    assert program.is_own(ends[0])
    user = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: user + 1)
    assert not program.is_own(ends[0])


@pytest.mark.skipif(os.getuid() != 0, reason="only root can be another user")
def test_another_user_gets_no_fork(template: Template) -> None:
    name = "\0" + template.address.split()[0]
    asks = "import os, socket; os.setuid(65534); c = socket.socket(socket.AF_UNIX); c.connect(NAME); print(c.recv(1))"
    command = [sys.executable, "-c", asks.replace("NAME", repr(name))]
    told = subprocess.run(command, capture_output=True, text=True, timeout=20, check=False)
    assert told.stdout == "b''\n", told.stderr  # Whatever it may have to say.
    assert template.alive


def test_who_says_nothing_is_not_waited_for(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(program, "ASK_SECONDS", 0.01)
    with pytest.raises(TimeoutError):
        program.become_worker(ends[0], "secret")


def test_a_worker_ends_too_if_its_stand_in_never_read_the_answer(ends: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    killed: list[int] = []
    monkeypatch.setattr(os, "kill", lambda process, number: killed.append(process))
    ends[0].sendall(b"!")
    ends[1].close()
    program.end_with(ends[0])
    assert killed == [os.getpid()]
