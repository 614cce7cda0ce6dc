"""What Ray starts and imports on one machine that a run has no use for: half of the time that its start takes.

Ray has no public switch for any of it. What a version of Ray does not have is left alone.
"""

from __future__ import annotations

import os
import shlex
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

from search.cluster.forking import PROGRAMS, find_template
from search.cluster.programs.worker import TEMPLATE

SETTINGS = {
    # What every worker needs is imported while the driver gets ready, in the workers that Ray starts for that time.
    "RAY_preload_python_modules": "torch,ray.tune",
    "PL_DISABLE_FORK": "1",  # Tune's; see search.cluster.tuned.
}


@contextmanager
def started_lean(local: bool) -> Iterator[None]:
    """Within the ``with`` block Ray starts on this machine without what serves clusters and people who watch them.

    That is the autoscaler, the monitor that sends workers' logs to the driver, and the dashboard with its agent's
    server, of which the driver would also import what they need; and the environment that Ray gives workers under
    ``uv run``, because on this machine they have the driver's Python anyway.
    """
    from ray._private import node, ray_constants, services, utils

    def start_nothing(self: Any, **options: Any) -> None:
        pass

    def name_missing() -> ImportError:
        return ImportError("the dashboard is left out")

    def start_process(command: Sequence[str], *given: Any, **known: Any) -> Any:
        return start(_replace_programs(command), *given, **known)

    start: Any = getattr(services, "start_ray_process", None)
    with ExitStack() as stack:
        if local:
            for name in ("start_monitor", "start_log_monitor", "start_api_server"):
                stack.enter_context(replaced(node.Node, name, start_nothing))
            stack.enter_context(replaced(utils, "get_dashboard_dependency_error", name_missing))
            stack.enter_context(replaced(services, "start_ray_process", start_process))
            stack.enter_context(replaced(ray_constants, "RAY_ENABLE_UV_RUN_RUNTIME_ENV", False))
        yield


def _replace_programs(command: Sequence[str]) -> list[str]:
    """A raylet's command line with our programs in place of some that it is to start."""
    ours = {"dashboard/agent.py": "agent.py", "runtime_env/agent/main.py": "agent.py"}
    if (address := find_template()) is not None:
        os.environ[TEMPLATE] = address
        ours["workers/setup_worker.py"] = "worker.py"

    def replace(word: str) -> str:
        return next((str(PROGRAMS / own) for theirs, own in ours.items() if word.endswith("/" + theirs)), word)

    found = []
    for option in command:
        flag, equals, program = option.partition("=")
        if flag.endswith(("_agent_command", "python_worker_command")):
            program = subprocess.list2cmdline([replace(word) for word in shlex.split(program)])
        found.append(flag + equals + program)
    return found


@contextmanager
def replaced(owner: Any, name: str, value: Any) -> Iterator[None]:
    """For the time of a ``with`` block an attribute is another one, if there is any of that name."""
    if not hasattr(owner, name):
        yield
        return
    before = getattr(owner, name)
    setattr(owner, name, value)
    try:
        yield
    finally:
        setattr(owner, name, before)
