"""Stands for the agents of the dashboard and of runtime environments, which a raylet wants to see and a run never asks.

Run by the raylet, with the agent's options, as long as that lives; it waits for the ports on which they serve.
"""

from __future__ import annotations

import os
import sys
import time

PORTS = ("metrics_agent_port", "metrics_export_port", "dashboard_agent_listen_port", "runtime_env_agent_port")
NONE = "-1"
POLL_SECONDS = 1.0


def write_ports(session: str, node: str) -> None:
    """Says that nothing is served."""
    for name in PORTS:
        path = os.path.join(session, f"{name}_{node}")
        draft = f"{path}.{os.getpid()}"
        with open(draft, "w", encoding="ascii") as stream:
            stream.write(NONE)
        os.replace(draft, path)


def main(options: list[str]) -> None:
    """Waits for the end of the raylet."""
    parent = os.getppid()
    given = dict(option.removeprefix("--").split("=", 1) for option in options if "=" in option)
    write_ports(given["session-dir"], given["node-id"])
    while os.getppid() == parent:
        time.sleep(POLL_SECONDS)


if __name__ == "__main__":
    main(sys.argv[1:])
