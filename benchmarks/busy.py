"""How busy a sweep kept the cores: training and judging seconds of its trials / (cores x wall seconds).

    python -m benchmarks.busy RUN --cores 2

Wall seconds run from the start of the first recorded epoch to the end of the last, so a run that was interrupted and
continued looks idle in between.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence

from analysis.records.reader import Run, read_run


def busy_share(run: Run, cores: int) -> tuple[float, float]:
    """The share of a sweep, and its wall seconds.

    Raises:
        ValueError: nothing was recorded.
    """
    swept = run.trials["trial_id"].to_numpy()[run.trials["phase"].to_numpy() == "sweep"]
    chosen = run.epochs["trial_id"].isin(swept.tolist()).to_numpy()
    seconds, ends = (run.epochs[name].to_numpy()[chosen] for name in ("seconds", "time"))
    if not len(ends):
        raise ValueError("no epoch of a sweep is recorded")
    wall = float(ends.max() - (ends - seconds).min())
    return float(seconds.sum()) / (cores * wall), wall


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.busy", description="How busy a sweep kept the cores.")
    parser.add_argument("run", metavar="RUN", help="a run folder")
    parser.add_argument("--cores", type=int, default=os.cpu_count(), help="of the sweep (default: this machine's)")
    asked = parser.parse_args(arguments)
    run = read_run(asked.run)
    share, wall = busy_share(run, asked.cores)
    trials = run.trials["phase"].tolist().count("sweep")
    print(f"{trials} trials in {wall:.0f} s on {asked.cores} cores: {100 * share:.1f} % busy (target >= 90 %)")


if __name__ == "__main__":
    main()
