"""How long a report takes and how much memory, for 10,000 trials of 20 epochs: ``python -m benchmarks.reporting``."""

from __future__ import annotations

import argparse
import random
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.common.options import publish, rounds
from benchmarks.common.report import Report, describe_target
from spaces import SPACES, Hyperparameters, TrialSpec
from spaces.files.sealed import seal

MODULE = "benchmarks.reporting"
ARCHITECTURES = ("conv", "invariant")
TARGET_SECONDS, TARGET_MB, TARGET_PAGE_MB = 30.0, 1024.0, 10.0
GRACE = 5


def write_run(path: Path, trials: int, epochs: int, seeds: int = 10) -> None:
    """Writes a run folder with random but plausible records, half the trials for each architecture."""
    chance = random.Random(0)
    spec = {
        "format": 2,
        "dataset": "mnist",
        "data_hash": "d" * 16,
        "thetas": None,
        "space": SPACES["continuous"].describe(),
        "earlier": [],
        "search": "tpe",
        "scheduler": "asha",
        "grace_period": GRACE,
        "max_epochs": epochs,
        "reduction_factor": 4,
        "seed": 0,
        "split_seed": 0,
        "batch_size": 64,
        "architectures": list(ARCHITECTURES),
        "samples": trials // len(ARCHITECTURES),
        "rerun_seeds": seeds,
        "rerun_epochs": epochs,
    }
    path.mkdir(parents=True)
    (path / "spec.json").write_bytes(seal(spec))
    layers = {"conv": (63, 3087), "invariant": (49, 2401)}
    costs = {
        name: [
            {"name": f"layer{number}", "kind": name, "params": params, "mults": params * 196, "transform_mults": 0}
            for number, params in enumerate(sizes)
        ]
        for name, sizes in layers.items()
    }
    (path / "costs.json").write_bytes(seal(costs))
    best: dict[str, tuple[float, Hyperparameters]] = {}
    for number in range(trials):
        name = ARCHITECTURES[number % len(ARCHITECTURES)]
        theta = Hyperparameters(
            float(f"{10 ** chance.uniform(-1.5, 0):.4g}"),
            float(f"{chance.uniform(0, 0.9):.3g}"),
            float(f"{10 ** chance.uniform(-5, -3.5):.4g}"),
            float(f"{chance.uniform(0.5, 2):.3g}"),
        )
        top = max(0.1, 0.975 - 0.3 * theta.lr * theta.momentum - abs(chance.gauss(0, 0.02)))
        last = _write_trial(path, TrialSpec("sweep", name, "mnist", "d" * 16, theta, 0, 0, 64), top, epochs, chance)
        best[name] = max(best.get(name, (0.0, theta)), (last, theta), key=lambda pair: pair[0])
    for name, (top, theta) in best.items():
        for seed in range(1, seeds + 1):
            spec = TrialSpec("rerun", name, "mnist", "d" * 16, theta, seed, None, 64)
            _write_trial(path, spec, top, epochs, chance)


def _write_trial(run: Path, spec: TrialSpec, top: float, epochs: int, chance: random.Random) -> float:
    kind = "val" if spec.phase == "sweep" else "test"
    rows = []
    for epoch in range(1, epochs + 1):
        accuracy = min(1.0, max(0.0, top - 0.3 / epoch**1.5 + chance.gauss(0, 0.003)))
        row = {f"{kind}_loss": 1.0 - accuracy, f"{kind}_accuracy": accuracy, "train_loss": 1.1 - accuracy}
        rows.append({"epoch": epoch, **row, "seconds": 0.7, "time": 1.79e9 + epoch, "maker": 0})
    maker = {"engine": "native", "engine_version": "1", "instruction_set": "avx2", "torch": "2", "host": "bench"}
    record = {
        "format": 2,
        "trial": spec.as_dict(),
        "status": "running",
        "error": None,
        "notes": [],
        "makers": [maker],
        "rows": rows,
    }
    folder = run / "trials" / spec.trial_id
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "record.json").write_bytes(seal(record))
    ended = {"format": 2, "status": "completed", "epoch": epochs, "time": 1.79e9, "record": record}
    (folder / "verdict.json").write_bytes(seal(ended))
    return rows[-1][f"{kind}_accuracy"]


def measure(run: Path, target: Path) -> dict[str, float]:
    """Writes one report in this process and says how long each part took, and its peak memory."""
    from analysis.evidence import gather
    from analysis.records.reader import read_run
    from analysis.report import SECTIONS
    from analysis.report.write import fill, write_content

    seconds: dict[str, float] = {}

    def lap(name: str, since: float) -> float:
        seconds[name] = time.perf_counter() - since
        return time.perf_counter()

    start = now = time.perf_counter()
    evidence = gather([read_run(run)])
    now = lap("read", now)
    content = fill(evidence, SECTIONS)
    now = lap("statistics", now)
    for only in ("tables", "figures", "html"):
        write_content(evidence, target, SECTIONS, content, only)
        now = lap(only, now)
    lap("all", start)
    seconds["peak RSS (MB)"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    seconds["page (MB)"] = (target / "report.html").stat().st_size / 2**20
    return seconds


def main() -> None:
    """Measures in a fresh process, so that the peak is that of a report and not of writing the records."""
    options = argparse.ArgumentParser(prog=f"python -m {MODULE}", description="seconds and memory of a report")
    options.add_argument("--trials", type=rounds, default=10_000, metavar="N", help="trials (default 10000)")
    options.add_argument("--epochs", type=rounds, default=20, metavar="N", help="epochs of each (default 20)")
    options.add_argument("--out", type=Path, metavar="FILE", help="write the result there too")
    options.add_argument("--run", type=Path, help=argparse.SUPPRESS)
    args = options.parse_args()
    if args.run:
        for name, value in measure(args.run / "run", args.run / "report").items():
            print(f"{name}\t{value}")
        return
    with tempfile.TemporaryDirectory() as folder:
        write_run(Path(folder) / "run", args.trials, args.epochs)
        command = [sys.executable, "-m", MODULE, "--run", folder]
        said = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    found = {name: float(value) for name, value in (line.split("\t") for line in said.splitlines())}
    targets = {"all": (TARGET_SECONDS, " s"), "peak RSS (MB)": (TARGET_MB, ""), "page (MB)": (TARGET_PAGE_MB, "")}
    rows = [
        {"what": name, "measured": f"{value:.3g}", "target": describe_target(value, *_target(targets.get(name)))}
        for name, value in found.items()
    ]
    report = Report(f"A report of {args.trials:,} trials of {args.epochs} epochs", MODULE)
    report.text("Seconds, unless another unit is given; the records lie in the page cache, having just been written.")
    report.table("Measured", rows)
    publish(report, args.out)


def _target(target: tuple[float, str] | None) -> tuple[float | None, str, str]:
    return (target[0], "<=", target[1]) if target else (None, "<=", "")


if __name__ == "__main__":
    main()
