"""What Ray takes from the world around a driver: a home, a temporary folder, the current folder."""

from __future__ import annotations

import os
import resource
import secrets
import sys
import tempfile
from collections.abc import Iterator
from contextlib import chdir, contextmanager
from pathlib import Path

import psutil

from search.cluster import lean
from search.cluster.programs.worker import TEMPLATE
from search.cluster.resources import Resources
from search.storage.provenance import ROOT
from spaces import UserError

# Ray's longest socket is TMP/ray/session_2026-01-31_12-30-59_123456_1234567/sockets/plasma_store, of 107 bytes at most.
LONGEST = 107 - len("/ray/session_2026-01-31_12-30-59_123456_1234567/sockets/plasma_store")
# Bytes of addresses. Measured with a sweep of one trial: 4.5 GiB suffice, with 4 the driver's own libraries and Ray's
# threads have no room and Python aborts.
LEAST = 5 * 2**30
USUAL = ("/tmp", "/var/tmp", "/dev/shm")
# Tune would otherwise log every trial in three formats, save its own state every few seconds and
# take Ctrl-C for itself; our records, outcomes and interrupt handling replace all three.
SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",  # The new one prints a banner even when told to be quiet.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    # A worker goes on for so long before it commits and reports, where nothing depends on its last epoch: epochs of
    # small images take hardly longer than that, and the answer.
    "TUNE_RESULT_BUFFER_LENGTH": "1000",
    "TUNE_RESULT_BUFFER_MIN_TIME_S": "1",
    "TUNE_RESULT_BUFFER_MAX_TIME_S": "1",
}
# What of the environment we, or Ray and MLflow for us, may set or take away: names, and beginnings of names.
OURS = (
    "RAY_",
    "TUNE_",
    "MLFLOW_",
    "DO_NOT_TRACK",
    "GIT_PYTHON_REFRESH",
    "CUBLAS_WORKSPACE_CONFIG",
    "HOME",
    TEMPLATE,
    "PL_",
    "PYTHON",
)
HERE_ONLY = lean.SETTINGS | {
    "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0",  # Never on a cluster: nodes could not meet.
    # Where the machine's memory runs low, Ray would kill workers for what any other process takes, in a way that ends
    # Tune. Without it the kernel kills, Ray's workers first, which is a death like any other.
    "RAY_memory_monitor_refresh_ms": "0",
    # Seconds. A worker that is forked waits for the template's imports, which are slow on some network drives.
    "RAY_worker_register_timeout_seconds": "300",
}


def set_environment(resources: Resources) -> None:
    """Sets what Ray reads from the environment, some of it already when it is imported, whatever it says now.

    A cluster that was started where a token exists asks for it; a driver sends it only if told to. On this machine each
    session has a token of its own, which Ray would otherwise keep below HOME, where perhaps nothing can be written.

    Raises:
        UserError: Ray could not start in this environment.
    """
    prepare_python()
    settings = dict(SETTINGS)
    if not has_ray():  # Else what it was started with holds.
        check_utf8(*sys.argv)  # Which Ray writes down.
        settings |= _choose_for_start(resources)
    for name in [name for name in os.environ if name.startswith(("TUNE_", "RAY_AIR_"))]:
        del os.environ[name]  # One alone may hold reports back, take Ctrl-C, or end Tune for being of old.
    os.environ.update(settings)
    _refresh_ray()  # A program that has ended a Ray of its own would send that one's token.


def _choose_for_start(resources: Resources) -> dict[str, str]:
    """What Ray needs to start here, or to be joined."""
    if resources.address is None:
        token = os.environ.get("RAY_AUTH_TOKEN") or secrets.token_hex(32)
        return HERE_ONLY | {"RAY_TMPDIR": choose_temporary_folder(), "RAY_AUTH_TOKEN": token}
    tokens = [os.environ.get("RAY_AUTH_TOKEN_PATH", ""), Path.home() / ".ray" / "auth_token"]
    if "RAY_AUTH_TOKEN" in os.environ or any(map(os.path.isfile, tokens)):
        return {"RAY_AUTH_MODE": os.environ.get("RAY_AUTH_MODE") or "token"}  # As the cluster was started.
    return {}


