"""Nodes of a cluster, each a raylet with its workers, are killed and replaced while a sweep runs."""

from __future__ import annotations

import random
import signal
from pathlib import Path

import pytest

from tests.clusters.nodes import Cluster
from tests.faults.harness import Driver, epochs
from tests.faults.invariants import Witness, check_complete, check_same_results
from tests.faults.moments import wait_for_moment

pytestmark = pytest.mark.slow
KILLS = 4


def test_nodes_die_and_results_stay(cluster: Cluster, full: list[str], undisturbed: Path, tmp_path: Path) -> None:
    run, chooser, witness = tmp_path / "run", random.Random(3), Witness(tmp_path / "run")
    nodes = [cluster.add(), cluster.add()]
    driver = Driver("sweep", *full, "--address", cluster.address, "--out", str(run))
    try:
        for _ in range(KILLS):
            goal = epochs(run) + chooser.randint(1, 40)
            driver.wait_for(lambda goal=goal: epochs(run) >= goal)
            wait_for_moment(chooser, run, "node", None)
            nodes.pop(chooser.randrange(len(nodes))).kill()
            assert driver.alive, driver.errors
            witness.look()
            (left,) = nodes
            left.signal_workers(signal.SIGSTOP)  # Or it would finish the sweep before the last kill.
            nodes.append(cluster.add())
            left.signal_workers(signal.SIGCONT)
        assert driver.wait() == 0, driver.errors
    finally:
        if driver.alive:
            driver.kill()
    witness.look()
    check_complete(run)
    check_same_results(run, undisturbed)
