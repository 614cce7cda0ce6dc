"""Taking over trials from another run: what has the same id was trained on the same data, in the same way.

Only the records are copied, with their makers, and only of trials that have ended. A trial that was stopped early is
judged again, by the run that takes it over; if it goes on there, its epochs are trained again, as it has no checkpoint.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Collection, Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from search.storage import invocations, provenance
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import TrialSpec, UserError
from spaces.common.errors import make_printable
from spaces.common.wording import format_command
from spaces.files.sealed import Damaged, read_sealed
from spaces.specs.records import Record, list_trial_folders, read_trial
from spaces.specs.run import read_spec


def check_reusable(other: Path, run: Path, engines: Mapping[str, str], accept_changes: bool) -> None:
    """Sees that trials of another run may stand beside those that are trained here.

    Args:
        other: the run folder that they are to be taken from.
        run: the run folder that takes them.
        engines: what trains each architecture here.
        accept_changes: take them also if other code, libraries or engines made them.

    Raises:
        UserError: they may not, or the folder is not a run.
    """
    read_spec(other)
    if other.resolve() == run.resolve():
        raise UserError(f"reuse: {other} is the run itself, which keeps its trials anyway; leave --reuse out")
    try:
        there = read_sealed(other / provenance.ENVIRONMENT) or invocations.find_last_known(
            other, "environment", provenance.check_environment
        )
    except Damaged as error:
        mending = format_command("invsearch", "check", other, "--repair")
        raise UserError(
            f"{other / provenance.ENVIRONMENT}: damaged ({error}); {mending} restores it from the history"
        ) from None
    changes = [f"nobody knows what made the trials of {other}, as its {provenance.ENVIRONMENT} is missing"]
    if there:
        changes = provenance.find_differences(there, provenance.describe_environment(engines))
    if changes and not accept_changes:
        raise UserError(
            f"reuse: {'; '.join(changes)}; --accept-changes takes the trials of {other} all the same (each row of a "
            "record says what made it)"
        )


class Found(NamedTuple):
    """A trial that another run has, and that need not be trained again.

    Attributes:
        trial: what defines it.
        record: its record.
        status: its outcome here too; None where it was stopped at a rung, and is judged again.
        made_alike: whether the code, torch, numpy and engine that are expected here made all of it.
    """

    trial: TrialSpec
    record: Record
    status: str | None
    made_alike: bool


def describe_others(count: int) -> str:
    """How many trials of the other run are not taken over, as the end of a sentence; empty if none is left."""
    made = "made by other code, torch, numpy or engines (--accept-changes takes them)"
    return f"; {count} left, {made}" if count else ""


def find_reusable(
    other: Path,
    trials: Iterable[TrialSpec],
    epochs: int,
    rungs: Collection[int] = (),
    engines: Mapping[str, str] | None = None,
) -> Iterator[Found]:
    """Those of some trials that another run can give; see ``take_over``. One that cannot be read is named, and left."""
    there = {os.path.basename(folder): folder for folder in list_trial_folders(other)}
    expected = {name: text for name, text in provenance.describe_expected_nodes().items() if name != "invsearch"}
    for trial in trials:
        if trial.trial_id not in there:
            continue
        try:
            record, outcome = read_trial(there[trial.trial_id]) or (None, None)
        except (Damaged, OSError) as error:
            print(
                f"{make_printable(other)}: {trial.trial_id} is not taken over: {make_printable(error)}", file=sys.stderr
            )
            continue
        if record is None or outcome is None:
            continue
        last = len(record.rows)
        ends = (outcome.status == "completed" and last == epochs) or (outcome.status == "diverged" and last <= epochs)
        if not (ends or (outcome.status == "stopped" and last in rungs)):
            continue
        engine = (engines or {}).get(trial.architecture)
        here = expected if engine is None else {**expected, "engine": engine}
        alike = all(maker.get(name) == here[name] for maker in record.makers for name in here)
        yield Found(trial, record, outcome.status if ends else None, alike)


def take_over(
    run: RunFolder,
    other: Path,
    trials: Iterable[TrialSpec],
    epochs: int,
    rungs: Collection[int] = (),
    engines: Mapping[str, str] | None = None,
    accept_changes: bool = False,
) -> tuple[int, int]:
    """Copies records and outcomes of trials that another run has, and this one has not begun.

    Args:
        run: takes them.
        other: the run folder that has them.
        trials: those that are left to train here.
        epochs: how long they are trained here; one that was trained to another end is left.
        rungs: epochs after which a trial may be stopped here.
        engines: the engine that trains each architecture here, where that is known.
        accept_changes: take them also if other code, torch, numpy or engines made them.

    Returns:
        How many were taken, and how many were left because something else made them.
    """
    taken = left = 0
    for found in find_reusable(other, trials, epochs, rungs, engines):
        folder = TrialFolder(run.path, found.trial, run.guard)
        folder.read()
        if folder.rows:
            continue
        if not (found.made_alike or accept_changes):
            left += 1
            continue
        folder.path.mkdir(parents=True, exist_ok=True)
        folder.adopt(found.record)
        folder.note(f"taken over from {other.resolve()}")
        if found.status is not None:
            folder.decide(found.status, folder.epoch)
        taken += 1
    return taken, left
