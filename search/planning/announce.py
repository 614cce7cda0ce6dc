"""What a command is about to train, said before anything heavy is loaded."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from analysis.choice import count_trainings
from spaces.common.errors import make_printable
from spaces.common.wording import format_count
from spaces.specs.run import RunSpec

NAMED = 8  # Architectures.


def describe_phases(spec: RunSpec, phases: Sequence[str], path: Path) -> list[str]:
    """A line for each phase: trials and epochs of all that it asks for, and where that goes."""
    names = ", ".join(spec.architectures[:NAMED])
    more = f" and {len(spec.architectures) - NAMED} more" if len(spec.architectures) > NAMED else ""
    known = 0
    with suppress(OSError):
        known = sum(entry.is_dir() for entry in os.scandir(path / "trials"))
    where = f"{path}, which has {format_count(known, 'trial')} on record" if known else str(path)
    return [
        make_printable(f"{names}{more} on {spec.dataset}, into {where}"),
        *(f"  {phase}: {told}" for phase in phases if (told := _describe_phase(spec, phase))),
    ]


def _describe_phase(spec: RunSpec, phase: str) -> str:
    planned = {name: spec.count_planned(name) for name in spec.architectures}
    if phase == "sweep":
        trials, epochs = sum(planned.values()), sum(planned.values()) * spec.compute_expected_epochs()
        rungs = spec.list_rungs()
        at = f"{spec.scheduler} judges after epoch{'s' * (len(rungs) > 1)} {', '.join(map(str, rungs))}"
        amount = (
            f"about {epochs:,.0f} of at most {trials * spec.max_epochs:,} epochs" if rungs else f"{epochs:,.0f} epochs"
        )
        return f"{format_count(trials, 'trial')}, {amount}" + (f"; {at}" if rungs else "")
    if phase == "choice":
        if not spec.finalists:
            return ""
        trials = sum(count_trainings(min(spec.finalists, count), spec.choice_seeds or 0) for count in planned.values())
        best = format_count(min(spec.finalists, max(planned.values())), "configuration")
        return f"the best {best} of each race over {spec.choice_seeds} seeds: {trials} x {spec.max_epochs} epochs"
    trials = (spec.rerun_seeds or 0) * len(spec.architectures)
    return f"{format_count(trials, 'trial')} x {format_count(spec.rerun_epochs or 0, 'epoch')}"


def announce(*lines: str) -> None:
    """Says something at once if there is a terminal; elsewhere bad input, found later, must be the only line."""
    if sys.stderr.isatty():
        print(*lines, sep="\n", file=sys.stderr, flush=True)
