"""Workers forked from a template that has imported what they need.

Ray starts a new Python for each worker, which takes four seconds of a core at the start of every phase and after every
death.
"""

from __future__ import annotations

import os
import secrets
import socket
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from search.cluster.programs.worker import TEMPLATE
from search.storage.provenance import ROOT

PROGRAMS = Path(__file__).parent / "programs"
# torch imports its compiler when it is first seeded, or has an optimiser.
MODULES = ("random", "numpy.random", "torch", "torch._dynamo", "ray.tune", "search.tuning.trainable")


# What Ray reads of the environment when it is imported, and never again. Its raylet, which is not there yet, starts
# workers for any job, and has a worker end when there is no process of that number any more.
INTERNAL = {"RAY_JOB_ID": "ffffffff", "RAY_RAYLET_PID": str(os.getpid())}


class Template:
    """The process from which workers are forked; it ends with this program, however that ends.

    Args:
        environment: of the process.
        modules: what it imports.

    Attributes:
        address: what a worker must know to be forked: the socket's name, and a secret.
    """

    def __init__(self, environment: dict[str, str], modules: Sequence[str] = MODULES) -> None:
        name = secrets.token_hex(16)
        self.address = f"{name} {secrets.token_hex(16)}"
        until, self._pipe = os.pipe()
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind("\0" + name)  # A name in no folder: a driver that is killed leaves nothing behind.
            listener.listen(64)
            handles = (listener.fileno(), until)
            program = [sys.executable, str(PROGRAMS / "template.py"), str(ROOT), *map(str, handles), *modules]
            self._process = subprocess.Popen(
                program,
                env=environment | INTERNAL | {TEMPLATE: self.address},
                pass_fds=handles,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )
        os.close(until)

    @property
    def alive(self) -> bool:
        """Whether workers can be forked."""
        return self._process.poll() is None

    def end(self) -> None:
        """Ends it; its workers live on."""
        with suppress(OSError):
            os.close(self._pipe)
        self._process.kill()
        self._process.wait()


_template: list[Template] = []  # That of this program, if there is one.


def prepare_workers(environment: dict[str, str]) -> None:
    """Starts the template, unless it is there; elsewhere than on Linux, a fork of so many libraries is not sound."""
    if sys.platform != "linux" or (_template and _template[0].alive):
        return
    dismiss_template()
    _template.append(Template(environment))


def find_template() -> str | None:
    """The address of the template; None where there is none."""
    return _template[0].address if _template and _template[0].alive else None


def dismiss_template() -> None:
    """Ends the template, if there is one."""
    while _template:
        _template.pop().end()


@contextmanager
def prepared_workers(environment: dict[str, str] | None) -> Iterator[None]:
    """Within the ``with`` block the template gets ready, in that environment; None prepares nothing."""
    if environment is not None:
        prepare_workers(environment)
    try:
        yield
    finally:
        dismiss_template()
