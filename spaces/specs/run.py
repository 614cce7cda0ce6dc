"""Runs: what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from pathlib import Path
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote, shorten
from spaces.common.fields import name_option
from spaces.common.wording import format_command, format_count
from spaces.files.sealed import Damaged, read_sealed
from spaces.hyperparameters import Hyperparameters
from spaces.space import MAX_POINTS, Space, make_space
from spaces.specs.extend import check_spaces, explain_kept, extend, list_grown, list_lengthened
from spaces.specs.protocol import FORMAT, GRACE_PERIOD, MAX_EPOCHS, REDUCTION_FACTOR, SCHEDULERS, SEARCHES
from spaces.specs.recipes import Recipe
from spaces.specs.rungs import list_ladder
from spaces.specs.trial import TrialSpec

SPEC = "spec.json"
MAX_ARCHITECTURES = 1000
EPOCHS = fields.whole(1, 100_000)  # A record of more would be too large to be read.
LEAST_ETA = 1.01  # Closer to 1, ASHA would have a rung in every epoch, many times over.

LATER = ("recipe", "classes")  # Fields that older runs have not, and that are left out where there is nothing.

FIELDS = {  # And architectures, thetas, space, earlier and recipe.
    "dataset": fields.NAME,
    "data_hash": fields.HASH,
    "classes": fields.optional(fields.whole(1, 2**31)),
    "batch_size": fields.BATCH_SIZE,
    "seed": fields.whole(0, 2**62),  # Reruns use those after it.
    "split_seed": fields.SEED,
    "search": fields.optional(fields.one_of(*SEARCHES)),
    "scheduler": fields.one_of(*SCHEDULERS),
    "grace_period": EPOCHS,
    "max_epochs": EPOCHS,
    "reduction_factor": fields.number(LEAST_ETA, 1e6, f"a number above 1, at least {LEAST_ETA:g}"),
    "samples": fields.optional(fields.whole(1, MAX_POINTS)),
    "rerun_seeds": fields.optional(fields.whole(1, 100_000)),
    "rerun_epochs": fields.optional(EPOCHS),
}


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
        samples: configurations per architecture, None where nothing is searched.
        rerun_seeds: seeds per architecture, None while no rerun was asked for.
        rerun_epochs: epochs of a rerun.
        earlier: the smaller grids that were searched before ``space``, oldest first, each as
            ``{"space": .., "samples": ..}``; samples count all configurations up to then.
        recipe: the data set's schedule and augmentation, at their published length; each phase scales it to its
            epochs. None where the data set has none.
        classes: how many classes the data have; None in runs from before it was recorded.

    Raises:
        UserError: a field that is not allowed, or fields that do not belong together.
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
    earlier: tuple[Mapping[str, Any], ...] = ()
    recipe: Recipe | None = None
    classes: int | None = None

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            field.check(name_option(name), getattr(self, name))
        self._check_architectures()
        if (self.rerun_seeds is None) != (self.rerun_epochs is None):
            raise UserError("seeds and rerun-epochs belong together; give both or none")
        if len({self.space is None, self.search is None, self.samples is None, self.thetas is not None}) > 1:
            raise UserError("a run has either space, search and samples, or thetas; give one of the two")
        if self.thetas is not None:
            self._check_thetas(self.thetas)
        elif self.scheduler == "asha" and self.grace_period > self.max_epochs:
            raise UserError(
                f"grace-period: {self.grace_period} is above the maximum of {format_count(self.max_epochs, 'epoch')}; "
                "lower it or raise --epochs"
            )
        elif self.scheduler == "asha":
            list_ladder(self.grace_period, self.max_epochs, self.reduction_factor)
        check_spaces(self)

    def _check_architectures(self) -> None:
        names = self.architectures
        if not isinstance(names, tuple) or not 1 <= len(names) <= MAX_ARCHITECTURES:
            raise UserError(f"architectures: {quote(names)} is not allowed; give 1 to {MAX_ARCHITECTURES} names")
        for name in names:
            fields.NAME.check("architectures", name)
        if len(set(names)) != len(names):
            raise UserError(f"architectures: {quote(names)} has a name twice; give each once")

    def _check_thetas(self, thetas: Any) -> None:
        if not isinstance(thetas, Mapping) or set(thetas) != set(self.architectures):
            raise UserError(f"thetas: {quote(thetas)} is not allowed; give one for each architecture")
        for name, theta in thetas.items():
            if not isinstance(theta, Mapping) or Hyperparameters.from_mapping(theta).as_dict() != theta:
                raise UserError(f"thetas: {name}: {quote(theta)} is not allowed; give four numbers")

    @property
    def searched(self) -> Space:
        """The search space.

        Raises:
            UserError: the run has none.
        """
        if self.space is None:
            raise UserError("this run trained fixed configurations, so it has no search space; use sweep for a search")
        return make_space(self.space, "space")

    def sweep_trial(self, architecture: str, theta: Hyperparameters) -> TrialSpec:
        """The trial of a configuration in the search phase."""
        return self._make_trial("sweep", architecture, theta, self.seed, self.split_seed, self.max_epochs)

    def list_rerun_trials(self, architecture: str, theta: Hyperparameters) -> list[TrialSpec]:
        """The trials of a configuration in the repeated-seed phase, on seeds the sweep never used."""
        return [
            self._make_trial("rerun", architecture, theta, seed, None, self.rerun_epochs or self.max_epochs)
            for seed in range(self.seed + 1, self.seed + 1 + (self.rerun_seeds or 0))
        ]

    def _make_trial(
        self, phase: str, architecture: str, theta: Hyperparameters, seed: int, split_seed: int | None, epochs: int
    ) -> TrialSpec:
        recipe = self.recipe and self.recipe.scaled(epochs)
        data = (self.dataset, self.data_hash)
        return TrialSpec(phase, architecture, *data, theta, seed, split_seed, self.batch_size, recipe)

    @property
    def planned(self) -> int:
        """Configurations per architecture that the sweep will have tried in the end; 0 where nothing is searched."""
        return int(min(self.samples, self.searched.size)) if self.samples else 0

    def list_points(self) -> list[Hyperparameters]:
        """The configurations of a grid search, ``planned`` of them, in the order in which they are tried.

        Those of the earlier grids come first and in their old order, so a grid that grew begins with
        what was tried before it grew.

        Raises:
            UserError: the space is continuous, or there is none.
        """
        return list_grown(self)

    def as_dict(self) -> dict[str, Any]:
        """Plain data for spec.json; what is of ``LATER`` only where there is something, as in older runs."""
        content = {"format": FORMAT, **asdict(self), "recipe": self.recipe and self.recipe.as_dict()}
        return {name: value for name, value in content.items() if name not in LATER or value is not None}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> RunSpec:
        """Reads what ``as_dict`` wrote.

        Raises:
            UserError: another format, or fields that are missing, unknown or not allowed.
        """
        if not isinstance(content, Mapping) or content.get("format") != FORMAT:
            raise UserError(f"spec.json: not of format {FORMAT}; use the version of invsearch that wrote it")
        names = {"format", *(field.name for field in dataclass_fields(cls))}
        wrong = sorted(map(quote, (names ^ set(content)) - (set(LATER) - set(content))))
        if wrong:
            raise UserError(f"spec.json: missing or unknown: {shorten(', '.join(wrong))}; restore the file")
        values = {name: value for name, value in content.items() if name != "format"}
        for name in ("architectures", "earlier"):  # JSON has no tuples.
            values[name] = tuple(values[name]) if isinstance(values[name], list) else values[name]
        try:
            if "recipe" in values:
                values["recipe"] = Recipe.from_dict(values["recipe"])
            return cls(**values)
        except UserError as error:
            raise UserError(f"spec.json: {error}") from None

    def extend_by(self, asked: RunSpec) -> RunSpec:
        """This run with what ``asked`` adds; see ``spaces.specs.extend``.

        Raises:
            UserError: ``asked`` contradicts this run; the message shows each difference.
        """
        return extend(self, asked)

    def explain_kept(self, asked: RunSpec) -> list[str]:
        """Where this run, extended by ``asked``, is more than what was asked for: one line each."""
        return explain_kept(self, asked)

    def list_lengthened(self, old: RunSpec) -> tuple[str, ...]:
        """The phases whose trials are trained longer than in ``old``, which this run extends."""
        return list_lengthened(self, old)


def read_spec(run: Path) -> dict[str, Any]:
    """The content of a run's spec.json, from which ``RunSpec.from_dict`` makes what was asked for.

    Raises:
        UserError: not a run folder, or its spec.json is not what was written.
    """
    where = run / SPEC
    mending = f"{format_command('invsearch', 'check', run, '--repair')} restores it from the history"
    try:
        content = read_sealed(where)
        RunSpec.from_dict(content)
    except (FileNotFoundError, NotADirectoryError):
        if (run / "trials").is_dir():
            raise UserError(f"{where}: missing; {mending}") from None
        raise UserError(f"{run}: not a run folder (no {SPEC}); give the --out of a sweep, train or reproduce") from None
    except (Damaged, OSError) as error:
        raise UserError(f"{where}: damaged ({error}); {mending}") from None
    except UserError as error:
        raise UserError(f"{run}/{error}") from None
    return content
