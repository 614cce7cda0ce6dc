"""A table of many seeds: every configuration of Table 1.2's grid trained over them, epoch by epoch, on digits.

    nice python -m benchmarks.seeds TABLE

What ``benchmarks.choice`` replays choices on. Each line of the file is one training: architecture, ``val`` or
``test``, seed, the configuration's place in the grid, and how many images were right after each epoch, or ``-`` from
where it diverged. What is there is not trained again, so the program can be stopped and started at will; the parts come
in the order of use: few seeds of all configurations first, then more of the better ones.
"""

from __future__ import annotations

import argparse
import gzip
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from search.datasets import find_dataset, load_split
from search.training.loop import Training, make_repeatable
from spaces import SPACES, TrialSpec
from spaces.specs.run import RunSpec

ARCHITECTURES = ("conv", "invariant")
EPOCHS, CONFIGURATIONS = 20, 256
PARTS = (
    ("val", 1, 256),
    ("val", 5, 96),
    ("test", 4, 24),
    ("val", 9, 64),
    ("test", 8, 24),
    ("val", 13, 64),
    ("test", 5, 64),
)
"""Judged on, seeds, and of how many configurations: the best by what is on record; on ``test`` also each seed's own."""
EACH = 6  # How many of those: a search on one seed takes one of its best.

Key = tuple[str, str, int, int]  # Architecture, judged on, seed's place, configuration's place.


def make_spec(seeds: int = 20) -> RunSpec:
    """The run that the trainings could belong to."""
    data = find_dataset("digits")
    return RunSpec(
        dataset=data.name,
        data_hash=data.data_hash,
        batch_size=data.batch_size,
        seed=0,
        split_seed=0,
        architectures=ARCHITECTURES,
        space=SPACES["table-1.2"].describe(),
        search="grid",
        scheduler="none",
        samples=CONFIGURATIONS,
        finalists=16,
        choice_seeds=seeds,
        rerun_seeds=seeds,
        rerun_epochs=EPOCHS,
    )


def list_trials(spec: RunSpec, architecture: str, judged: str, place: int) -> list[TrialSpec]:
    """The trials of all its configurations on the seed of a place: of ``val`` the first is the sweep's own."""
    points = spec.list_points(architecture)
    if judged == "test":
        return [spec.list_rerun_trials(architecture, theta)[place] for theta in points]
    if place == 0:
        return [spec.sweep_trial(architecture, theta) for theta in points]
    return [spec.list_choice_trials(architecture, theta)[place - 1] for theta in points]


def read_table(path: Path) -> dict[Key, np.ndarray]:
    """The file: how many images were right after each epoch, (20,), NaN from where it diverged."""
    found = {}
    if not path.exists():
        return found
    whole = path.read_bytes()
    for line in (gzip.decompress(whole) if path.suffix == ".gz" else whole).decode().splitlines():
        architecture, judged, place, config, *counts = line.split()
        if len(counts) == EPOCHS:  # The last line of a killed process may be cut.
            values = [np.nan if count == "-" else float(count) for count in counts]
            found[architecture, judged, int(place), int(config)] = np.array(values)
    return found


def choose(table: dict[Key, np.ndarray], architecture: str, judged: str, best: int) -> list[int]:
    """The configurations of a part, by their means on held-out images; what diverged is at the bottom."""
    chosen: set[int] = set()
    for epochs in (1, 5):  # What either judge looks at.
        scores: dict[int, list[float]] = {}
        seeds: dict[int, dict[int, float]] = {}
        for (name, images, place, config), counts in table.items():
            if (name, images) == (architecture, "val"):
                value = float(np.nan_to_num(counts)[-epochs:].mean())
                scores.setdefault(config, []).append(value)
                seeds.setdefault(place, {})[config] = value
        most = max(map(len, scores.values()), default=0)
        if judged == "val":
            return _take_best({config: float(np.mean(found)) for config, found in scores.items()}, best)
        known = {config: float(np.mean(found)) for config, found in scores.items() if len(found) == most}
        chosen.update(_take_best(known, best), *(_take_best(found, EACH) for found in seeds.values()))
    return sorted(chosen)


def _take_best(scores: dict[int, float], count: int) -> list[int]:
    return sorted(scores, key=lambda config: (-scores[config], config))[:count]


def list_missing(table: dict[Key, np.ndarray], judged: str, seeds: int, best: int) -> Iterator[Key]:
    """What a part still lacks, seed by seed."""
    everyone = list(range(CONFIGURATIONS))
    chosen = {name: everyone if best == CONFIGURATIONS else choose(table, name, judged, best) for name in ARCHITECTURES}
    for place in range(seeds):
        for name in ARCHITECTURES:
            for config in chosen[name]:
                if (name, judged, place, config) not in table:
                    yield name, judged, place, config


def train(trial: TrialSpec, split: object) -> list[str]:
    """How many images were right after each epoch."""
    training, counts = Training(trial, split), []  # type: ignore[arg-type]
    images = len(split.eval_y)  # type: ignore[attr-defined]
    for _ in range(EPOCHS):
        epoch = training.run_epoch()
        if epoch.diverged:
            break
        counts.append(str(round(epoch.accuracy * images)))
    return counts + ["-"] * (EPOCHS - len(counts))


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.seeds", description="Trains the table of seeds.")
    parser.add_argument("table", metavar="TABLE", type=Path, help="file, new or to be continued")
    asked = parser.parse_args(arguments)
    make_repeatable("cpu", 1)
    spec, data = make_spec(), find_dataset("digits")
    splits = {"val": load_split(data, "sweep", 0), "test": load_split(data, "rerun", None)}
    trials: dict[tuple[str, str, int], list[TrialSpec]] = {}
    for judged, seeds, best in PARTS:
        missing = list(list_missing(read_table(asked.table), judged, seeds, best))
        with asked.table.open("a", encoding="utf-8") as file:
            for name, _, place, config in missing:
                key = name, judged, place
                if key not in trials:
                    trials[key] = list_trials(spec, *key)
                counts = train(trials[key][config], splits[judged])
                print(name, judged, place, config, *counts, file=file, flush=True)
        print(f"{judged}: {seeds} seeds of {best} configurations, {len(missing)} trained", flush=True)


if __name__ == "__main__":
    main()
