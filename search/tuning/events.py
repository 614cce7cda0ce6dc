"""What a program that calls a search is told while trials run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """Something that happened to a trial.

    Attributes:
        kind: ``started``, ``epoch`` or ``ended``.
        phase: ``sweep``, ``choice`` (the race of finalists) or ``rerun``.
        architecture: its network.
        trial: its trial id.
        epoch: how many epochs it has by now, including those of earlier calls.
        accuracy: a fraction, after that epoch, on the images that judge the phase; 0 if the trial diverged, None before
            the first epoch.
        status: ``running``, or how it ended.
        done: trials of the phase that have ended.
        planned: trials of the phase.
        replicate: which replicate of ``reproduce(.., replicates=R)`` the trial belongs to, from 1; else None.
    """

    kind: str
    phase: str
    architecture: str
    trial: str
    epoch: int
    accuracy: float | None
    status: str
    done: int
    planned: int
    replicate: int | None = None
