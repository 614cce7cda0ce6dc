"""Ray: one machine by default, or a running cluster."""

from __future__ import annotations

import os
import socket
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from search.cluster import forking
from search.cluster.lean import started_lean
from search.cluster.resources import Resources, count_cores
from search.cluster.surroundings import code_of, has_ray, limit_object_store, listening, set_environment
from search.errors import Halted
from search.signals import ended_early, kept, own_sessions
from search.storage.provenance import ROOT
from spaces import UserError

CONNECT_SECONDS = 10.0
CLUSTER_TRIALS = 16  # At least so many wait in the queue: waiting trials are what makes a cluster grow.
JOB = "RAY_JOB_CONFIG_JSON_ENV_VAR"  # Set where `ray job submit` runs its command.
PACKAGES = ("spaces", "models", "search", "analysis")


def check_reachable(address: str) -> None:
    """Knocks at HOST:PORT, because Ray itself tries for minutes.

    Raises:
        UserError: nobody answers there.
    """
    host, colon, port = address.rpartition(":")
    if not colon or "://" in address:
        return  # "auto", or a Ray client address: Ray looks for itself.
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_SECONDS).close()
    except (OSError, ValueError, OverflowError) as error:
        raise UserError(f"address {address}: no Ray cluster there ({error}); start one with ray up") from None


@dataclass
class _Session:
    """Ray as this process has started, joined or found it.

    Attributes:
        resources: what it was started for.
        theirs: whether the program had it already.
        folder: that of the session on this machine.
        runs: the run folders that it served, and whether its logs are to stay for them.
        watch: closed before Ray ends.
    """

    resources: Resources
    theirs: bool
    folder: Path
    runs: dict[Path, bool] = field(default_factory=dict)
    watch: ExitStack = field(default_factory=ExitStack)


_sessions: list[_Session | None] = []  # That of the outermost `shared_session`, while there is one.


@contextmanager
def shared_session() -> Iterator[None]:
    """Within the ``with`` block one Ray serves every ``ray_session``: phases of a run, and one run after the other.

    It is started by the first and ended with the outermost block; what has died in between is started again.
    """
    if _sessions:
        yield
        return
    _sessions.append(None)
    try:
        yield
    finally:
        session = _sessions.pop()
        if session is not None:
            _end(session)


@contextmanager
def ray_session(
    resources: Resources, run: Path | None = None, keep_logs: Callable[[], bool] = lambda: False
) -> Iterator[int]:
    """Ray for the time of a ``with`` block; yields how many trials may run, or wait for room, at once.

    On this machine Ray listens on 127.0.0.1 only, and what it leaves on the disk is removed. On a
    cluster the four packages are uploaded to the nodes, which need the third-party packages only. A program that has
    Ray already keeps it; the nodes of that must have invsearch installed.

    Args:
        resources: what a trial gets, and where it runs; the address of the program's own Ray, where it has one.
        run: the run folder, of which the nodes of a cluster must see the same one; None records nothing.
        keep_logs: asked at the end whether Ray's logs on this machine are to stay.

    Raises:
        UserError: no such cluster, or none of its nodes can hold a trial, or one does not see the run folder.
    """
    local = resources.address is None
    with shared_session():
        session = _find_session(resources)
        from search.cluster import leftovers, nodes, shared_folder

        if run is not None and run not in session.runs:
            session.runs[run] = False
            if local:
                leftovers.remember(run, session.folder)
                leftovers.clear(run, session.folder.parent)
        try:
            nodes.check_room(resources)
            if not local and run is not None:
                shared_folder.probe(run, nodes.list_able(resources))
            yield nodes.count_slots(resources) if local else max(nodes.count_slots(resources), CLUSTER_TRIALS)
        finally:
            if local and run is not None:
                with suppress(OSError, UserError):  # Or it would hide why the block ended.
                    session.runs[run] |= keep_logs()


def _find_session(resources: Resources) -> _Session:
    """The session there is, if it lives and is of use for these resources; else another one, started or joined."""
    session = _sessions[0]
    if session is not None and session.resources == resources and not _has_lost_ray():
        if resources.address is not None and not session.theirs:
            check_reachable(resources.address)
        return session
    if session is not None:
        _sessions[0] = None
        _end(session)
    set_environment(resources)
    theirs = has_ray()
    what = "using the Ray of this program, at" if theirs else "joining Ray at"
    print("starting Ray" if resources.address is None else f"{what} {resources.address}", file=sys.stderr)
    session = _sessions[0] = _Session(resources, theirs, Path() if theirs else _start_ray(resources))
    session.watch.enter_context(ended_early(_has_lost_ray))
    return session


def _end(session: _Session) -> None:
    """Stops or leaves Ray, and removes what it has left in the run folders and on the disk."""
    import ray

    from search.cluster import leftovers, shared_folder

    session.watch.close()
    try:
        if not session.theirs:
            ray.shutdown()
    finally:
        forking.dismiss_template()
        for run in session.runs:
            with suppress(OSError, UserError):  # Or it would hide why the block ended.
                if session.resources.address is None:
                    leftovers.forget(run, session.folder, any(session.runs.values()))
                else:
                    shared_folder.remove_probes(run)


def _has_lost_ray() -> bool:
    """Whether what this process has started of Ray is dead, so that no trial can end in order."""
    from ray._private import worker

    node: Any = worker._global_node
    return node is not None and any(kind in ("raylet", "gcs_server") for kind, _ in node.dead_processes())


def _start_ray(resources: Resources) -> Path:
    """Starts or joins Ray; returns the folder of its session.

    Raises:
        UserError: it did not start, or there is none.
        Halted: it took too long, so the same command may succeed later.
    """
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    if resources.address is None:
        if JOB in os.environ:
            raise UserError("address: a job of a Ray cluster would start a Ray of its own; add --address auto")
        # "local", because without it Ray would join whatever cluster runs on this machine.
        # Ray itself knows no affinity, and rounds half a core down to none.
        options |= {"address": "local", "num_cpus": count_cores(), "include_dashboard": False, **limit_object_store()}
    else:
        check_reachable(resources.address)
        modules = [str(ROOT / name) for name in PACKAGES]
        options |= {"address": resources.address, "runtime_env": {"py_modules": modules}}
    import ray

    try:
        local = resources.address is None
        if local and not resources.gpus_per_trial:
            forking.prepare_workers(dict(os.environ))
        else:
            forking.dismiss_template()
        try:
            with kept(), own_sessions(), code_of(local), listening(local), started_lean(local):
                context: Any = ray.init(**options)
        except BaseException:
            forking.dismiss_template()
            raise
    except (ConnectionError, ImportError, ValueError, RuntimeError) as error:  # ImportError: RAY_RUNTIME_ENV_HOOK.
        reason = (str(error).strip() or type(error).__name__).splitlines()[0].rstrip(".")
        where = f"address {resources.address}" if resources.address else "Ray did not start on this machine"
        raise UserError(f"{where}: {reason}; see ray status, or start a cluster with ray up") from None
    except Exception as error:  # Ray's very words for a node that takes longer than half a minute.
        if type(error) is not Exception:
            raise
        raise Halted(f"Ray did not start on this machine, which is perhaps overloaded: {error}") from None
    return Path(context.address_info["session_dir"])
