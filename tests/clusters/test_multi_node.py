"""A sweep on a real cluster of several nodes that die, join, or cannot do what is asked of them."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow

FULL = ["--scheduler", "none", "--samples", "6", "--epochs", "100", "--architectures", "conv,invariant"]
TINY = ["--samples", "1", "--epochs", "1", "--architectures", "conv"]
# In every process of driver and nodes: notes who reads the images from the disk.
WITNESS = """
import os, sys
def hook(event, arguments):
    if event == "open" and str(arguments[0]).endswith("digits.csv.gz"):
        with open({log!r}, "a") as stream:
            stream.write(f"{{os.getpid()}}\\n")
sys.addaudithook(hook)
"""
# Prints why a sweep on the cluster would end, once it would.
WATCH = """
import sys, time
from pathlib import Path
from search.cluster.session import Resources, ray_session, set_environment
resources = Resources(address=sys.argv[1])
set_environment(resources)
with ray_session(resources):
    from search.cluster.nodes import Watch
    watch = Watch(resources, Path(sys.argv[2]))
    while not (reason := watch.explain_stuck()):
        time.sleep(0.1)
    print(reason)
"""
# A cluster that could start nodes, if there were a kind of which it may start any.
LISTS = ("setup", "head_setup", "worker_setup", "head_start_ray", "worker_start_ray", "initialization")
GROWS = {
    "cluster_name": "grows",
    "max_workers": 1,
    "upscaling_speed": 1.0,
    "idle_timeout_minutes": 1,
    "provider": {
        "type": "fake_multinode",
        "use_node_id_as_ip": True,
        "disable_node_updaters": True,
        "disable_launch_config_check": True,
    },
    "available_node_types": {"head": {"resources": {}, "node_config": {}, "max_workers": 0}},
    "head_node_type": "head",
    "auth": {},
    "file_mounts": {},
    "cluster_synced_files": [],
    **{f"{name}_commands": [] for name in LISTS},
}


def test_nodes_die_and_join_while_a_sweep_runs(clusters: Any, sweeps: Any, tmp_path: Path) -> None:
    """No trial is lost, and all nodes together read the images once: Ray's object store brings them."""
    run, log = tmp_path / "run", tmp_path / "readers"
    (tmp_path / "sitecustomize.py").write_text(WITNESS.format(log=str(log)))
    cluster = clusters(PYTHONPATH=str(tmp_path))
    sweeps.environment["PYTHONPATH"] = str(tmp_path)
    first, second = cluster.add(), cluster.add()
    process = sweeps.start(run, *FULL, "--address", cluster.address)

    def uses(*nodes: Any) -> bool:
        return {node.name for node in nodes} <= set().union(*sweeps.nodes(run).values())

    sweeps.wait_for(lambda: uses(first, second), process)
    # Held up, or the second would have finished the sweep before the third has started on a busy machine.
    second.signal_workers(signal.SIGSTOP)
    first.kill()
    third = cluster.add()
    sweeps.wait_for(lambda: second.signal_workers(signal.SIGSTOP) or uses(third), process)
    second.signal_workers(signal.SIGCONT)
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    outcomes = list(sweeps.outcomes(run).values())
    assert len(outcomes) == 12
    assert set(outcomes) <= {"completed", "diverged"}
    assert log.read_text() == f"{process.pid}\n"


def test_too_little_room_and_a_folder_that_a_node_does_not_see(clusters: Any, sweeps: Any, tmp_path: Path) -> None:
    run = tmp_path / "shared" / "run"
    run.parent.mkdir()
    namespaces = subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0
    cluster = clusters()
    cluster.add()
    cluster.add("--node-name=apart", within=f'mount -t tmpfs none {run.parent}; exec "$@"' if namespaces else None)
    check_refusals(sweeps, cluster, run)
    if not namespaces:
        pytest.skip("this user may not make mount namespaces")
    code, errors = sweeps.finish(run, *TINY, "--address", cluster.address)
    assert code == 2, errors
    last = errors.splitlines()[-1]
    assert last.startswith(f"invsearch: {run}: not seen by node apart = ")
    assert last.endswith("(No such file or directory); give --out a folder that every node shares, or mount it there")
    assert not run.exists()  # A refused start leaves no folder.
    run.mkdir()
    line = [sys.executable, "-c", WATCH, cluster.address, str(run)]
    late = subprocess.run(line, cwd=ROOT, env=sweeps.environment, capture_output=True, text=True, timeout=120)
    assert late.stdout.strip() == last.removeprefix("invsearch: "), late.stderr
    assert not list(run.glob(".probe-*"))


def check_refusals(sweeps: Any, cluster: Any, run: Path) -> None:
    """What no node has is refused at once: two nodes of one CPU hold no trial of two."""
    for option, number, words in (
        ("--gpus-per-trial", "1", "1 CPU and 1 GPU"),
        ("--cpus-per-trial", "2", "2 CPUs and 0 GPUs"),
    ):
        code, errors = sweeps.finish(run, *TINY, option, number, "--address", cluster.address)
        assert code == 2, errors
        assert errors.splitlines()[-1] == (
            f"invsearch: a trial asks for {words}, but no node of the cluster has that: "
            "1 has 0 CPUs and 0 GPUs, 2 have 1 CPU and 0 GPUs; ask for less, or start a node that has them"
        )


def test_a_cluster_that_may_grow_is_waited_for(clusters: Any, sweeps: Any, tmp_path: Path) -> None:
    (tmp_path / "grows.yaml").write_text(json.dumps(GROWS))
    options = ("--include-dashboard=false", f"--autoscaling-config={tmp_path / 'grows.yaml'}")
    cluster = clusters(*options, RAY_FAKE_CLUSTER="1")
    process = sweeps.start(tmp_path / "run", *TINY, "--gpus-per-trial", "1", "--address", cluster.address)
    errors = []
    for line in process.stderr:
        errors.append(line)
        if "waiting for the cluster to grow" in line:
            break
    assert errors[-1].startswith("a trial asks for 1 CPU and 1 GPU"), errors
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(10)
