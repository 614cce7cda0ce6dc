"""A process that has imported what every worker needs, and from which workers are forked.

Run by ``search.cluster.forking`` as ``python template.py FOLDER LISTENER DRIVER MODULE..``: the folder of our packages,
and two handles: a socket that listens, and a pipe that ends with the driver.

It computes nothing: the threads that its libraries may have started wait for work, and hold nothing that a fork needs.
"""

from __future__ import annotations

import gc
import json
import os
import runpy
import select
import signal
import socket
import struct
import sys
import threading
from contextlib import suppress
from importlib import import_module
from typing import Any

ASK_SECONDS = 30.0  # Within which whoever connects must have said what for.


def is_own(connection: socket.socket) -> bool:
    """Whether a program of this user is at the other end: any other may connect too."""
    _, user, _ = struct.unpack("3i", connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
    return user == os.getuid()


def receive(connection: socket.socket) -> tuple[bytes, list[int]]:
    """The line that ``worker.py`` has sent, and the handles that came with it."""
    line, handles, _, _ = socket.recv_fds(connection, 65536, 3)
    while not line.endswith(b"\n") and (more := connection.recv(65536)):
        line += more
    return line, handles


def draw_from_system() -> None:
    """Has Ray name the actors' classes that it meets at imports without its own generator of random numbers.

    A worker seeds that when it first draws, unless the template has: then all would draw the same. Two that started at
    once gave one name to two objects, one of them died of it, and Ray never told the driver that it had started.
    """
    actor: Any = import_module("ray.actor")
    kind = actor.ActorClassID

    class Drawn:
        """Stands for the class of these names while they are made."""

        @staticmethod
        def from_random() -> object:
            return kind(os.urandom(kind.size()))

    actor.ActorClassID = Drawn


def end_with(connection: socket.socket) -> None:
    """Ends this process when the program that asked for it ends, as it does with the raylet."""
    with suppress(OSError):  # A reset is an end too.
        connection.recv(1)
    os.kill(os.getpid(), signal.SIGKILL)


def become_worker(connection: socket.socket, secret: str) -> None:
    """Goes on as the program that was asked for; returns at its end."""
    connection.settimeout(ASK_SECONDS)
    content, handles = receive(connection)
    connection.settimeout(None)
    asked = json.loads(content)
    if asked["secret"] != secret or len(handles) != 3:
        return
    os.setsid()
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    for number, handle in enumerate(handles):
        os.dup2(handle, number)
        os.close(handle)
    os.chdir(asked["folder"])
    os.environ.clear()
    os.environ.update(asked["environment"])
    with open("/proc/self/oom_score_adj", "w", encoding="ascii") as stream:
        stream.write(asked["oom_score_adj"])
    for name in ("random", "numpy.random"):
        if name in sys.modules:
            sys.modules[name].seed()  # Or all workers would draw the same numbers.
    if raylet := sys.modules.get("ray._raylet"):
        raylet.Config.initialize("")  # As it was read when Ray was imported; no public function makes it look again.
        raylet.AuthenticationTokenLoader.instance().reset_cache()
    sys.argv = asked["command"]
    sys.path[0] = os.path.dirname(sys.argv[0])
    connection.sendall(b"!")
    threading.Thread(target=end_with, args=[connection], daemon=True).start()
    runpy.run_path(sys.argv[0], run_name="__main__")


def main(folder: str, listener: int, driver: int, modules: list[str]) -> None:
    """Imports, then forks until the driver is gone."""
    secret = os.environ["INVSEARCH_TEMPLATE"].split()[1]
    own, sys.path[0] = sys.path[0], folder
    if any(name.split(".")[0] == "ray" for name in modules):
        draw_from_system()
    for name in modules:
        import_module(name)
    sys.path[0] = own
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # The system forgets workers that have ended.
    gc.collect()
    gc.freeze()  # What is never freed stays shared.
    with socket.socket(fileno=listener) as waiting:
        while True:
            ready, _, _ = select.select([waiting, driver], [], [])
            if driver in ready:
                return
            connection, _ = waiting.accept()
            if is_own(connection) and os.fork() == 0:
                break
            connection.close()
    os.close(driver)
    become_worker(connection, secret)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]), sys.argv[4:])
