"""Stands in Ray's eyes for a worker: has one forked from the template, and ends when that ends.

Run by the raylet in place of Ray's own ``setup_worker.py``, with its options. Where no template answers, or the worker
is to have an environment of its own, it becomes that program.
"""

from __future__ import annotations

import json
import os
import select
import socket
import sys

TEMPLATE = "INVSEARCH_TEMPLATE"  # The variable that names the template's socket and what it wants to hear.
LANGUAGE = "--language="  # An option of setup_worker.py, and of no worker; so is the next.
ENVIRONMENT = "--serialized-runtime-env-context="
POLL_SECONDS = 0.5


def find_program(options: list[str]) -> int:
    """Where among the options the program of the worker is: after Python's own."""
    return next(index for index, option in enumerate(options) if not option.startswith("-"))


def have_forked(command: list[str], raylet: int) -> bool:
    """Asks the template for a worker, and waits for its end or the raylet's; False if there was none."""
    name, secret = os.environ[TEMPLATE].split()
    with open("/proc/self/oom_score_adj", encoding="ascii") as stream:
        score = stream.read()
    asked = {"secret": secret, "command": command, "folder": os.getcwd(), "environment": dict(os.environ)}
    with socket.socket(socket.AF_UNIX) as connection:
        connection.connect("\0" + name)
        content = json.dumps(asked | {"oom_score_adj": score}).encode()
        sent = socket.send_fds(connection, [content], [0, 1, 2])
        connection.sendall(content[sent:])
        connection.sendall(b"\n")
        if not connection.recv(1):
            return False
        while os.getppid() == raylet and not select.select([connection], [], [], POLL_SECONDS)[0]:
            pass  # Its end is the worker's, which ends with us.
        return True


def main(options: list[str]) -> None:
    """A forked worker, or a new one."""
    raylet = os.getppid()
    start = find_program(options)
    program = options[start]
    try:
        own = any(option.startswith(ENVIRONMENT) for option in options)
        if not own and have_forked([option for option in options[start:] if not option.startswith(LANGUAGE)], raylet):
            return
    except (KeyError, ValueError, OSError):
        pass
    if os.getppid() != raylet:
        return  # Nobody is left to work for.
    setup = os.path.join(os.path.dirname(program), "setup_worker.py")
    os.execv(sys.executable, [sys.executable, setup, *options])


if __name__ == "__main__":
    main(sys.argv[1:])
