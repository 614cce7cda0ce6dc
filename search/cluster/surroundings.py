"""What Ray takes from the world around a driver: a home, a temporary folder, the current folder."""

from __future__ import annotations

import os
import resource
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import psutil

from search.storage.provenance import ROOT
from spaces import UserError

# Ray's longest socket is TMP/ray/session_2026-01-31_12-30-59_123456_1234567/sockets/plasma_store, of 107 bytes at most.
LONGEST = 107 - len("/ray/session_2026-01-31_12-30-59_123456_1234567/sockets/plasma_store")
# Bytes of addresses. Measured with a sweep of one trial: 4.5 GiB suffice, with 4 the driver's own libraries and Ray's
# threads have no room and Python aborts.
LEAST = 5 * 2**30
USUAL = ("/tmp", "/var/tmp", "/dev/shm")


def have_home() -> None:
    """Gives a user without any home the root folder as one, as Docker does; Ray's libraries ask for one at once."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


def mind_python() -> None:
    """Keeps from Ray's processes what of Python's own settings they do not survive.

    Raises:
        UserError: Python runs without docstrings, into which Ray's code writes as it is imported.
    """
    if sys.flags.optimize > 1:
        raise UserError("PYTHONOPTIMIZE=2 and python -OO: Ray cannot run with them; leave them out, or use 1 and -O")
    os.environ.pop("PYTHONWARNINGS", None)  # With "error" they would end by their libraries' first warning.


def check_utf8(*names: str) -> None:
    """Makes sure that Ray can carry names.

    Raises:
        UserError: one is not UTF-8.
    """
    for name in names:
        try:
            name.encode()
        except UnicodeEncodeError:
            raise UserError(f"{name!a}: not UTF-8, which Ray needs; give it another name") from None


def choose_temporary_folder() -> str:
    """Where Ray may put the folder of a session: where the environment says, if it can be there.

    Raises:
        UserError: it can be nowhere.
    """
    asked = [os.environ[name] for name in ("RAY_TMPDIR", "TMPDIR") if os.environ.get(name)]
    tried = dict.fromkeys([*asked, *USUAL])
    for folder in tried:
        if os.path.isabs(folder) and len(os.fsencode(folder)) <= LONGEST and folder.isprintable() and _is_ours(folder):
            return folder
    raise UserError(
        f"no folder for what Ray keeps while it runs: {', '.join(tried)}; name one with RAY_TMPDIR that can be "
        f"written, by its full path of at most {LONGEST} bytes"
    )


def _is_ours(folder: str) -> bool:
    """Whether Ray's own folder can be made or written below one."""
    own = os.path.join(folder, "ray")
    place = own if os.path.lexists(own) else folder
    return os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)


def limit_object_store() -> dict[str, int]:
    """The size of Ray's object store where ``ulimit -v`` bounds it, for ``ray.init``.

    Every worker maps the store as a whole, by default three tenths of the machine's memory, and dies where it cannot.

    Raises:
        UserError: the limit is too low for Ray altogether.
    """
    limit = resource.getrlimit(resource.RLIMIT_AS)[0]
    if limit == resource.RLIM_INFINITY:
        return {}
    if limit < LEAST:
        raise UserError(
            f"ulimit -v: {limit // 1024} leaves Ray no room; it takes {LEAST // 1024} at least, better unlimited"
        )
    return {"object_store_memory": min(limit // 4, psutil.virtual_memory().total * 3 // 10)}


@contextmanager
def code_of(local: bool) -> Iterator[None]:
    """The current folder for the time of a ``with`` block in which Ray starts or is joined.

    Ray puts it at the front of every worker's path. There the user's own folders could hide our packages; and it may be
    gone, or have a name that Ray cannot carry. The workers of this machine find the driver's code there instead; those
    of a cluster, to whose nodes the code is uploaded, nothing at all.
    """
    with tempfile.TemporaryDirectory() as empty, chdir(ROOT if local else empty):
        yield
