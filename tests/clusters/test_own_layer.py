"""A layer of the user's own on a cluster whose nodes never see its file, while nodes die, and after it was edited."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from search.cli import main
from tests.search.alone import read_rows, train_alone

pytestmark = pytest.mark.slow

LAYER = """from torch import nn
from helper import KERNEL

class Mine(nn.Module):
    def __init__(self, in_channels, out_channels, dropout=0.1):
        super().__init__()
        self.conv = nn.Conv2d(in_channels, out_channels, KERNEL, padding=KERNEL // 2)
        self.norm, self.drop = nn.BatchNorm2d(out_channels), nn.Dropout(dropout)

    def forward(self, x):
        return self.drop(self.norm(self.conv(x)))
"""
OPTIONS = ["--scheduler", "none", "--samples", "2", "--epochs", "6"]


def write_code(folder: Path, kernel: int = 3) -> str:
    folder.mkdir(exist_ok=True)
    (folder / "my_layer.py").write_text(LAYER)
    (folder / "helper.py").write_text(f"KERNEL = {kernel}\n")
    return f"{folder / 'my_layer.py'}:Mine"


def test_a_cluster_that_never_saw_the_file(clusters: Any, sweeps: Any, tmp_path: Path) -> None:
    """Its nodes get the bytes; the numbers are those of a machine that nothing disturbed."""
    run, code = tmp_path / "run", tmp_path / "code"
    reference = write_code(code)
    cluster = clusters()
    first, second = cluster.add(), cluster.add()
    command = ["--architectures", reference, *OPTIONS, "--address", cluster.address]
    process = sweeps.start(run, *command)
    sweeps.wait_for(lambda: (run / "spec.json").exists(), process)
    shutil.rmtree(code)

    def list_used() -> list[Any]:
        names = set().union(*sweeps.nodes(run).values())
        return [node for node in (first, second) if node.name in names]

    sweeps.wait_for(list_used, process)
    list_used()[0].kill()
    cluster.add()
    _, errors = process.communicate(timeout=300)
    assert process.returncode == 0, errors
    assert set(sweeps.outcomes(run).values()) == {"completed"}
    undisturbed = train_alone(run)
    assert read_rows(run) == undisturbed
    (name,) = (path.name for path in (run / "sources").iterdir())
    assert sorted(path.name for path in (run / "sources" / name).iterdir()) == ["helper.py", "my_layer.py"]

    status, errors = sweeps.finish(run, *command)
    assert status == 2
    assert f"no such file; give the path of a Python file; or use the copy that the run keeps, {name}" in errors
    write_code(code, kernel=5)
    status, errors = sweeps.finish(run, *command)
    assert status == 2
    assert f"it was {name} when the run began with it" in errors
    assert f"(--architectures {name})" in errors
    assert "(--accept-changes)" in errors
    status, errors = sweeps.finish(run, "--architectures", name, *command[2:])
    assert status == 0, errors
    assert read_rows(run) == undisturbed
    status, errors = sweeps.finish(run, *command, "--accept-changes", "--max-concurrent", "2")
    assert status == 0, errors
    assert len(read_rows(run)) == 4
    assert len(list((run / "sources").iterdir())) == 2


def test_a_driver_that_is_killed_is_resumed_from_the_kept_copy(
    sweeps: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run, code = tmp_path / "run", tmp_path / "code"
    command = ["--architectures", write_code(code), *OPTIONS]
    process = sweeps.start(run, *command)
    sweeps.wait_for(lambda: any(len(rows) > 2 for rows in read_rows(run).values()), process)
    process.kill()
    process.communicate()
    (name,) = (path.name for path in (run / "sources").iterdir())
    (code / "my_layer.py").write_text("raise SystemExit('imported')")
    status, errors = sweeps.finish(run, "--architectures", name, *OPTIONS)
    assert status == 0, errors
    assert read_rows(run) == train_alone(run)

    # What only reads imports neither the file nor the copy.
    kept = run / "sources" / name / "my_layer.py"
    content = kept.read_bytes()
    kept.write_text("raise SystemExit('imported')")
    (trial, *_) = read_rows(run)
    for line in ("status RUN", "table summary RUN", "best RUN", "watch RUN --once", f"show RUN {trial}", "report RUN"):
        more = ["--out", str(tmp_path / "report")] if line.startswith("report") else []
        assert main([*(str(run) if word == "RUN" else word for word in line.split()), *more]) == 0, line
    shown = capsys.readouterr()
    assert "imported" not in shown.out + shown.err
    assert main(["check", str(run)]) == 3
    assert f"{run / 'sources' / name}: damaged" in capsys.readouterr().out
    code.joinpath("my_layer.py").write_bytes(content)
    assert main(["check", str(run), "--repair"]) == 0
    assert kept.read_bytes() == content
    exported = tmp_path / "exported"
    code.joinpath("my_layer.py").write_text("raise SystemExit('imported')")
    assert main(["best", str(run), "--export", str(exported)]) == 0
    line = [sys.executable, str(exported / "load.py")]
    loaded = subprocess.run(line, cwd=tmp_path, env=sweeps.environment, capture_output=True, text=True)
    assert loaded.returncode == 0, loaded.stderr
    numbers = [text.split()[-2] for text in loaded.stdout.splitlines() if text.endswith("%")]
    assert len(numbers) == 2
    assert numbers[0] == numbers[1]
