"""How long the reading commands take, against importing pandas: ``python -m benchmarks.latency``."""

from __future__ import annotations

import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks.common.interleave import interleave
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report, describe_target, format_times

MODULE = "benchmarks.latency"
ROOT = Path(__file__).resolve().parents[1]
ARCHIVE = ROOT / "results" / "table-1.3-digits" / "run.tar.xz"
IMPORT = ("-c", "import pandas")
QUICK, READING = 0.5, 2.0  # Targets, in imports of pandas.


def list_commands(run: str, trial: str) -> dict[str, float]:
    """The reading commands and their targets.

    Args:
        run: a run folder.
        trial: the beginning of the name of one of its trials.
    """
    quick = ("--help", "list", "sweep --help", "table --help")
    reading = (f"status {run}", f"show {run} {trial}", f"best {run}", f"table 1.3 {run}")
    return dict.fromkeys(quick, QUICK) | dict.fromkeys(reading, READING)


def run_python(arguments: Sequence[str]) -> None:
    """Runs a program to its end.

    Raises:
        CalledProcessError: it failed.
    """
    subprocess.run([sys.executable, *arguments], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)


def main(arguments: Sequence[str] | None = None) -> None:
    """Measures and prints."""
    args = make_parser(MODULE, "times reading commands against an import of pandas", 11).parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        with tarfile.open(ARCHIVE) as packed:
            packed.extractall(folder, filter="data")
        run = Path(folder, ARCHIVE.parent.name)
        targets = list_commands(str(run), min(path.name for path in (run / "trials").iterdir()))
        contenders = {"import pandas": lambda: run_python(IMPORT)}
        for line in targets:
            contenders[line] = lambda line=line: run_python(("-m", "search", *line.split()))
        seconds = interleave(contenders, 1 if args.quick else args.repeats)
    report = Report("Latency of the reading commands", MODULE)
    report.table(
        "Ratios",
        [
            {
                "command": line.replace(str(run), "RUN"),
                "to import pandas": format_times(seconds[line] / seconds["import pandas"]),
                "target": describe_target(seconds[line] / seconds["import pandas"], target, "<=", "x"),
                "seconds": f"{seconds[line]:.2f}",
            }
            for line, target in targets.items()
        ],
    )
    publish(report, args.out)


if __name__ == "__main__":
    main()
