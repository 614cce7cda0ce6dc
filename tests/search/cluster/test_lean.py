"""That what is left out of Ray is there to be left out: a new version of Ray may call it by another name."""

from __future__ import annotations

import inspect
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from ray._private import node, ray_constants, services, utils, worker
from ray._private.runtime_env import uv_runtime_env_hook
from ray.air._internal import usage
from ray.tune.execution import class_cache, tune_controller

from search.cluster import lean, tuned
from search.cluster.forking import PROGRAMS
from search.cluster.lean import replaced, started_lean
from search.cluster.programs.worker import TEMPLATE


def test_ray_on_this_machine_starts_no_helpers() -> None:
    names = ("start_monitor", "start_log_monitor", "start_api_server")
    before = [getattr(node.Node, name) for name in names]
    with started_lean(local=True):
        for name in names:
            assert getattr(node.Node, name)(object(), include_dashboard=False, raise_on_failure=False) is None
        assert isinstance(utils.get_dashboard_dependency_error(), ImportError)
    assert [getattr(node.Node, name) for name in names] == before
    assert utils.get_dashboard_dependency_error() is None
    with started_lean(local=False):
        assert [getattr(node.Node, name) for name in names] == before


def test_workers_on_this_machine_have_the_python_of_a_driver_under_uv(monkeypatch: pytest.MonkeyPatch) -> None:
    def find_environment() -> object:
        return worker._maybe_modify_runtime_env(None, False)

    monkeypatch.delenv("RAY_RUNTIME_ENV_HOOK", raising=False)
    monkeypatch.setattr(uv_runtime_env_hook, "_get_uv_run_cmdline", lambda: ["uv", "run"])
    monkeypatch.setattr(uv_runtime_env_hook, "hook", lambda environment: {"py_executable": "uv run python"})
    with started_lean(local=True):
        assert find_environment() is None
    with started_lean(local=False):
        assert find_environment() == {"py_executable": "uv run python"}


def test_a_raylet_is_told_to_start_our_programs_in_place_of_some(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []
    monkeypatch.setattr(services, "start_ray_process", lambda command, kind: started.append(command))
    monkeypatch.setattr(lean, "find_template", lambda: "name secret")
    monkeypatch.setenv(TEMPLATE, "")
    agents, workers = Path("/a folder/ray"), Path("/r")
    commands = {
        "python_worker_command": f"/bin/python {workers / 'workers/setup_worker.py'} -s /r/default_worker.py --a=b=c",
        "dashboard_agent_command": f'/bin/python -u "{agents / "dashboard/agent.py"}" --node-id=1',
        "runtime_env_agent_command": f'/bin/python -u "{agents / "_private/runtime_env/agent/main.py"}"',
        "gcs-address": "1.2.3.4:5",
    }
    ray: Any = services
    command = ["raylet", *(f"--{name}={text}" for name, text in commands.items())]
    with started_lean(local=True):
        ray.start_ray_process(command, "raylet")
    monkeypatch.setattr(lean, "find_template", lambda: None)
    with started_lean(local=True):
        ray.start_ray_process(command, "raylet")
    ours = [
        "raylet",
        f"--python_worker_command=/bin/python {PROGRAMS / 'worker.py'} -s /r/default_worker.py --a=b=c",
        f"--dashboard_agent_command=/bin/python -u {PROGRAMS / 'agent.py'} --node-id=1",
        f"--runtime_env_agent_command=/bin/python -u {PROGRAMS / 'agent.py'}",
        "--gcs-address=1.2.3.4:5",
    ]
    assert started == [ours, [command[1] if "worker" in each else each for each in ours]]
    assert os.environ[TEMPLATE] == "name secret"


def test_ray_has_what_is_replaced() -> None:
    """By their names in this version of Ray; in another one they may be left as they are."""
    code = inspect.getsource(services.start_raylet)
    for name in ('"dashboard", "agent.py"', '"runtime_env", "agent", "main.py"', "--python_worker_command="):
        assert name in code
    assert ray_constants.SETUP_WORKER_FILENAME == "setup_worker.py"


def test_tune_counts_nobody_and_gives_workers_no_environment() -> None:
    before, controller = usage.tag_callbacks, vars(tune_controller)
    assert "PL_DISABLE_FORK" in class_cache.DEFAULT_ENV_VARS
    with tuned.tuned_lean():
        assert usage.tag_callbacks(None) is False
        assert class_cache.DEFAULT_ENV_VARS == {}
        assert controller["_ObjectCache"] is tuned.Waiting
    assert usage.tag_callbacks is before
    assert "PL_DISABLE_FORK" in class_cache.DEFAULT_ENV_VARS


def test_all_waiting_workers_are_kept_until_the_search_is_over() -> None:
    waiting = tuned.Waiting(may_keep_one=True)
    assert [waiting.cache_object("1 CPU", name) for name in ("one", "two", "three")] == [True] * 3
    assert list(waiting.flush_cached_objects()) == []
    assert waiting.pop_cached_object("1 CPU") == "one"
    assert sorted(waiting.flush_cached_objects(force_all=True)) == ["three", "two"]
    assert not waiting.has_cached_object("1 CPU")


def test_what_is_not_there_is_left_alone_and_errors_pass() -> None:
    owner = SimpleNamespace(there=1)
    with replaced(owner, "gone", 2):
        assert not hasattr(owner, "gone")
    with pytest.raises(ValueError, match="mine"), replaced(owner, "there", 2):
        raise ValueError("mine")
    assert owner.there == 1
