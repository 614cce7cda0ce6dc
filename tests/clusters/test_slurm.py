"""examples/sweep.sbatch on a real Slurm of one node: it ends with a table, is requeued, and stops before its time."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "examples" / "sweep.sbatch"
PROGRAMS = ("munged", "slurmctld", "slurmd", "sbatch", "unshare")
# Processes and Ray's folder of its own: `ray stop` ends every Ray that it sees.
ISOLATED = ("unshare", "--pid", "--mount", "--fork", "--kill-child", "--mount-proc")
CONFIGURATION = """
ClusterName=test
SlurmctldHost={host}(127.0.0.1)
SlurmctldPort={controller}
SlurmdPort={node}
AuthType=auth/munge
AuthInfo=socket={folder}/munge.socket,cred_expire=5
SlurmUser=root
SlurmdUser=root
StateSaveLocation={folder}/state
SlurmdSpoolDir={folder}/spool
SlurmctldPidFile={folder}/slurmctld.pid
SlurmdPidFile={folder}/slurmd.pid
SlurmctldLogFile={folder}/slurmctld.log
SlurmdLogFile={folder}/slurmd.log
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
MpiDefault=none
SwitchType=switch/none
JobAcctGatherType=jobacct_gather/none
SchedulerType=sched/backfill
SelectType=select/cons_tres
KillWait=30
MinJobAge=600
ReturnToService=2
NodeName={host} NodeAddr=127.0.0.1 CPUs={cores} RealMemory=1000 State=UNKNOWN
PartitionName=all Nodes={host} Default=YES MaxTime=INFINITE State=UP
"""
DAEMONS = """
mkdir -p /tmp/ray && mount --bind {folder}/ray /tmp/ray
munged --force --foreground --key-file {folder}/key --socket {folder}/munge.socket --pid-file {folder}/munged.pid \
    --seed-file {folder}/seed --log-file {folder}/munged.log &
until [ -S {folder}/munge.socket ]; do sleep 0.1; done
slurmctld -D -f {folder}/slurm.conf &
slurmd -D -f {folder}/slurm.conf &
wait
"""


def missing() -> str:
    """Why there can be no Slurm here; empty where there can."""
    absent = [name for name in PROGRAMS if shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin") is None]
    if absent:
        return f"no {', '.join(absent)} (make test-slurm installs Slurm)"
    if os.geteuid() or subprocess.run([*ISOLATED, "true"], capture_output=True, check=False).returncode:
        return "a Slurm of its own needs root and namespaces"
    return ""


pytestmark = [pytest.mark.slow, pytest.mark.skipif(missing() != "", reason=missing())]


def find_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


class Slurm:
    """A cluster of one node, for as long as its process lives."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("ray", "state", "spool"):
            (folder / name).mkdir()
        (folder / "key").write_bytes(os.urandom(128))
        (folder / "key").chmod(0o600)
        host = socket.gethostname().partition(".")[0]
        values = {"host": host, "folder": folder, "controller": find_port(), "node": find_port()}
        (folder / "slurm.conf").write_text(CONFIGURATION.format(**values, cores=os.cpu_count()))
        self.environment = os.environ | {
            "SLURM_CONF": str(folder / "slurm.conf"),
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}:/usr/sbin",
        }
        script = DAEMONS.format(folder=folder)
        with (folder / "daemons.log").open("w") as log:
            self.process = subprocess.Popen(
                [*ISOLATED, "bash", "-c", script], env=self.environment, stdout=log, stderr=log
            )
        self.wait_for(lambda: "idle" in self.ask("sinfo", "--noheader", "--format=%T"), 60)

    def ask(self, *command: str) -> str:
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, check=False).stdout

    def submit(self, out: Path, search: str, *options: str) -> str:
        environment = self.environment | {"OUT": str(out), "SEARCH": search, "TMPDIR": str(self.folder)}
        command = ["sbatch", "--parsable", f"--output={out}.log", "--chdir", str(ROOT), *options, str(SCRIPT)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
        return done.stdout.strip()

    def state(self, job: str) -> dict[str, str]:
        words = self.ask("scontrol", "show", "job", job).split()
        return dict(word.split("=", 1) for word in words if "=" in word)

    def wait_for(self, condition: Callable[[], object], seconds: float) -> None:
        end = time.monotonic() + seconds
        while not condition():
            if self.process.poll() is not None or time.monotonic() > end:
                logs = (path.read_text(errors="replace")[-1500:] for path in sorted(self.folder.glob("*.log")))
                raise TimeoutError("\n".join(logs))
            time.sleep(0.5)

    def close(self) -> None:
        self.process.send_signal(signal.SIGKILL)  # And with it all that is in its namespace.
        self.process.wait()


@pytest.fixture(scope="module")
def slurm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Slurm]:
    cluster = Slurm(tmp_path_factory.mktemp("slurm"))
    yield cluster
    cluster.close()


def read_epochs(run: Path) -> dict[str, list[dict[str, object]]]:
    """What is recorded of each trial."""
    records = {path.parent.name: json.loads(path.read_text()) for path in run.glob("trials/*/record.json")}
    return {name: record["rows"] for name, record in records.items()}


def test_a_job_that_is_told_to_stop_or_requeued_goes_on_and_ends_with_a_table(slurm: Slurm, tmp_path: Path) -> None:
    run, log = tmp_path / "run", tmp_path / "run.log"
    job = slurm.submit(run, "reproduce 1.3 --dataset digits --samples 2 --seeds 2 --epochs 12 --choice single")
    slurm.wait_for(lambda: any(read_epochs(run).values()), 200)
    # What Slurm sends before the time limit.
    slurm.ask("scancel", "--batch", "--signal=USR1", job)
    slurm.wait_for(lambda: slurm.state(job)["Restarts"] == "1", 120)
    assert "interrupted" in log.read_text()
    kept = read_epochs(run)
    slurm.wait_for(lambda: sum(map(len, read_epochs(run).values())) > sum(map(len, kept.values())), 200)
    slurm.ask("scontrol", "requeue", job)
    slurm.wait_for(lambda: slurm.state(job)["Restarts"] == "2", 120)
    also = read_epochs(run)
    slurm.wait_for(lambda: slurm.state(job)["JobState"] in ("COMPLETED", "FAILED"), 400)
    assert slurm.state(job)["JobState"] == "COMPLETED", log.read_text()[-3000:]
    assert "**Table 1.3.**" in log.read_text()
    after = read_epochs(run)
    for before in (kept, also):  # Nothing was trained again.
        for trial, rows in before.items():
            assert after[trial][: len(rows)] == rows
