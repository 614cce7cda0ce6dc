"""Which runs are replicates of one experiment, and what each of them says of each architecture."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from analysis.evidence import Candidate, Evidence, find_published
from analysis.images import find_sample
from analysis.records.reader import Run
from spaces.common.errors import UserError, make_printable
from spaces.specs.replicates import list_seeds, read_count
from spaces.specs.run import RunSpec

DIFFERENT = ("seed", "split_seed")
"""What replicates differ in."""


@dataclass(frozen=True, eq=False)
class Repeated:
    """An architecture's searches in the replicates in which all its reruns have ended.

    Attributes:
        title: its name for people.
        found: it, in each of them.
    """

    title: str
    found: Sequence[Candidate]

    @cached_property
    def samples(self) -> list[np.ndarray]:
        """Of each search what its seeds scored, in percent."""
        return [one.accuracies for one in self.found]

    @property
    def splits(self) -> list[int]:
        """Of each search the seed of its split."""
        return [int(one.run.spec["split_seed"]) for one in self.found]

    @property
    def means(self) -> np.ndarray:
        """Of each search the mean over its seeds, in percent."""
        return np.array([sample.mean() for sample in self.samples])

    @cached_property
    def shares(self) -> np.ndarray | None:
        """Which share of each search's seeds is right about each test image, (searches, images).

        None where predictions were not kept, or where they are not all that the means are of: a diverged seed has
        none, and they are of the last epoch.
        """
        kept = [(one, sample.right) for one in self.found if (sample := find_sample(one)) is not None]
        shares = [
            right.mean(axis=0)
            for one, right in kept
            if right is not None and len(right) == len(one.accuracies) and one.reruns.judge == "final"
        ]
        alike = len(shares) == len(self.found) and len({len(share) for share in shares}) == 1
        return np.array(shares) if alike else None

    def match(self, other: Repeated) -> tuple[Repeated, Repeated]:
        """This one and another in the replicates that both have."""
        common = {id(one.run) for one in self.found} & {id(one.run) for one in other.found}
        first, second = ([one for one in each.found if id(one.run) in common] for each in (self, other))
        return Repeated(self.title, first), Repeated(other.title, second)


def average_splits(values: np.ndarray, splits: Sequence[int]) -> np.ndarray:
    """The mean over each split's searches, of one value or one row a search: these means are independent."""
    return np.array([values[np.array(splits) == split].mean(axis=0) for split in dict.fromkeys(splits)])


@dataclass(frozen=True, eq=False)
class Experiment:
    """The replicates among the runs of some evidence.

    Attributes:
        runs: those that differ only in their seeds; fewer than two where there are none.
        names: their names, in the same order.
        evidence: all that they are taken from.
        others: the names of the runs that are no replicates of these.
        overlapping: the names of those that would be, had they seeds of their own.
    """

    runs: Sequence[Run]
    names: Sequence[str]
    evidence: Evidence
    others: Sequence[str]
    overlapping: Sequence[str]

    @cached_property
    def candidates(self) -> dict[str, list[Candidate]]:
        """Architecture -> it in every replicate."""
        each = [self.evidence.find_candidates(run) for run in self.runs]
        names = self.runs[0].spec["architectures"] if self.runs else ()
        return {name: [found[name] for found in each] for name in names}

    @cached_property
    def repeated(self) -> dict[str, Repeated]:
        """Architecture -> its searches whose reruns have all ended; those that have none are left out."""
        found = {
            name: Repeated(find_published(several[0].run, name)[1], [one for one in several if is_whole(one)])
            for name, several in self.candidates.items()
        }
        return {name: one for name, one in found.items() if one.found}

    @property
    def lacking(self) -> Iterator[tuple[str, Candidate]]:
        """Where reruns have not all ended: the replicate's name and the candidate."""
        for several in self.candidates.values():
            for name, one in zip(self.names, several, strict=True):
                if not is_whole(one):
                    yield name, one

    def count_wins(self) -> tuple[dict[str, int], int]:
        """Architecture -> in how many replicates it has the highest mean alone; and of how many that have all."""
        wins, whole = dict.fromkeys(self.candidates, 0), 0
        for several in zip(*self.candidates.values(), strict=True):
            if all(map(is_whole, several)):
                whole += 1
                means = [float(one.accuracies.mean()) for one in several]
                ahead = [one.architecture for one, mean in zip(several, means, strict=True) if mean == max(means)]
                wins[ahead[0]] += len(ahead) == 1
        return wins, whole

    @property
    def begun(self) -> str:
        """A sentence where more replicates are asked for than were begun; empty where all were."""
        folders = {run.path.resolve().parent for run in self.evidence.runs}
        with suppress(UserError):
            counts = {folder: read_count(folder) for folder in folders}
            for folder, count in counts.items():
                begun = sum(run.path.resolve().parent == folder for run in self.evidence.runs)
                if count is not None and begun < count:
                    return f"{make_printable(folder.name)}: {begun} of {count} replicates were begun."
        return ""


def find_experiment(evidence: Evidence) -> Experiment:
    """Finds the replicates: the runs that differ from the first one at most in their seeds, none with another's.

    Where two share seeds, they may share trainings: reruns of one configuration leave nothing out but the seed.
    """
    runs = dict(zip(evidence.names, evidence.runs, strict=True))
    questions = {name: _describe_question(run) for name, run in runs.items()}
    alike = [name for name in runs if questions[name] == questions[evidence.names[0]]]
    chosen: dict[str, Run] = {}
    taken: list[range] = []
    for name in alike:
        seeds = list_seeds(RunSpec.from_dict(runs[name].spec))
        if not any(_overlap(one, other) for one in seeds for other in taken):
            chosen[name] = runs[name]
            taken += seeds
    overlapping = [name for name in alike if name not in chosen]
    searched = bool(evidence.runs[0].spec.get("samples")) and bool(evidence.runs[0].spec.get("rerun_seeds"))
    if len(chosen) < 2 or not searched:
        chosen = {}
    others = [name for name in runs if name not in chosen and name not in overlapping]
    return Experiment([*chosen.values()], [*chosen], evidence, others, overlapping if searched else [])


def is_whole(one: Candidate) -> bool:
    """Whether all seeds of an architecture have ended by themselves, so that its mean leaves nothing out."""
    return one.reruns.ended == one.reruns.asked > 0


def _overlap(one: range, other: range) -> bool:
    return max(one.start, other.start) < min(one.stop, other.stop)


def _describe_question(run: Run) -> str:
    return json.dumps({name: value for name, value in run.spec.items() if name not in DIFFERENT}, sort_keys=True)
