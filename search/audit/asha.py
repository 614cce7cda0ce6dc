"""Ray's own ASHA beside the one that replays simulate."""

from __future__ import annotations

from collections.abc import Iterable
from types import SimpleNamespace

from ray.tune.schedulers import ASHAScheduler, TrialScheduler

from analysis.replay.material import Material
from analysis.replay.simulation import Decision, Trace

STAYS = {TrialScheduler.CONTINUE: True, TrialScheduler.STOP: False}


def list_disagreements(material: Material, judgements: Iterable[Decision]) -> list[Decision]:
    """The judgements, made in this order, that Ray's ASHA decides otherwise; set up as a sweep sets it up."""
    asha = ASHAScheduler(
        time_attr="epoch",
        metric="accuracy",
        mode="max",
        brackets=1,
        grace_period=material.grace_period,
        max_t=material.max_epochs,
        reduction_factor=material.eta,
    )
    trials, found = {}, []
    for one in judgements:
        if one.trial not in trials:
            trials[one.trial] = SimpleNamespace(trial_id=one.trial)
            asha.on_trial_add(None, trials[one.trial])  # pyright: ignore[reportArgumentType]
        trial, told = trials[one.trial], {"epoch": one.epoch, "accuracy": one.accuracy}
        if one.stays is None:
            asha.on_trial_complete(None, trial, told)  # pyright: ignore[reportArgumentType]
        elif STAYS[asha.on_trial_result(None, trial, told)] is not one.stays:  # pyright: ignore[reportArgumentType]
            found.append(one)
    return found


def check_agreement(material: Material, traces: Iterable[Trace]) -> int:
    """Asserts that Ray's ASHA decides as ours did; returns how many decisions that were.

    Raises:
        AssertionError: it does not.
    """
    count = 0
    for trace in traces:
        for one in list_disagreements(material, trace.judgements):
            raise AssertionError(f"Ray's ASHA does not decide as the simulated one: {material.group}: {one}")
        count += len(trace.judgements)
    return count
