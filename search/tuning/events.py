"""What a program that calls a search is told while trials run."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Event:
    """What has happened to a trial.

    Attributes:
        kind: ``started``, ``epoch`` or ``ended``.
        phase: ``sweep``, ``choice`` (the race of finalists) or ``rerun``.
        architecture: its network.
        trial: its trial id.
        epoch: how many epochs it has by now, those of an earlier call among them.
        accuracy: on the images that the phase is judged on, after that epoch, a fraction; 0 where it diverged, None
            before the first epoch.
        status: ``running``, or how it ended.
        done: trials of the phase that have ended.
        planned: trials of the phase.
        replicate: which one of ``reproduce(.., replicates=R)`` the trial is of, from 1; None without.
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
