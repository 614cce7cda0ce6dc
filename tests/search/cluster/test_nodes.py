from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from search.cluster import nodes
from search.cluster.resources import Resources
from spaces import UserError

CLUSTER = "10.0.0.1:6379"


def node(cpus: float, gpus: float = 0, is_alive: bool = True) -> dict[str, Any]:
    held = {name: amount for name, amount in (("CPU", cpus), ("GPU", gpus)) if amount}
    return {"NodeID": f"{cpus}-{gpus}", "Alive": is_alive, "Resources": {**held, "node:10.0.0.2": 1.0}}


@pytest.fixture
def there(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The nodes of a cluster that does not grow; tests change the list."""
    found: list[dict[str, Any]] = []
    monkeypatch.setattr(nodes.ray, "nodes", lambda: found)
    monkeypatch.setattr(nodes, "autoscales", lambda: False)
    return found


def test_slots_are_counted_node_by_node(there: list[dict[str, Any]]) -> None:
    """Three nodes of one CPU hold no trial of two, and 4 + 3 CPUs only two trials of three."""
    there += [node(1), node(1), node(1), node(64, is_alive=False)]
    assert (nodes.count_slots(Resources(2)), nodes.list_able(Resources(2))) == (0, [])
    assert (nodes.count_slots(Resources(1)), len(nodes.list_able(Resources(1)))) == (3, 3)
    there[:] = [node(4), node(3), node(0)]
    assert nodes.count_slots(Resources(3)) == 2


def test_a_trial_needs_all_it_asks_for_on_one_node(there: list[dict[str, Any]]) -> None:
    there += [node(16), node(2, gpus=1)]
    assert nodes.list_able(Resources(2, 1))
    assert not nodes.list_able(Resources(4, 1))


@pytest.mark.parametrize(
    ("address", "line"),
    [
        (None, "a trial asks for 1 CPU and 4 GPUs, but this machine has 2 CPUs and 0 GPUs; ask for less"),
        (
            CLUSTER,
            "a trial asks for 1 CPU and 4 GPUs, but no node of the cluster has that: 2 have 2 CPUs and 0 GPUs, "
            "1 has 8 CPUs and 1 GPU; ask for less, or start a node that has them",
        ),
    ],
)
def test_what_no_node_has_is_refused(there: list[dict[str, Any]], address: str | None, line: str) -> None:
    there += [node(2)] if address is None else [node(2), node(8, gpus=1), node(2)]
    with pytest.raises(UserError) as caught:
        nodes.check_room(Resources(1, 4, address))
    assert str(caught.value) == line


def test_a_cluster_that_grows_is_waited_for(
    there: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(nodes, "autoscales", lambda: True)
    nodes.check_room(Resources(1, 4, CLUSTER))
    assert capsys.readouterr().err.endswith("waiting for the cluster to grow\n")


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> SimpleNamespace:
    """A clock that stands still; tests move it."""
    clock = SimpleNamespace(now=1000.0)
    monkeypatch.setattr(nodes, "time", SimpleNamespace(monotonic=lambda: clock.now))
    return clock


def test_stuck_when_no_node_has_held_a_trial_for_long(there: list[dict[str, Any]], clock: SimpleNamespace) -> None:
    watch = nodes.Watch(Resources(1, address=CLUSTER))
    there += [node(0), node(1)]
    assert watch.explain_stuck() is None
    there[1]["Alive"] = False
    clock.now += nodes.LOOK_SECONDS
    assert watch.explain_stuck() is None
    clock.now += nodes.PATIENCE_SECONDS - 1
    assert watch.explain_stuck() is None
    there[1]["Alive"] = True  # Back in time: patience begins anew.
    clock.now += nodes.LOOK_SECONDS
    assert watch.explain_stuck() is None
    there[1]["Alive"] = False
    clock.now += nodes.LOOK_SECONDS
    assert watch.explain_stuck() is None
    clock.now += nodes.PATIENCE_SECONDS
    assert watch.explain_stuck() == (
        "a trial asks for 1 CPU and 0 GPUs, but no node of the cluster has that: 1 has 0 CPUs and 0 GPUs, "
        "for 5 minutes now; start a node that has them"
    )


def test_a_look_is_taken_every_ten_seconds_only(
    there: list[dict[str, Any]], clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks: list[float] = []
    monkeypatch.setattr(nodes.ray, "nodes", lambda: looks.append(clock.now) or there)
    there.append(node(1))
    watch = nodes.Watch(Resources(1))
    for _ in range(100):
        clock.now += 0.3
        watch.explain_stuck()
    assert len(looks) == 3


def test_never_stuck_while_the_cluster_may_grow(
    there: list[dict[str, Any]], clock: SimpleNamespace, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nodes, "autoscales", lambda: True)
    watch = nodes.Watch(Resources(1, address=CLUSTER))
    for _ in range(10):
        clock.now += nodes.PATIENCE_SECONDS
        assert watch.explain_stuck() is None


@pytest.fixture
def monitor(request: pytest.FixtureRequest) -> Iterator[None]:
    """A process that looks like Ray's monitor."""
    line = [sys.executable, "-c", "import time; time.sleep(60)", "/ray/autoscaler/monitor.py"]
    with subprocess.Popen([*line, "--gcs-address=10.0.0.1:99999", *request.param]) as process:
        yield
        process.kill()


@pytest.mark.parametrize(
    ("monitor", "found"), [(["--autoscaling-config=x.yaml"], True), ([], False)], indirect=["monitor"]
)
@pytest.mark.usefixtures("monitor")
def test_the_monitor_tells_whether_a_cluster_grows(found: bool) -> None:
    assert nodes._has_autoscaler("10.0.0.1:99999") == found
    assert not nodes._has_autoscaler("10.0.0.1:99998")


def test_kuberay_has_its_monitor_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    assert not nodes._has_autoscaler("10.0.0.1:99999")
    monkeypatch.setenv("RAY_USAGE_STATS_KUBERAY_IN_USE", "1")
    assert nodes._has_autoscaler("10.0.0.1:99999")
