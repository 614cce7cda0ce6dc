"""What cluster.yaml tells a new machine to install is this project, whole and working."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]

pytestmark = pytest.mark.slow


def test_a_clean_machine_gets_the_project(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / "cluster.yaml").read_text(encoding="utf-8"))
    home = tmp_path / "home"
    left_out = shutil.ignore_patterns(".git", ".venv", "runs", "build", "*.so", "*.egg-info")  # A clean checkout.
    shutil.copytree(ROOT, home / "invsearch", ignore=left_out)
    # Python is there already, so what would install it is not reached.
    tools = tmp_path / "tools"
    tools.mkdir()
    (tools / "sudo").write_text("#!/bin/sh\nexit 99\n")
    (tools / "sudo").chmod(0o755)
    (tools / "python3.11").symlink_to(Path(sys.executable).resolve())
    own = {key: value for key, value in os.environ.items() if key not in ("PYTHONPATH", "VIRTUAL_ENV")}
    environment = own | {"HOME": str(home), "PATH": f"{tools}:{os.environ['PATH']}", "PIP_RETRIES": "10"}

    def run(line: str, **more: str) -> str:
        done = subprocess.run(
            ["bash", "-c", line], cwd=home, env=environment | more, capture_output=True, text=True, timeout=900
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    for compilers in ({"CC": "false", "CXX": "false"}, {}):  # `ray up` repeats them; compiling once is enough.
        for command in config["setup_commands"]:
            run(command.replace("/home/ubuntu", str(home)), **compilers)
    assert (home / ".bashrc").read_text().count("invsearch-venv") == 1
    shell = f"source {home}/.bashrc; cd /; "
    assert run(f"{shell} command -v invsearch ray").split() == [
        f"{home}/venv/bin/{name}" for name in ("invsearch", "ray")
    ]
    version = run(f"{shell} invsearch --version")
    assert version.startswith("invsearch ")
    assert "engine native" in version or shutil.which("g++") is None
    assert "invariant" in run(f"{shell} invsearch list")
    run(f"{shell} python -c 'import ray.dashboard.head, ray.autoscaler.sdk, ray.autoscaler._private.aws.node_provider'")
