"""What the statistics, the figures and the report argue from: each architecture of each run, with its records."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import pandas as pd

from analysis.costs import Cost, find_network_cost, includes_classifier
from analysis.incumbents import find_incumbents
from analysis.judging import explain_judge, find_judge, judge_trials
from analysis.luck import Found, find_luck
from analysis.published.mnist import PUBLISHED, Published
from analysis.races import Raced, find_races
from analysis.records.reader import Run
from analysis.records.schema import list_hyperparameters
from analysis.reruns import Reruns, find_reruns
from analysis.stats.equivalence import MARGIN, Equivalence, judge_equivalence
from analysis.stats.outcomes import BROKEN
from analysis.stats.pairs import add_detectable, compare_pairs, count_tests
from spaces.common.errors import UserError, make_printable
from spaces.common.lookup import choose
from spaces.common.wording import format_count
from spaces.hyperparameters import NAMES
from spaces.specs.protocol import JUDGES


@dataclass(frozen=True, eq=False)
class Candidate:
    """One architecture of one run.

    Attributes:
        run: where it was trained.
        architecture: its name.
        group: its title, with the run's name before it where several runs are compared; names its colour.
        published: the chapter's row; None where the chapter has none, or has it for another data set.
        judge: what says how good a rerun is, one of ``JUDGES``; None: the run's own.
    """

    run: Run
    architecture: str
    group: str
    published: Published | None
    judge: str | None = None

    @cached_property
    def sweep(self) -> pd.DataFrame:
        """Its trials of the sweep, with the columns of ``schema.TRIALS``."""
        trials = self.run.trials
        return trials[(trials["architecture"] == self.architecture) & (trials["phase"] == "sweep")]

    @cached_property
    def epochs(self) -> pd.DataFrame:
        """All recorded epochs of its trials, with the columns of ``schema.EPOCHS`` and the trial's ``phase``."""
        trials = self.run.trials.loc[self.run.trials["architecture"] == self.architecture, ["trial_id", "phase"]]
        return self.run.epochs.merge(trials, on="trial_id")

    @cached_property
    def race_seeds(self) -> int:
        """The seeds of the race by which its incumbent was chosen; 0 where the sweep's one seed decided."""
        return 0 if self.incumbent is None else int(self.incumbent["choice_seeds"])

    @cached_property
    def hyperparameters(self) -> list[str]:
        """The names of those that its trials have: architectures of one run may take different ones."""
        trials = self.run.trials[self.run.trials["architecture"] == self.architecture]
        return [name for name in list_hyperparameters(trials) if trials[name].notna().any()]

    def find_domain(self, name: str) -> tuple[str, list[Any]]:
        """What a hyperparameter was searched over: the kind of the domain and its values; none without a search."""
        described = (self.run.spec.get("space") or {}).get(name) or {"": []}
        return next(iter(described.items()))

    @cached_property
    def incumbent(self) -> pd.Series | None:
        """Its row of ``find_incumbents``, or None while there is none."""
        chosen = find_incumbents(self.run)
        return next((row for name, row in chosen.iterrows() if name == self.architecture), None)

    @property
    def selected(self) -> float:
        """Validation accuracy in percent by which the incumbent was chosen, a race's mean; NaN while there is none."""
        if self.incumbent is None:
            return math.nan
        if self.race_seeds:
            return 100.0 * float(self.incumbent["choice_accuracy"])
        judged = judge_trials(self.run, "val_accuracy", find_judge(self.run))
        return 100.0 * float(judged.get(self.incumbent["trial_id"], math.nan))

    @cached_property
    def raced(self) -> Raced | None:
        """Its race over seeds; None where the run asks for none."""
        return find_races(self.run).get(self.architecture)

    @property
    def theta(self) -> dict[str, Any] | None:
        """The hyperparameters of the incumbent by name; None while there is none."""
        if self.incumbent is None:
            return None
        values = {name: self.incumbent[name] for name in self.hyperparameters}
        return {name: value.item() if isinstance(value, np.generic) else value for name, value in values.items()}

    @cached_property
    def reruns(self) -> Reruns:
        """Its reruns of the incumbent."""
        config = None if self.incumbent is None else str(self.incumbent["config_id"])
        return find_reruns(self.run, self.architecture, config, self.judge)

    @cached_property
    def luck(self) -> Found | None:
        """What its search would have found again; None where nothing was searched, or too little is known of it."""
        return find_luck(self.run, self.sweep, self.incumbent, self.raced, self.reruns)

    @property
    def accuracies(self) -> np.ndarray:
        """Test accuracies in percent, one for each rerun that finished or diverged."""
        return self.reruns.accuracies

    @property
    def gaps(self) -> list[str]:
        """Sentences on the reruns that its mean leaves out."""
        kinds = ("failed", "unfinished", "not_started")
        missing = [f"{count} {kind.replace('_', ' ')}" for kind in kinds if (count := getattr(self.reruns, kind))]
        out = "the mean leaves out" if self.reruns.ended else "there is no mean:"
        said = [f"{self.group}: {out} {', '.join(missing)}."] if missing else []
        if other := self.reruns.other:
            said.append(f"{self.group}: reruns of other configurations than the incumbent's are not counted: {other}.")
        return said

    @property
    def collapses(self) -> list[str]:
        """Sentences where reruns diverged or collapsed: outcomes as good as any, but few see them in a mean."""
        low = self.reruns.collapsed
        many = f"{len(low)} collapsed ({', '.join(f'{accuracy:.1f}' for accuracy in low)} %)"
        they = f"{'it counts' if len(low) == 1 else 'they count'} in the mean and in every test"
        said = f"{self.group}: of {format_count(self.reruns.finished, 'finished rerun')} {many}; {they}."
        good, lost, ended = self.reruns.successful, self.reruns.diverged, format_count(self.reruns.ended, "ended rerun")
        known = (
            f"chance ({self.reruns.chance:.1f} %)" if self.reruns.chance else "0 %, as the classes are not recorded,"
        )
        guess = f"{'counts' if lost == 1 else 'count'} as {known} in the mean and in every test"
        rest = f"; the mean of the {good.n} that succeeded is {good.mean:.2f} %" if good.n else ""
        gone = f"{self.group}: of {ended} {lost} diverged and {guess}{rest}."
        return [*([gone] if lost else []), *([said] if low else [])]

    @property
    def cost(self) -> Cost | None:
        """What its network costs, or None where the run has not counted it."""
        return find_network_cost(self.run, self.architecture)

    @property
    def includes_classifier(self) -> bool:
        """Whether its cost has all layers, also a classifier, and so is not comparable with those of others."""
        return includes_classifier(self.run, self.architecture)


