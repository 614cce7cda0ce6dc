"""How long the real command takes until its first trial trains, as the grid grows."""

from __future__ import annotations

import json
import math
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

GRIDS = {8: (2, 2, 2, 1), 256: (4, 4, 4, 4), 2048: (8, 8, 8, 4), 20_000: (20, 20, 10, 5)}  # Values of each.
POLL_SECONDS = 0.05


def make_space(sizes: tuple[int, ...]) -> str:
    """A space file whose grid has so many values of each hyperparameter."""
    names, mosts = ("lr", "momentum", "weight_decay", "gain"), (0.1, 0.9, 1e-4, 2.0)
    return "\n".join(
        f"{name}: {{choice: [{', '.join(f'{most * (k + 1) / count:.4g}' for k in range(count))}]}}"
        for name, most, count in zip(names, mosts, sizes, strict=True)
    )


def measure_start(trials: int) -> float:
    """Seconds from the start of ``invsearch sweep`` to the first epoch, for a grid of so many trials."""
    with tempfile.TemporaryDirectory() as folder:
        space, out = Path(folder) / "space.yaml", Path(folder) / "run"
        space.write_text(make_space(GRIDS[trials]), encoding="utf-8")
        assert math.prod(GRIDS[trials]) == trials
        command = ["sweep", "--architectures", "conv", "--dataset", "digits", "--space", str(space), "--out", str(out)]
        began = time.time()
        running = subprocess.Popen([sys.executable, "-m", "search", *command], stderr=subprocess.DEVNULL)
        try:
            while not (records := list(out.glob("trials/*/record.json"))):
                if running.poll() is not None:
                    raise RuntimeError(f"invsearch {' '.join(command)} ended before its first epoch")
                time.sleep(POLL_SECONDS)
            rows = [json.loads(path.read_text(encoding="utf-8"))["rows"][0] for path in records]
            return min(row["time"] - row["seconds"] for row in rows) - began
        finally:
            running.send_signal(signal.SIGINT)
            running.wait()
