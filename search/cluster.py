"""Ray: one machine by default, or a running cluster."""

from __future__ import annotations

import math
import os
import socket
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from search.provenance import ROOT
from spaces import UserError

CONNECT_SECONDS = 10.0
CLUSTER_TRIALS = 16  # At least so many wait in the queue: waiting trials are what makes a cluster grow.
PACKAGES = ("spaces", "models", "search", "analysis")
# Tune would otherwise log every trial in three formats, save its own state every few seconds and
# take Ctrl-C for itself; our records, verdicts and interrupt handling replace all three.
SETTINGS = {
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "RAY_AIR_NEW_OUTPUT": "0",  # The new one prints a banner even when told to be quiet.
    "TUNE_GLOBAL_CHECKPOINT_S": "3600",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
}
LOOPBACK_ONLY = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}  # Never on a cluster: nodes could not meet.


@dataclass(frozen=True)
class Resources:
    """What a trial gets, and where it runs.

    Attributes:
        cpus_per_trial: CPU cores; whole cores become torch threads.
        gpus_per_trial: GPUs; 0.25 lets four trials share one.
        engine: what does a trial's arithmetic: ``auto``, ``native`` or ``torch``.
        address: a running Ray cluster (``auto``, or ``HOST:PORT``); None starts Ray on this machine.
    """

    cpus_per_trial: float = 1.0
    gpus_per_trial: float = 0.0
    address: str | None = None
    engine: str = "auto"

    def __post_init__(self) -> None:
        if not 0 < self.cpus_per_trial < math.inf:
            raise UserError(f"cpus-per-trial: {self.cpus_per_trial:g} is not allowed; give a number above 0")
        whole = self.gpus_per_trial in (0, 1) or (self.gpus_per_trial > 1 and self.gpus_per_trial % 1 == 0)
        if not whole and not 0 < self.gpus_per_trial < 1:
            raise UserError(
                f"gpus-per-trial: {self.gpus_per_trial:g} is not allowed; give 0, a fraction below 1, or a whole number"
            )

    @property
    def threads(self) -> int:
        """CPU threads of a trial."""
        return max(1, int(self.cpus_per_trial))

    @property
    def device(self) -> str:
        """Where a trial computes: on a GPU if it gets one, or part of one."""
        return "cuda" if self.gpus_per_trial else "cpu"

    def slots(self, cpus: float, gpus: float) -> int:
        """How many trials run at once on ``cpus`` cores and ``gpus`` GPUs."""
        by_cpu = int(cpus / self.cpus_per_trial)
        return by_cpu if not self.gpus_per_trial else min(by_cpu, int(gpus / self.gpus_per_trial))


def set_environment(resources: Resources) -> None:
    """Sets what Ray reads from the environment, some of it already when it is imported.

    A cluster that was started where a token exists asks for it; a driver sends it only if told to.
    """
    settings = SETTINGS | (LOOPBACK_ONLY if resources.address is None else {})
    tokens = [os.environ.get("RAY_AUTH_TOKEN_PATH", ""), Path.home() / ".ray" / "auth_token"]
    if resources.address and ("RAY_AUTH_TOKEN" in os.environ or any(map(os.path.isfile, tokens))):
        settings["RAY_AUTH_MODE"] = "token"
    for name, value in settings.items():
        os.environ.setdefault(name, value)


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


@contextmanager
def ray_session(resources: Resources, architectures: Sequence[str] = ()) -> Iterator[int]:
    """Ray for the time of a ``with`` block; yields how many trials may run, or wait for room, at once.

    Says which engine will train those architectures.

    On this machine Ray listens on 127.0.0.1 only. On a cluster the four packages are uploaded to
    the nodes, which need the third-party packages only.

    Raises:
        UserError: no such cluster, or this machine cannot hold a single trial.
    """
    set_environment(resources)
    from search.engines import announce

    local = resources.address is None
    print(announce(resources.engine, resources.device, architectures, here=local), file=sys.stderr)
    options: dict[str, Any] = {"log_to_driver": False, "logging_level": "error", "configure_logging": True}
    print(f"joining Ray at {resources.address}" if resources.address else "starting Ray", file=sys.stderr)
    if resources.address is None:
        # "local", because without it Ray would join whatever cluster runs on this machine.
        options |= {"address": "local", "include_dashboard": False}
    else:
        check_reachable(resources.address)
        modules = [str(ROOT / name) for name in PACKAGES]
        options |= {"address": resources.address, "runtime_env": {"py_modules": modules}}
    import ray

    try:
        ray.init(**options)
    except (ConnectionError, ValueError, RuntimeError) as error:
        reason = str(error).strip().splitlines()[0]
        where = f"address {resources.address}" if resources.address else "Ray did not start on this machine"
        raise UserError(f"{where}: {reason}; see ray status, or start a cluster with ray up") from None
    try:
        held = ray.cluster_resources()
        slots = resources.slots(held.get("CPU", 0), held.get("GPU", 0))
        if slots < 1:
            what = (
                f"a trial asks for {resources.cpus_per_trial:g} CPUs and {resources.gpus_per_trial:g} GPUs, but Ray "
                f"has {held.get('CPU', 0):g} CPUs and {held.get('GPU', 0):g} GPUs"
            )
            if resources.address is None:
                raise UserError(f"{what}; ask for less")
            print(f"{what} now; waiting for the cluster to grow", file=sys.stderr)
        if resources.address is not None:
            slots = max(slots, CLUSTER_TRIALS)
        yield slots
    finally:
        ray.shutdown()