@dataclass(frozen=True, eq=False)
class Evidence:
    """Runs, taken together.

    Attributes:
        runs: one or more, in the order of the command.
        candidates: the architectures of the first run in its order, then those of the next.
        margin: the difference in points of accuracy that does not matter, when ours is held against the published.
    """

    runs: Sequence[Run]
    candidates: Sequence[Candidate]
    margin: float = MARGIN

    @property
    def names(self) -> list[str]:
        """A short name for each run."""
        return list_names(self.runs)

    @property
    def hyperparameters(self) -> list[str]:
        """The names of those that any run has: the four of Table 1.2, then the further ones."""
        found = {name for run in self.runs for name in list_hyperparameters(run.trials)}
        return [*NAMES, *sorted(found.difference(NAMES))]

    @property
    def groups(self) -> tuple[str, ...]:
        """The groups of the candidates, in order."""
        return tuple(candidate.group for candidate in self.candidates)

    @cached_property
    def by_data(self) -> dict[str, list[Candidate]]:
        """Those with a seed that ended, apart by the data they are on: accuracies on others do not compare networks.

        A candidate that only repeats trials of another is left out (``repeats``): the same seeds are no second sample.
        """
        found: dict[tuple[str, str], list[Candidate]] = {}
        for one in self.candidates:
            if (one.reruns.ended or one.reruns.lost) and one.group not in self.repeated:
                found.setdefault(find_data(one.run), []).append(one)
        return dict(zip(name_data(found).values(), found.values(), strict=True))

    @cached_property
    def compared(self) -> dict[str, pd.DataFrame]:
        """What ``compare_pairs`` says of each data set: one family of tests, which every table and sentence goes by."""
        return {data: compare_candidates(found, list_samples(found)) for data, found in self.by_data.items()}

    @cached_property
    def detectable(self) -> dict[str, pd.DataFrame]:
        """``compared`` with what ``add_detectable`` adds, which takes time."""
        return {name: add_detectable(pairs, list_samples(self.by_data[name])) for name, pairs in self.compared.items()}

    @cached_property
    def by_epoch(self) -> dict[str, list[pd.DataFrame]]:
        """What ``compare_pairs`` says of each data set after each of the last epochs; none where one is not known."""
        found = {}
        for data, several in self.by_data.items():
            curves = [one.reruns.last for one in several]
            least = min(len(last.columns) for last in curves)
            known = least > 1 and not any(last.isna().to_numpy().any() for last in curves)
            found[data] = [
                compare_candidates(
                    several,
                    {one.group: one.reruns.add_diverged(one.reruns.last.iloc[:, place]).to_numpy() for one in several},
                )
                for place in (range(-least, 0) if known else ())
            ]
        return found

    @property
    def family(self) -> str:
        """How many tests Holm's correction is over, such as ``28 pairs``; empty where nothing was tested."""
        counts = {data: tests for data, pairs in self.compared.items() if (tests := count_tests(pairs))}
        several = len(self.compared) > 1
        return " and ".join(format_count(n, "pair") + f" on {data}" * several for data, n in counts.items())

    def find_candidates(self, run: Run) -> dict[str, Candidate]:
        """The candidates of one run, by architecture."""
        return {one.architecture: one for one in self.candidates if one.run is run}

    def judge_equivalence(self, one: Candidate) -> Equivalence | None:
        """A candidate against the published number; None where there is none, or none of its seeds ended."""
        if one.published is None or not (one.reruns.ended or one.reruns.lost):
            return None
        return self._hold_against_published(one, one.accuracies)

    def count_agreeing_epochs(self, one: Candidate) -> tuple[float, int]:
        """After how many of its last epochs a candidate's conclusion on the published number was the same, of how many.

        NaN of 0 where they are not known, or it was not tested.
        """
        found, last = self.judge_equivalence(one), one.reruns.last
        if found is None or found.untested or len(last.columns) < 2 or last.isna().to_numpy().any():
            return math.nan, 0
        each = [self._hold_against_published(one, last[epoch].to_numpy()) for epoch in last]
        return float(sum(other.conclusion == found.conclusion for other in each)), len(each)

    def _hold_against_published(self, one: Candidate, accuracies: np.ndarray) -> Equivalence:
        known: Any = one.published
        broken = BROKEN if one.reruns.broken else ""
        lost = bool(one.reruns.lost)
        return judge_equivalence(accuracies, known.mean, known.std, margin=self.margin, lost=lost, untested=broken)

    @property
    def judges(self) -> list[str]:
        """``explain_judge`` of the runs."""
        return explain_judge(self.runs, self.candidates[0].reruns.judge)

    @property
    def remarks(self) -> list[str]:
        """``judges``, then ``list_remarks`` of all candidates."""
        return [*self.judges, *list_remarks(self.candidates)]

    @cached_property
    def repeated(self) -> dict[str, str]:
        """Each candidate that shares trials with one that has at least as many seeds -> that one."""
        kept: list[Candidate] = []
        found = {}
        for one in sorted(self.candidates, key=lambda one: -one.reruns.finished):
            if other := next((other for other in kept if share_trials(one, other)), None):
                found[one.group] = other.group
            else:
                kept.append(one)
        return found

    @property
    def repeats(self) -> list[str]:
        """A sentence for each candidate that shares trials with another."""
        return [
            f"{one} shares trials with {other}, with the same results: it is not a second sample and is left out."
            for one, other in self.repeated.items()
        ]

    @property
    def unsearched(self) -> str:
        """Why there is nothing of a search."""
        if any(run.spec.get("samples") for run in self.runs):
            return "No configuration of the search has begun yet."
        return "Nothing was searched in these runs: their configurations were given."

    @property
    def finished(self) -> list[Candidate]:
        """Those with at least one finished rerun."""
        return [candidate for candidate in self.candidates if candidate.reruns.finished]

    @property
    def ended(self) -> list[Candidate]:
        """Those with at least one rerun that finished or diverged, and so with a mean."""
        return [candidate for candidate in self.candidates if candidate.reruns.ended]


