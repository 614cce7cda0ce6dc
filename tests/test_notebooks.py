"""The notebooks of examples/ run from top to bottom, and show what they are about to show."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

ROOT = Path(__file__).resolve().parent.parent
EXAMPLES = ROOT / "examples"
NOTEBOOKS = sorted(path.name for path in EXAMPLES.glob("*.ipynb"))


def execute(notebook: Path, target: Path) -> list[dict[str, Any]]:
    """Runs a notebook in the folder where it lies; returns its cells with their outputs."""
    command = [sys.executable, "-c", "from nbclient.cli import main; main()"]
    done = subprocess.run(
        [*command, str(notebook), f"--output={target.with_suffix('')}", "--timeout=300"],
        cwd=notebook.parent,
        env=os.environ | {"PYTHONPATH": str(ROOT), "IPYTHONDIR": str(target.parent / "ipython")},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(target.read_text(encoding="utf-8"))["cells"]


def list_shown(cells: list[dict[str, Any]], kind: str) -> list[str]:
    """What the cells show of a MIME type."""
    outputs = [output for cell in cells for output in cell.get("outputs", [])]
    return ["".join(output["data"][kind]) for output in outputs if kind in output.get("data", {})]


@pytest.mark.parametrize("name", NOTEBOOKS)
def test_a_notebook_is_committed_without_outputs(name: str) -> None:
    """Which would be out of date after the next change; whoever opens it runs it."""
    for cell in json.loads((EXAMPLES / name).read_text(encoding="utf-8"))["cells"]:
        assert cell.get("outputs", []) == []
        assert cell.get("execution_count") is None


def test_every_notebook_is_executed_here() -> None:
    assert NOTEBOOKS == ["own_figure.ipynb", "own_layer.ipynb"]


def test_a_figure_of_ones_own(tmp_path: Path) -> None:
    cells = execute(EXAMPLES / "own_figure.ipynb", tmp_path / "done.ipynb")
    assert len(list_shown(cells, "image/png")) == 1
    assert "**Table 1.3.**" in list_shown(cells, "text/markdown")[-1]
    found = pd.read_csv(ROOT / "results" / "table-1.4-mnist" / "sweep.csv").query("status == 'completed' and lr == 0.1")
    best = found.groupby("architecture")["val_accuracy"].max()
    assert f"0.1000 {best['conv']:13.4f} {best['invariant']:10.4f}" in list_shown(cells, "text/plain")[1]


@pytest.mark.slow
def test_a_layer_of_ones_own(tmp_path: Path) -> None:
    """With fewer and shorter trials than the two minutes of them that people wait for."""
    shutil.copy(EXAMPLES / "depthwise.py", tmp_path)
    text = (EXAMPLES / "own_layer.ipynb").read_text(encoding="utf-8")
    for asked, less in (("samples=12, epochs=10", "samples=3, epochs=3"), ("seeds=5", "seeds=2, epochs=3")):
        assert asked in text
        text = text.replace(asked, less)
    (tmp_path / "own_layer.ipynb").write_text(text, encoding="utf-8")
    cells = execute(tmp_path / "own_layer.ipynb", tmp_path / "done.ipynb")
    (ranking,) = list_shown(cells, "text/markdown")
    assert all(f"| {name}" in ranking for name in ("Depthwise-", "Convolutional", "Invariant"))
    assert (tmp_path / "runs" / "depthwise" / "report" / "report.html").exists()
    drawn = [text for text in list_shown(cells, "text/html") if text.startswith("<pre") and "so far" in text]
    assert len(drawn) == 2  # The live tables of the sweep and of the reruns, as they were at their ends.
    assert re.search(r"\b(\d+) of \1 epochs", drawn[0])  # How many depends on who reaches ASHA's rung first.
