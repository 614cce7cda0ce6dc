"""Whether two runs of one command came out the same to the bit, and if not, where they first differ."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from analysis.incumbents import find_incumbents
from analysis.records.reader import Run
from analysis.records.schema import MEASURES
from spaces.common.wording import format_count
from spaces.specs.protocol import PHASES

COLUMNS = ["kind", "phase", "epoch", "trial_id", "field", "first", "second"]
NUMBERS, OUTCOMES, ONE = "numbers", "outcome", "one"


def list_departures(first: Run, second: Run) -> pd.DataFrame:
    """Everything in which the records of two runs differ, apart from times, hosts and the words of errors and notes.

    Returns:
        One row for each trial that only one of them has (``kind`` is ``one``, epoch 0), for each epoch whose numbers
        differ (``numbers``, with the first ``field`` that does), and for each trial that ended otherwise
        (``outcome``, at the epoch at which the shorter one ended); ``first`` and ``second`` as they are there. In the
        order of the phases, then of the epochs: what comes first may be the cause of the rest.
    """
    ours, theirs = (run.trials[["trial_id", "phase", "status", "epoch"]] for run in (first, second))
    both = ours.merge(theirs, on="trial_id", how="outer", suffixes=("_first", "_second"))
    both["phase"] = both["phase_first"].fillna(both["phase_second"])
    shared = both.dropna(subset=["phase_first", "phase_second"])
    alone = both.drop(shared.index)
    ends = {
        side: shared[f"status_{side}"] + " after epoch " + shared[f"epoch_{side}"].astype(int).astype(str)
        for side in ("first", "second")
    }
    ended = shared.assign(**ends, epoch=shared[["epoch_first", "epoch_second"]].min(axis=1))
    found = pd.concat(
        [
            alone.assign(
                kind=ONE, epoch=0, field="", first=alone["phase_first"].notna(), second=alone["phase_second"].notna()
            ),
            _compare_rows(first, second, shared),
            _compare_predictions(first, second, shared),
            ended[ended["first"] != ended["second"]].assign(kind=OUTCOMES, field="outcome"),
        ]
    )[COLUMNS].astype({"epoch": int})
    place = found["phase"].map({phase: place for place, phase in enumerate(PHASES)})
    order = found.assign(place=place).sort_values(["place", "epoch", "trial_id"], kind="stable")
    return order[COLUMNS].reset_index(drop=True)


def _compare_rows(first: Run, second: Run, shared: pd.DataFrame) -> pd.DataFrame:
    """The epochs that both runs have on record with different numbers."""
    rows = first.epochs.merge(second.epochs, on=["trial_id", "epoch"], suffixes=("_first", "_second"))
    rows = rows.merge(shared[["trial_id", "phase"]], on="trial_id")
    if not len(rows):
        return pd.DataFrame(columns=COLUMNS)
    ours, theirs = (rows[[f"{name}_{side}" for name in MEASURES]].to_numpy(float) for side in ("first", "second"))
    # As bits: of numbers that are equal, 0 and -0 differ.
    differs = (ours.view(np.int64) != theirs.view(np.int64)) & ~(np.isnan(ours) & np.isnan(theirs))
    where = np.flatnonzero(differs.any(axis=1))
    column = differs[where].argmax(axis=1)
    return rows.iloc[where].assign(
        kind=NUMBERS, field=np.array([*MEASURES])[column], first=ours[where, column], second=theirs[where, column]
    )


def _compare_predictions(first: Run, second: Run, shared: pd.DataFrame) -> pd.DataFrame:
    """The reruns that classify some test image otherwise, where both runs have kept that."""
    differs: dict[str, list[str]] = {}
    for name in first.predictions.keys() & second.predictions.keys():
        both = [run.predictions[name] for run in (first, second)]
        if both[0] != both[1]:
            wrong = [np.count_nonzero(np.frombuffer(one.unpack(), f"<u{one.width}")) for one in both]
            differs[name] = [f"wrong in {count} images" for count in wrong]
    rows = shared[shared["trial_id"].isin(list(differs))]
    first_said, second_said = ([differs[name][side] for name in rows["trial_id"]] for side in (0, 1))
    return rows[["trial_id", "phase"]].assign(
        kind=NUMBERS,
        epoch=rows[["epoch_first", "epoch_second"]].min(axis=1),
        field="predictions",
        first=first_said,
        second=second_said,
    )


def compare_exactly(first: Run, second: Run, asked_differently: list[str]) -> tuple[bool, list[str]]:
    """Whether two runs are the same to the bit, and lines that say so or where they first differ.

    Args:
        first: a run.
        second: another, of the same command.
        asked_differently: the settings that differ (``comparison.list_settings``); no two runs of one command have any.
    """
    found = list_departures(first, second)
    counted = [
        format_count(count, f"{phase} trial")
        for phase in PHASES
        if (count := int((first.trials["phase"] == phase).sum()))
    ]
    if not len(found) and not asked_differently:
        if not counted:
            return True, ["Neither run has a trial yet."]
        what = ", ".join([*counted, format_count(len(first.epochs), "epoch")])
        damaged = "; what cannot be read is left out" if first.damaged or second.damaged else ""
        return True, [f"The same to the bit, apart from times and hosts: {what}, and every outcome{damaged}."]
    lines = [f"Not the same was asked of both: {', '.join(asked_differently)}."] if asked_differently else []
    if not len(found):
        return False, [*lines, f"All {', '.join(counted)} are the same to the bit."]
    kinds = {kind: _describe(found[found["kind"] == kind], kind, first, second) for kind in found["kind"].unique()}
    chosen = [find_incumbents(run)["config_id"] for run in (first, second)]
    names = [name for name in chosen[0].index.union(chosen[1].index) if _find_other(chosen, name)]
    return False, [*lines, "Not the same to the bit:", *kinds.values(), _describe_choice(names)]


def compare_shared(first: Run, second: Run, asked_differently: list[str]) -> tuple[bool, list[str]]:
    """Whether the trials that two runs share are the same to the bit, and lines on what was compared and what was not.

    Trials are shared by their ids, which are a hash of all that decides them: architecture, hyperparameters, seeds and
    data. A trial that has not ended in one of the runs is compared as far as it is there.

    Args:
        first: a run, A in the lines.
        second: another, B; it may have other architectures, phases or fewer trials.
        asked_differently: the settings that differ (``comparison.list_settings``).

    Returns:
        False also where they share no trial.
    """
    found = list_departures(first, second)
    trials = [run.trials.set_index("trial_id") for run in (first, second)]
    common = trials[0].index.intersection(trials[1].index)
    ended = [one.index[one["status"] != "unfinished"] for one in trials]
    whole = common.intersection(ended[0]).intersection(ended[1])
    lines = []
    for name, one, other in (("A", *trials), ("B", *reversed(trials))):
        if len(alone := one.drop(other.index, errors="ignore")):
            lines.append(f"Only in {name}: {_count_by_phase(alone)}.")
    if asked_differently:
        lines.append(f"Asked differently: {', '.join(asked_differently)}.")
    if not len(common):
        return False, ["They share no trial, so nothing could be compared.", *lines]
    made = [", ".join(sorted(one.loc[common, "engine"].dropna().unique())) or "an engine unknown" for one in trials]
    lines.append(f"Made by {made[0]} in A, {made[1]} in B." if made[0] != made[1] else f"Both made by {made[0]}.")
    if len(common) > len(whole):
        count = format_count(len(common) - len(whole), "trial")
        lines.append(f"Not ended in one of them, and compared as far as it is there: {count}.")
    is_end = found["kind"] == OUTCOMES
    found = found[(found["kind"] == NUMBERS) | (is_end & found["trial_id"].isin(whole))]
    epochs = len(first.epochs.merge(second.epochs, on=["trial_id", "epoch"]))
    what = f"{_count_by_phase(trials[0].loc[common])}, {format_count(epochs, 'epoch')}"
    if not len(found):
        return True, [f"The same to the bit, apart from times and hosts: {what}.", *lines]
    said = [_describe(found[found["kind"] == kind], kind, first, second) for kind in found["kind"].unique()]
    return False, [f"Compared: {what}.", "Not the same to the bit:", *said, *lines]


def _count_by_phase(trials: pd.DataFrame) -> str:
    """Such as ``256 sweep trials (invariant), 20 rerun trials (conv, invariant)``."""
    found = {phase: trials.loc[trials["phase"] == phase, "architecture"] for phase in PHASES}
    return ", ".join(
        f"{format_count(len(names), f'{phase} trial')} ({', '.join(sorted(names.unique()))})"
        for phase, names in found.items()
        if len(names)
    )


def _find_other(chosen: list[pd.Series], name: Any) -> bool:
    return chosen[0].get(name) != chosen[1].get(name)


def _describe_choice(names: list[Any]) -> str:
    said = f"another incumbent of {', '.join(map(str, names))}" if names else "the same incumbents"
    return f"- {said}"


def _describe(found: pd.DataFrame, kind: str, first: Run, second: Run) -> str:
    """One line on the differences of a kind: how many, and which is the first."""
    one = found.iloc[0]
    many, where = format_count(found["trial_id"].nunique(), "trial"), f"{one['phase']} trial {one['trial_id']}"
    if kind == ONE:
        sides = " and ".join(
            f"{format_count(count, 'trial')} only in {name}"
            for name, side in (("A", "first"), ("B", "second"))
            if (count := int(found[side].sum()))
        )
        return f"- {sides}, first {where}"
    if kind == OUTCOMES:
        return f"- {many} ended otherwise, first {where}: {one['first']} in A, {one['second']} in B"
    made = [
        run.epochs.loc[(run.epochs["trial_id"] == one["trial_id"]) & (run.epochs["epoch"] == one["epoch"]), "made_by"]
        for run in (first, second)
    ]
    ours, theirs = ([part for part in str(maker.iloc[0]).split(", ") if not part.startswith("host ")] for maker in made)
    makers = [", ".join(part for part in side if part not in other) for side, other in ((ours, theirs), (theirs, ours))]
    by = f"; made by {makers[0] or 'the same'} and {makers[1] or 'the same'}" if any(makers) else ""
    numbers = f"{one['field']} {one['first']!r} in A, {one['second']!r} in B"
    return f"- {many} with other numbers, first {where}, epoch {one['epoch']}: {numbers}{by}"
