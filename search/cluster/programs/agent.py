"""Stands for the agents of the dashboard and of runtime environments, which a raylet wants and a run hardly ever asks.

Run by the raylet, with the agent's options, as long as that lives; it waits for the ports on which they serve. Who does
ask for a runtime environment is answered by Ray's own agent, which this program becomes then.
"""

from __future__ import annotations

import os
import select
import socket
import sys
from importlib.util import find_spec
from pathlib import Path

NOT_SERVED = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port")
SERVED = "runtime_env_agent_port"
POLL_SECONDS = 1.0


def write_port(session: str, node: str, name: str, port: int) -> None:
    """Says where an agent serves; -1 where it does not."""
    path = os.path.join(session, f"{name}_{node}")
    draft = f"{path}.{os.getpid()}"
    with open(draft, "w", encoding="ascii") as stream:
        stream.write(str(port))
    os.replace(draft, path)


def main(options: list[str]) -> None:
    """Waits for the end of the raylet, or for somebody who asks."""
    parent = int(os.environ["RAY_RAYLET_PID"])  # It may be dead by now, and this process another's child.
    given = dict(option.removeprefix("--").split("=", 1) for option in options if "=" in option)
    session, node = given["session-dir"], given["node-id"]
    with socket.socket() as listener:
        if "runtime-env-dir" in given:
            listener.bind((given["node-ip-address"], 0))
            listener.listen()
            write_port(session, node, SERVED, listener.getsockname()[1])
        else:
            for name in NOT_SERVED:
                write_port(session, node, name, -1)
        waited = [listener] if "runtime-env-dir" in given else []
        while os.getppid() == parent:
            if select.select(waited, [], [], POLL_SECONDS)[0]:
                port = listener.getsockname()[1]
                break
        else:
            return
    ray = Path(str(find_spec("ray").origin)).parent  # pyright: ignore[reportOptionalMemberAccess]
    program = ray / "_private" / "runtime_env" / "agent" / "main.py"
    others = [option for option in options if not option.startswith("--runtime-env-agent-port=")]
    os.execv(sys.executable, [sys.executable, "-u", str(program), *others, f"--runtime-env-agent-port={port}"])


if __name__ == "__main__":
    main(sys.argv[1:])