@contextmanager
def restored_environment() -> Iterator[None]:
    """Leaves the environment as it was before the ``with`` block, for a program that goes on and may start Ray itself.

    What others meanwhile did to names that are not ours stays.
    """
    before = {name: value for name, value in os.environ.items() if name.startswith(OURS)}
    try:
        yield
    finally:
        for name in [name for name in os.environ if name.startswith(OURS) and name not in before]:
            del os.environ[name]
        os.environ.update(before)
        _refresh_ray()


def _refresh_ray() -> None:
    """Makes Ray, where it is imported and not in use, look at the environment again; no public function does."""
    if (raylet := sys.modules.get("ray._raylet")) and not has_ray():
        raylet.Config.initialize("")
        raylet.AuthenticationTokenLoader.instance().reset_cache()


def has_ray() -> bool:
    """Whether this program has started or joined Ray by itself, as a notebook may have."""
    return "ray" in sys.modules and sys.modules["ray"].is_initialized()


def find_address(asked: str | None) -> str | None:
    """Where Ray is: at the address asked for; where this program has Ray already, there.

    Raises:
        UserError: another address than that of the program's own Ray was asked for.
    """
    if not has_ray():
        return asked
    import ray
    from ray.util.client import ray as client

    if client.is_connected():
        raise UserError(
            "address: this program uses Ray through Ray Client (ray://), which is not supported; run it on a node"
        )
    own = ray.get_runtime_context().gcs_address
    if asked not in (None, "auto", own):
        raise UserError(
            f"address {asked}: this program has Ray already, at {own}; leave the address out, or end that Ray first "
            "(ray.shutdown())"
        )
    return own


def prepare_python() -> None:
    """Gives a user without any home the root folder as one, as Docker does, and drops what Ray does not survive.

    Raises:
        UserError: Python runs without docstrings, into which Ray's code writes as it is imported.
    """
    if sys.flags.optimize > 1:
        raise UserError("PYTHONOPTIMIZE=2 and python -OO: Ray cannot run with them; leave them out, or use 1 and -O")
    os.environ.pop("PYTHONWARNINGS", None)  # With "error" Ray's processes would end by their libraries' first warning.
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = "/"


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
        own = os.path.join(folder, "ray")
        place = own if os.path.lexists(own) else folder
        ours = os.path.isdir(place) and os.access(place, os.W_OK | os.X_OK)
        if ours and os.path.isabs(folder) and len(os.fsencode(folder)) <= LONGEST and folder.isprintable():
            return folder
    raise UserError(
        f"no folder for what Ray keeps while it runs: {', '.join(tried)}; name one with RAY_TMPDIR that can be "
        f"written, by its full path of at most {LONGEST} bytes"
    )


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
            f"ulimit -v: {limit // 1024} leaves Ray no room; give it at least {LEAST // 1024}, or better no limit"
        )
    return {"object_store_memory": min(limit // 4, psutil.virtual_memory().total * 3 // 10)}


@contextmanager
def listening(local: bool) -> Iterator[None]:
    """Ray listens on 127.0.0.1 only if it is started within the ``with`` block here, also where it was imported before.

    ``RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER`` of ``HERE_ONLY`` says the same to an import of Ray, and to its processes.
    """
    from ray._private import ray_constants

    before, ray_constants.ENABLE_RAY_CLUSTER = ray_constants.ENABLE_RAY_CLUSTER, not local
    try:
        yield
    finally:
        ray_constants.ENABLE_RAY_CLUSTER = before


@contextmanager
def code_of(local: bool) -> Iterator[None]:
    """The current folder for the time of a ``with`` block in which Ray starts or is joined.

    Ray puts it at the front of every worker's path. There the user's own folders could hide our packages; and it may be
    gone, or have a name that Ray cannot carry. The workers of this machine find the driver's code there instead; those
    of a cluster, to whose nodes the code is uploaded, nothing at all.
    """
    with tempfile.TemporaryDirectory() as empty, chdir(ROOT if local else empty):
        yield
