"""What the nodes of the current Ray session have, and whether a trial fits on one of them."""

from __future__ import annotations

import os
import sys
import time
from collections import Counter
from pathlib import Path

import ray
from ray.exceptions import GetTimeoutError, RayError

from search.cluster.resources import Resources, format_amount
from search.cluster.shared_folder import ANSWER_SECONDS, Node, Probe, run_on
from spaces import UserError
from spaces.common.errors import make_printable, shorten
from spaces.common.wording import format_count

PATIENCE_SECONDS = 300.0  # A node that reboots, or that someone replaces by hand, is back by then.
LOOK_SECONDS = 10.0
MOST_NAMED = 5
HEAD = "node:__internal_head__"  # A resource that only the head node has.


def list_alive() -> list[Node]:
    """The nodes that live, as Ray describes them."""
    return [node for node in ray.nodes() if node["Alive"]]


def list_held(node: Node) -> tuple[float, float]:
    """All CPUs and GPUs of a node, taken or free."""
    return node["Resources"].get("CPU", 0.0), node["Resources"].get("GPU", 0.0)


def list_able(resources: Resources) -> list[Node]:
    """The living nodes that have enough for a trial, free or taken; a trial never spreads over two."""
    return [node for node in list_alive() if resources.count_slots(*list_held(node))]


def count_slots(resources: Resources) -> int:
    """How many trials the nodes hold at once."""
    return sum(resources.count_slots(*list_held(node)) for node in list_alive())


def explain_shortage(resources: Resources) -> str:
    """Says what a trial asks for and what there is instead."""
    asked = f"a trial asks for {format_amount(resources.cpus_per_trial, resources.gpus_per_trial)}"
    shapes = Counter(list_held(node) for node in list_alive())
    if resources.address is None:
        return f"{asked}, but this machine has {format_amount(*next(iter(shapes)))}"
    there = [f"{n} {'has' if n == 1 else 'have'} {format_amount(*shape)}" for shape, n in sorted(shapes.items())]
    return f"{asked}, but no node of the cluster has that: {', '.join(there)}"


def autoscales() -> bool:
    """Whether this cluster starts nodes by itself, as far as can be seen.

    No public function of Ray 2.60 says so, and neither does the GCS, so a task of ours looks at the head node. Ray's
    monitor runs there with ``--autoscaling-config`` if and only if the cluster was started by ``ray up`` or with that
    option; with KubeRay's autoscaler it runs in a container of its own and cannot be seen. Whether a new node would
    hold a trial, or the cloud has any left, is not known.
    """
    head = next((node for node in list_alive() if HEAD in node["Resources"]), None)
    if head is None:
        return False
    try:
        look = run_on(head, _has_autoscaler).remote(ray.get_runtime_context().gcs_address)
        return ray.get(look, timeout=ANSWER_SECONDS)
    except (RayError, GetTimeoutError):
        return False


def _has_autoscaler(gcs_address: str) -> bool:
    """Looks for the autoscaler of a cluster; runs on its head node."""
    import psutil

    port = gcs_address.rpartition(":")[2]
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if any(part.endswith("/monitor.py") for part in line) and any(
            part.startswith("--gcs-address=") and part.endswith(f":{port}") for part in line
        ):
            return any(part.startswith("--autoscaling-config=") for part in line)
    return "RAY_USAGE_STATS_KUBERAY_IN_USE" in os.environ


def check_room(resources: Resources) -> None:
    """Refuses trials that no node can ever hold.

    Raises:
        UserError: no node has what a trial asks for, and the cluster does not grow.
    """
    if list_able(resources):
        return
    what = explain_shortage(resources)
    if resources.address is None:
        raise UserError(f"{what}; ask for less")
    if not autoscales():
        raise UserError(f"{what}; ask for less, or start a node that has them")
    print(f"{what}; waiting for the cluster to grow", file=sys.stderr)


def explain_waiting(resources: Resources) -> str:
    """What may keep trials waiting: what is free, and who else is there."""
    if resources.address is None:
        return f"workers are starting; load of this machine: {os.getloadavg()[0]:.1f} on {os.cpu_count()} cores"
    free, total = ray.available_resources(), ray.cluster_resources()
    parts = [f"{free.get(kind, 0.0):g} of {total[kind]:g} {kind}s" for kind in ("CPU", "GPU") if kind in total]
    others = _count_others()
    held = f"; others on the cluster: {'; '.join(others)}" if others else ""
    asked = format_amount(resources.cpus_per_trial, resources.gpus_per_trial)
    return f"free on the cluster: {' and '.join(parts)}; a trial asks for {asked}{held}; see: ray status"


def _count_others() -> list[str]:
    """The other programs that use this cluster, with how many actors each has; nothing where Ray does not tell."""
    try:  # Public functions for this ask the dashboard, which may not be there.
        from ray._private import state

        mine = ray.get_runtime_context().get_job_id()
        actors = Counter(actor["JobID"] for actor in state.actors().values() if actor["State"] == "ALIVE")
        found = []
        for job in state.jobs():
            if not job["IsDead"] and job["JobID"] != mine and not job["Entrypoint"].endswith("/dashboard.py"):
                held = format_count(actors[job["JobID"]], "actor")
                who = shorten(f"{job['DriverIPAddress']} pid {job['DriverPid']}, {held}", 100)
                found.append(f"{who} ({shorten(make_printable(job['Entrypoint']), 100)})")
        return found[:MOST_NAMED]
    except Exception:  # Whatever it is, it is only an explanation.
        return []


class Watch:
    """Notices while a sweep runs that the cluster can do nothing more for it.

    Nodes may be lost, and Ray would wait for others for ever; those that join may not see the run folder.
    """

    def __init__(self, resources: Resources, run: Path | None = None):
        self._resources = resources
        self._looked = -LOOK_SECONDS
        self._since: float | None = None  # When it was first seen that no node holds a trial.
        self._probe = Probe(run) if run is not None and resources.address is not None else None

    def explain_stuck(self) -> str | None:
        """Why no trial can run any more, or None; cheap to call often."""
        now = time.monotonic()
        if now - self._looked < LOOK_SECONDS:
            return None
        self._looked = now
        able = list_able(self._resources)
        blind = self._probe.explain_blind(able) if self._probe is not None else None
        if blind or able:
            self._since = None
            return blind
        self._since = now if self._since is None else self._since
        if now - self._since < PATIENCE_SECONDS:
            return None
        if autoscales():
            self._since = now
            return None
        waited = f"for {PATIENCE_SECONDS / 60:g} minutes now"
        return f"{explain_shortage(self._resources)}, {waited}; start a node that has them"
