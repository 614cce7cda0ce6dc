"""Runs: what was asked for, what may be extended and what would contradict it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from spaces.errors import UserError
from spaces.hyperparameters import Hyperparameters
from spaces.space import Space, space_from
from spaces.trial import TrialSpec

FORMAT = 1
SEARCHES = ("grid", "tpe")
SCHEDULERS = ("asha", "none")
EXTENDABLE = ("architectures", "thetas", "samples", "rerun_seeds")
GRACE_PERIOD, MAX_EPOCHS, REDUCTION_FACTOR = 5, 20, 4.0  # Section 1.5.1; eta is Ray's default.
MAX_BATCH_SIZE = 2**31 - 1
OPTIONAL = ("samples", "rerun_seeds", "rerun_epochs")  # None: not asked for yet.


@dataclass(frozen=True)
class RunSpec:
    """One run folder: a search over architectures and the reruns of their incumbents.

    Attributes:
        dataset: name of the data set.
        data_hash: hash of its content.
        batch_size: images per SGD step.
        seed: the one seed of all trials of the sweep (common random numbers) and of the search;
            reruns use the seeds after it.
        split_seed: which training images are held out.
        architectures: names, in the order in which tables show them.
        thetas: fixed configurations by architecture (``invsearch train``), else None.
        space: the search space as plain data, None where nothing is searched.
        search: ``grid`` or ``tpe``, None where nothing is searched.
        scheduler: ``asha`` or ``none``; this and the next three mean nothing where nothing is searched.
        grace_period: epochs before ASHA may stop a trial.
        max_epochs: a trial's budget in epochs.
        reduction_factor: ASHA's eta.
        samples: configurations per architecture.
        rerun_seeds: seeds per architecture, None while no rerun was asked for.
        rerun_epochs: epochs of a rerun.
    """

    dataset: str
    data_hash: str
    batch_size: int
    seed: int
    split_seed: int
    architectures: tuple[str, ...]
    thetas: Mapping[str, Mapping[str, float]] | None = None
    space: Mapping[str, Any] | None = None
    search: str | None = None
    scheduler: str = "asha"
    grace_period: int = GRACE_PERIOD
    max_epochs: int = MAX_EPOCHS
    reduction_factor: float = REDUCTION_FACTOR
    samples: int | None = None
    rerun_seeds: int | None = None
    rerun_epochs: int | None = None

    def __post_init__(self) -> None:
        for name, least in (
            ("batch_size", 1),
            ("grace_period", 1),
            ("max_epochs", 1),
            ("samples", 1),
            ("rerun_seeds", 1),
            ("rerun_epochs", 1),
            ("seed", 0),
            ("split_seed", 0),
        ):
            value = getattr(self, name)
            if value is not None and value < least:
                raise UserError(f"{option(name)}: {value} is not allowed; give a whole number from {least} up")
        if self.batch_size > MAX_BATCH_SIZE:
            raise UserError(f"batch-size: {self.batch_size} is not allowed; give at most {MAX_BATCH_SIZE}")
        if not 1 < self.reduction_factor < math.inf:
            raise UserError(f"reduction-factor: {self.reduction_factor:g} is not allowed; give a number above 1")

    @property
    def searched(self) -> Space:
        """The search space.

        Raises:
            UserError: the run has none.
        """
        if self.space is None:
            raise UserError("this run trained fixed configurations, so it has no search space; use sweep for a search")
        return space_from(self.space, "spec.json")

    def sweep_trial(self, architecture: str, theta: Hyperparameters) -> TrialSpec:
        """The trial of a configuration in the search phase."""
        return TrialSpec(
            "sweep", architecture, self.dataset, self.data_hash, theta, self.seed, self.split_seed, self.batch_size
        )

    def rerun_trials(self, architecture: str, theta: Hyperparameters) -> list[TrialSpec]:
        """The trials of a configuration in the repeated-seed phase, on seeds the sweep never used."""
        return [
            TrialSpec("rerun", architecture, self.dataset, self.data_hash, theta, seed, None, self.batch_size)
            for seed in range(self.seed + 1, self.seed + 1 + (self.rerun_seeds or 0))
        ]

    @property
    def planned(self) -> int:
        """Configurations per architecture that the sweep will have tried in the end; 0 where nothing is searched."""
        return int(min(self.samples, self.searched.size)) if self.samples else 0

    def as_dict(self) -> dict[str, Any]:
        """Plain data for spec.json."""
        return {"format": FORMAT, **asdict(self)}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RunSpec:
        """Reads what ``as_dict`` wrote.

        Raises:
            UserError: another format, or fields that do not belong there.
        """
        names = {field.name for field in fields(cls)}
        if not isinstance(content, Mapping) or content.get("format") != FORMAT or set(content) != {"format", *names}:
            raise UserError(f"spec.json: not of format {FORMAT}; use the version of invsearch that wrote it")
        values = {name: content[name] for name in names}
        try:
            return cls(**{**values, "architectures": tuple(values["architectures"])})
        except TypeError as error:
            raise UserError(f"spec.json: a field is of the wrong type ({error}); restore the file") from None

    def extended_by(self, asked: RunSpec) -> RunSpec:
        """This run with what ``asked`` adds: architectures, samples, seeds or a first rerun.

        Raises:
            UserError: ``asked`` contradicts this run; the message shows each difference.
        """
        differences = []
        for name in (field.name for field in fields(self)):
            old, new = getattr(self, name), getattr(asked, name)
            unset = name in OPTIONAL and (old is None or new is None)
            if name not in EXTENDABLE and not unset and old != new:
                differences.append(f"{option(name)} is {shown(old)} there and {shown(new)} here")
        for name, theta in (asked.thetas or {}).items():
            known = (self.thetas or {}).get(name, theta)
            if known != theta:
                differences.append(f"theta of {name} is {shown(known)} there and {shown(theta)} here")
        if (self.thetas is None) != (asked.thetas is None):
            differences.append("one is a search and the other trains fixed configurations")
        if differences:
            raise UserError(
                f"the run folder holds another run: {'; '.join(differences)}; give another --out, or the same settings"
            )
        return replace(
            self,
            architectures=tuple(dict.fromkeys(self.architectures + asked.architectures)),
            thetas=None if self.thetas is None else {**self.thetas, **(asked.thetas or {})},
            samples=largest(self.samples, asked.samples),
            rerun_seeds=largest(self.rerun_seeds, asked.rerun_seeds),
            rerun_epochs=self.rerun_epochs or asked.rerun_epochs,
        )


def option(name: str) -> str:
    """What the command line calls a field."""
    return {"max_epochs": "epochs", "rerun_seeds": "seeds"}.get(name, name.replace("_", "-"))


def shown(value: Any) -> str:
    """A setting as people write it."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{key}: {shown(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(shown(item) for item in value) + "]"
    return f"{value:g}" if isinstance(value, float) else str(value)


def largest(one: int | None, other: int | None) -> int | None:
    """The larger of two numbers that may be unset."""
    return max((value for value in (one, other) if value is not None), default=None)