def gather(runs: Sequence[Run], margin: float = MARGIN, judge: str | None = None) -> Evidence:
    """Takes runs together.

    Args:
        runs: one or more.
        margin: see ``Evidence``.
        judge: what says how good a rerun is, one of ``JUDGES``; None: what the runs say, ``final`` where they differ.

    Raises:
        UserError: no run, or the same one twice, a margin that is not between 0 and 100, or an unknown judge.
    """
    if judge is not None:
        choose("judge", judge, dict.fromkeys(JUDGES))
    if not runs:
        raise UserError("runs: give at least one run folder")
    if not 0 < margin < 100:
        raise UserError(f"margin: {margin:g} is not allowed; give points between 0 and 100, such as {MARGIN:g}")
    if judge is None and len({find_judge(run) for run in runs}) > 1:
        judge = JUDGES[0]  # Accuracies by different judges do not measure the same thing.
    candidates = [
        Candidate(run, architecture, f"{name}: {title}" if len(runs) > 1 else title, known, judge)
        for run, name in zip(runs, list_names(runs), strict=True)
        for architecture in run.spec["architectures"]
        for known, title in [find_published(run, architecture)]
    ]
    return Evidence(runs, candidates, margin)


def list_remarks(candidates: Iterable[Candidate]) -> list[str]:
    """What the means of candidates leave out, then where reruns collapsed."""
    found = [*candidates]
    return [said for kind in ("gaps", "collapses") for one in found for said in getattr(one, kind)]


