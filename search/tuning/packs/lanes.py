"""How a driver sees the lanes of a pack: each as if Tune ran it alone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

LANES, AWAKE, REPORTS = "lanes", "awake", "reports"
"""Of Tune's configuration of a pack: its trials, and ids of those that are trained; of its results: their reports."""


@dataclass
class Lane:
    """What is read of a Tune trial, for one lane of a pack.

    Attributes:
        trial_id: our own.
        config: what ``make_tune_config`` makes of it.
        pack: Tune's id of its pack.
        lanes: how many share a worker.
        last_result: its last report.
    """

    trial_id: str
    config: dict[str, Any]
    pack: str
    lanes: int
    last_result: Mapping[str, Any] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str]:
        """Names it among the lanes of all packs; it is in one pack for each rung."""
        return self.pack, self.trial_id


def make_pack_config(trials: list[dict[str, Any]], awake: list[str], config: dict[str, Any]) -> dict[str, Any]:
    """What Tune takes for the configuration of a pack.

    Args:
        trials: of all lanes, as plain data, in their order.
        awake: ids of those that are trained; the others only keep these at their places.
        config: of any one that is trained.
    """
    first = next(trial for trial in trials if trial["trial_id"] in awake)
    return {**config, "trial": first, LANES: trials, AWAKE: awake}


def is_pack(trial: Any) -> bool:
    """Whether a Tune trial is a pack."""
    return LANES in trial.config


def list_lanes(trial: Any, result: Mapping[str, Any] | None = None) -> list[Any]:
    """The lanes of a Tune trial that are trained, or those that a result reports of; itself where it is no pack."""
    if not is_pack(trial):
        return [trial]
    awake = trial.config[AWAKE]
    reports: Mapping[str, Any] = {name: {} for name in awake} if result is None else dict(result[REPORTS])
    rest = {name: value for name, value in trial.config.items() if name not in (LANES, AWAKE)}
    plain = {each["trial_id"]: each for each in trial.config[LANES]}
    return [
        Lane(name, {**rest, "trial": plain[name]}, trial.trial_id, len(awake), told) for name, told in reports.items()
    ]