def list_names(runs: Sequence[Run]) -> list[str]:
    """A short name for each run: its folder's, with as many parents as it takes to tell them apart.

    Raises:
        UserError: one folder was given twice.
    """
    paths = [run.path.resolve() for run in runs]
    if len(set(paths)) < len(paths):
        raise UserError("runs: a run folder was given twice")
    tails = (["/".join(path.parts[-count:]) for path in paths] for count in itertools.count(1))
    return [make_printable(name) for name in next(names for names in tails if len(set(names)) == len(paths))]


def share_trials(one: Candidate, other: Candidate) -> bool:
    """Whether two have reruns of the same seeds that came out alike, as in copies of a run."""
    if one.architecture != other.architecture or find_data(one.run) != find_data(other.run):
        return False
    common = one.reruns.final.index.intersection(other.reruns.final.index)
    return len(common) > 0 and one.reruns.final[common].equals(other.reruns.final[common])


def find_data(run: Run) -> tuple[str, str]:
    """The data that a run is on: networks are compared only on the same."""
    return run.spec["dataset"], str(run.spec.get("data_hash"))


def name_data(found: Iterable[tuple[str, str]]) -> dict[tuple[str, str], str]:
    """Names of ``find_data``'s: with the beginning of the hash where several data sets have one name."""
    seen = dict.fromkeys(found)
    alike = [name for name, _ in seen]
    return {(name, code): name if alike.count(name) == 1 else f"{name} {code[:6]}" for name, code in seen}


def find_published(run: Run, architecture: str) -> tuple[Published | None, str]:
    """The chapter's row of a network, None where the run is on other data, and the network's title."""
    row = PUBLISHED.get(architecture)
    return row if run.spec["dataset"] == "mnist" else None, row.title if row else architecture


def list_samples(found: Sequence[Candidate]) -> dict[str, np.ndarray]:
    """Group -> test accuracies in percent, one for each rerun that finished or diverged."""
    return {one.group: one.accuracies for one in found}


def compare_candidates(found: Sequence[Candidate], samples: Mapping[str, np.ndarray]) -> pd.DataFrame:
    """What ``compare_pairs`` says of candidates on the same data, which have these samples."""
    broken = {one.group for one in found if one.reruns.broken}
    return compare_pairs(samples, find_lost(found), broken, {one.group: one.reruns.guarded for one in found})


def find_lost(found: Sequence[Candidate]) -> set[str]:
    """The groups with failed seeds."""
    return {one.group for one in found if one.reruns.lost}
