"""Runs: what was asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from dataclasses import fields as dataclass_fields
from itertools import pairwise
from pathlib import Path
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote, shorten
from spaces.common.fields import name_option
from spaces.common.wording import format_command, format_count
from spaces.domains import Choice
from spaces.files.sealed import Damaged, read_sealed
from spaces.hyperparameters import Hyperparameters, Value
from spaces.space import MAX_POINTS, Space, make_space
from spaces.specs.halving import count_places, list_ladder
from spaces.specs.own import TEXT, Own
from spaces.specs.protocol import (
    BOTH,
    FORMAT,
    GRACE_PERIOD,
    JUDGES,
    MAX_EPOCHS,
    MAX_SEEDS,
    REDUCTION_FACTOR,
    SCHEDULERS,
    SEARCHES,
    WITH_RUNGS,
)
from spaces.specs.recipes import Recipe, choose_schedule
from spaces.specs.taken import check_taken, list_taken
from spaces.specs.trial import TrialSpec

SPEC = "spec.json"
REPLICATES = "replicates.json"  # Of a folder that holds several runs: see ``spaces.specs.replicates``.
MAX_ARCHITECTURES = 1000
SAMPLES = fields.make_whole(1, MAX_POINTS)
EPOCHS = fields.make_whole(1, 100_000)  # A record of more would be too large to be read.
LEAST_ETA = 1.01  # Closer to 1, there would be a rung in every epoch, many times over.

# Fields that older runs have not, and that are left out where there is nothing.
LATER = ("recipe", "classes", "own", "data_source", "finalists", "choice_seeds", "judge")

FIELDS = {  # And architectures, thetas, space, earlier, recipe and own.
    "dataset": fields.NAME,
    "data_hash": fields.HASH,
    "classes": fields.make_optional(fields.make_whole(1, 2**31)),
    "batch_size": fields.BATCH_SIZE,
    "seed": fields.make_whole(0, 2**62),  # Reruns use those after it.
    "split_seed": fields.SEED,
    "search": fields.make_optional(fields.make_one_of(*SEARCHES)),
    "scheduler": fields.make_one_of(*SCHEDULERS),
    "grace_period": EPOCHS,
    "max_epochs": EPOCHS,
    "reduction_factor": fields.make_number(LEAST_ETA, 1e6, f"a number above 1, at least {LEAST_ETA:g}"),
    "samples": fields.make_optional(SAMPLES),
    "rerun_seeds": fields.make_optional(fields.make_whole(1, MAX_SEEDS)),
    "rerun_epochs": fields.make_optional(EPOCHS),
    "data_source": fields.make_optional(TEXT),
    "finalists": fields.make_optional(fields.make_whole(2, MAX_POINTS)),
    "choice_seeds": fields.make_optional(fields.make_whole(1, 1000)),
    "judge": fields.make_optional(fields.make_one_of(*JUDGES, BOTH)),
}


@dataclass(frozen=True)
class RunSpec:
    """One run folder: a search over architectures and the reruns of their incumbents.

    Attributes:
        dataset: name of the data set.
        data_hash: hash of its content.
        batch_size: images per SGD step, where that is no hyperparameter.
        seed: the one seed of all trials of the sweep (common random numbers) and of the search;
            reruns use the seeds after it.
        split_seed: which training images are held out.
        architectures: names, in the order in which tables show them.
        thetas: fixed configurations by architecture (``invsearch train``), else None.
        space: the search space as plain data, None where nothing is searched.
        search: one of ``SEARCHES``, None where nothing is searched.
        scheduler: ``asha``, ``halving`` or ``none``; this and the next three mean nothing where nothing is searched.
        grace_period: epochs before a trial may be stopped.
        max_epochs: a trial's budget in epochs.
        reduction_factor: eta of ASHA and halving.
        samples: configurations per architecture, None where nothing is searched.
        rerun_seeds: seeds per architecture, None while no rerun was asked for.
        rerun_epochs: epochs of a rerun.
        earlier: the smaller grids that were searched before ``space``, oldest first, each as
            ``{"space": .., "samples": ..}``; samples count all configurations up to then.
        recipe: the data set's schedule and augmentation, at their published length; each phase scales it to its
            epochs. None where the data set has none.
        classes: how many classes the data have; None in runs from before it was recorded.
        own: the user's own architectures among ``architectures``, None where there are none.
        data_source: where the user's own data were read, with an absolute path; None for a built-in data set.
        finalists: configurations per architecture that race over further seeds before the reruns; None where the
            sweep's one seed decides alone, as in the chapter.
        choice_seeds: the most seeds of a finalist in that race; None without one.
        judge: what decides, one of ``JUDGES``, or ``BOTH`` in the race; None stands for ``final``.

    Raises:
        UserError: a field that is not allowed, or fields that do not belong together.
    """

    dataset: str
    data_hash: str
    batch_size: int
    seed: int
    split_seed: int
    architectures: tuple[str, ...]
    thetas: Mapping[str, Mapping[str, Value]] | None = None
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
    own: Mapping[str, Own] | None = None
    data_source: str | None = None
    finalists: int | None = None
    choice_seeds: int | None = None
    judge: str | None = None

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            field.check(name_option(name), getattr(self, name))
        names = self.architectures
        if not isinstance(names, tuple) or not 1 <= len(names) <= MAX_ARCHITECTURES:
            raise UserError(f"architectures: {quote(names)} is not allowed; give 1 to {MAX_ARCHITECTURES} names")
        for name in names:
            fields.NAME.check("architectures", name)
        if len(set(names)) != len(names):
            raise UserError(f"architectures: {quote(names)} has a name twice; give each once")
        if not isinstance(self.own, Mapping | None):
            raise UserError(f"own: {quote(self.own)} is not allowed; give a mapping")
        for name, one in (self.own or {}).items():
            if name not in names or not name.endswith(f"-{one.digest[:8]}"):
                raise UserError(f"own: {quote(name)} is not allowed; give architectures that end in the digest")
        if (self.rerun_seeds is None) != (self.rerun_epochs is None):
            raise UserError("seeds and rerun-epochs belong together; give both or none")
        if (self.finalists is None) != (self.choice_seeds is None) or (self.finalists and self.thetas is not None):
            raise UserError("finalists and choice-seeds belong together, and to a search; give both or none")
        if len({self.space is None, self.search is None, self.samples is None, self.thetas is not None}) > 1:
            raise UserError("a run has either space, search and samples, or thetas; give one of the two")
        if self.thetas is not None:
            self._check_thetas(self.thetas)
        elif self.scheduler in WITH_RUNGS and self.grace_period > self.max_epochs:
            raise UserError(
                f"grace-period: {self.grace_period} is above the maximum of {format_count(self.max_epochs, 'epoch')}; "
                "lower it or raise --epochs"
            )
        self.list_rungs()  # Refuses two on one epoch.
        if self.scheduler == "halving" and self.search == "tpe":
            raise UserError(
                "scheduler: halving has every configuration reach a rung before the next, and tpe proposes each from "
                "those that have ended; give --scheduler asha or none, or --search grid"
            )
        self._check_spaces()

    def _check_thetas(self, thetas: Any) -> None:
        if not isinstance(thetas, Mapping) or set(thetas) != set(self.architectures):
            raise UserError(f"thetas: {quote(thetas)} is not allowed; give one for each architecture")
        for name, theta in thetas.items():
            if not isinstance(theta, Mapping) or Hyperparameters.from_mapping(theta).as_dict() != theta:
                raise UserError(f"thetas: {name}: {quote(theta)} is not allowed; give values by name")
            check_taken(theta, [name], self.own, "theta")

    def _check_spaces(self) -> None:
        """Refuses what invsearch did not write as a space, and grids that do not contain the one before."""
        if not isinstance(self.earlier, tuple) or (self.earlier and self.search != "grid"):
            raise UserError(f"earlier: {quote(self.earlier)} is not allowed; only a grid search has earlier grids")
        if self.space is None:
            return
        stages = []
        for grid in self.earlier:
            if not isinstance(grid, Mapping) or set(grid) != {"space", "samples"}:
                raise UserError(f"earlier: {quote(grid)} is not allowed; give space and samples")
            SAMPLES.check("earlier: samples", grid["samples"])
            stages.append((_read_space("earlier", grid["space"]), grid["samples"]))
        stages.append((_read_space("space", self.space), self.samples))
        if self.search != "grid":
            return
        for space, _ in stages:
            space.list_choices()
        if sum(space.size for space, _ in stages) > MAX_POINTS:
            raise UserError(f"space: with the earlier ones, it has more than {MAX_POINTS:,} points; give another --out")
        for (space, samples), (larger, more) in pairwise(stages):
            if not space.fits_within(larger) or larger.fits_within(space) or samples > min(more, space.size):
                raise UserError(
                    f"earlier: {quote(space.name)} did not grow into {quote(larger.name)}; restore the file"
                )

    def check_searched(self) -> None:
        """Checks that what is searched fits the architectures; what extends a run may leave out some that it needs.

        Raises:
            UserError: a hyperparameter that none takes, no gain where one needs it, or more draws than there can be.
        """
        self._check_taken()
        if self.search in ("random", "tpe"):
            for name in {list_taken(name, self.own): name for name in self.architectures}.values():
                self.find_space(name).draw(self.count_planned(name), self.seed)

    def _check_taken(self) -> None:
        if self.space is not None:
            check_taken(self.searched.domains, self.architectures, self.own, f"space {self.searched.name}")

    @property
    def searched(self) -> Space:
        """The search space.

        Raises:
            UserError: the run has none.
        """
        if self.space is None:
            raise UserError("this run trained fixed configurations, so it has no search space; use sweep for a search")
        return make_space(self.space, "space")

    def find_space(self, architecture: str) -> Space:
        """What is searched for an architecture: the search space without the names that it does not take.

        Raises:
            UserError: the run has none.
        """
        return self.searched.restrict(list_taken(architecture, self.own))

    def find_middle(self, architecture: str) -> Hyperparameters:
        """A typical configuration of an architecture: the middle of what is searched, or the one that is trained."""
        if self.thetas is not None:
            return Hyperparameters.from_mapping(self.thetas[architecture])
        return self.find_space(architecture).find_middle()

    def sweep_trial(self, architecture: str, theta: Hyperparameters) -> TrialSpec:
        """The trial of a configuration in the search phase."""
        return self._make_trial("sweep", architecture, theta, self.seed, self.split_seed, self.max_epochs)

    def list_choice_trials(self, architecture: str, theta: Hyperparameters) -> list[TrialSpec]:
        """The trials of a finalist in the race, on held-out images and seeds that neither sweep nor reruns use."""
        first = self.seed + MAX_SEEDS + 1
        return [
            self._make_trial("choice", architecture, theta, seed, self.split_seed, self.max_epochs)
            for seed in range(first, first + (self.choice_seeds or 0))
        ]

    def list_rerun_trials(self, architecture: str, theta: Hyperparameters) -> list[TrialSpec]:
        """The trials of a configuration in the repeated-seed phase, on seeds the sweep never used."""
        return [
            self._make_trial("rerun", architecture, theta, seed, None, self.rerun_epochs or self.max_epochs)
            for seed in range(self.seed + 1, self.seed + 1 + (self.rerun_seeds or 0))
        ]

    def _make_trial(
        self, phase: str, architecture: str, theta: Hyperparameters, seed: int, split_seed: int | None, epochs: int
    ) -> TrialSpec:
        size, schedule = theta.get("batch_size", self.batch_size), theta.get("schedule")
        recipe = self.recipe and self.recipe.scale_to(epochs)
        if isinstance(schedule, str):
            recipe = choose_schedule(self.recipe, schedule, epochs)
        assert isinstance(size, int)
        return TrialSpec(phase, architecture, self.dataset, self.data_hash, theta, seed, split_seed, size, recipe)

    def count_planned(self, architecture: str) -> int:
        """Configurations that the sweep will have tried of an architecture in the end; 0 where nothing is searched."""
        return int(min(self.samples, self.find_space(architecture).size)) if self.samples else 0

    @property
    def augments(self) -> bool:
        """Whether images are cropped or flipped."""
        return self.recipe is not None and self.recipe.augments

    @property
    def has_schedules(self) -> bool:
        """Whether the learning rate of some trials falls at epochs that depend on how many there are."""
        if self.recipe is not None and self.recipe.lr_drops:
            return True
        given = {theta.get("schedule", "constant") for theta in (self.thetas or {}).values()}
        if self.space is not None and isinstance(domain := self.searched.domains.get("schedule"), Choice):
            given |= {*domain.values}
        return bool(given - {"constant"})

    def list_points(self, architecture: str) -> list[Hyperparameters]:
        """The configurations of a grid or random search, ``count_planned``, in the order in which they are tried.

        Of a random search those of ``Space.draw``. Of a grid search every grid in turn, the earlier ones first, in its
        own shuffled order and without the points that came before, until there are as many in all as were asked for at
        that time. So the points of a run are the beginning of those of every extension of it. Architectures that take
        the same hyperparameters have the same points.

        Raises:
            UserError: the space of a grid is continuous, or there is none.
        """
        if self.search == "random":
            return self.find_space(architecture).draw(self.count_planned(architecture), self.seed)
        taken = list_taken(architecture, self.own)
        stages = [(make_space(grid["space"], "earlier"), grid["samples"]) for grid in self.earlier]
        points: dict[Hyperparameters, None] = {}
        for space, samples in [*stages, (self.searched, self.samples)]:
            for theta in space.restrict(taken).walk(self.seed):
                if len(points) >= samples:
                    break
                points[theta] = None
        return list(points)

    def list_rungs(self) -> list[int]:
        """The epochs at which the scheduler judges; none where it stops nothing early, or where nothing is searched."""
        judges = self.scheduler in WITH_RUNGS and self.thetas is None
        return list_ladder(self.grace_period, self.max_epochs, self.reduction_factor) if judges else []

    def compute_expected_epochs(self) -> float:
        """Epochs a trial takes on average if the top 1/eta of trials continue past each rung.

        With halving those are whole numbers, so this is exact but for trials that diverge or fail.
        """
        count, start, total = float(self.samples or 1), 0, 0.0
        for end in [*self.list_rungs(), self.max_epochs]:
            total += count * (end - start)
            eta, start = self.reduction_factor, end
            count = count_places(int(count), eta) if self.scheduler == "halving" else count / eta
        return total / (self.samples or 1)

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
            if isinstance(values.get("own"), Mapping):
                values["own"] = {name: Own.from_dict(one) for name, one in values["own"].items()}
            spec = cls(**values)
            spec._check_taken()  # Draws would take too long for a reader.
            return spec
        except UserError as error:
            raise UserError(f"spec.json: {error}") from None


def _read_space(field: str, plain: Any) -> Space:
    space = make_space(plain, field)
    if space.describe() != plain:  # 1 is not "1", and a number is not a choice.
        raise UserError(f"{field}: {quote(plain)} is not how invsearch writes a space; give Space.describe()")
    return space


def read_spec(run: Path) -> dict[str, Any]:
    """The content of a run's spec.json, from which ``RunSpec.from_dict`` makes what was asked for.

    Raises:
        UserError: not a run folder, or its spec.json is not what was written.
    """
    where = run / SPEC
    mending = f"{format_command('invsearch', 'check', run, '--repair')} restores it from the history"
    try:
        content = read_sealed(where) if run.is_dir() else None
        if content is not None:
            RunSpec.from_dict(content)
            return content
    except UserError as error:
        raise UserError(f"{run}/{error}") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror or error}); make it readable") from None
    except (Damaged, ValueError, TypeError, LookupError, AttributeError, ArithmeticError, RecursionError) as error:
        raise UserError(f"{where}: damaged ({error}); {mending}") from None
    if (run / "trials").is_dir():
        raise UserError(f"{where}: missing; {mending}")
    raise UserError(explain_no_run(run))


def explain_no_run(folder: Path) -> str:
    """What to say of a folder without a spec.json."""
    if (folder / REPLICATES).exists():
        return f"{folder}: holds replicates, each a run of its own; give one of them, such as {folder / 'replicate-01'}"
    if (folder / "replicate-01").is_dir():
        return f"{folder / REPLICATES}: missing; give the command that made it again, with --replicates"
    return f"{folder}: not a run folder (no {SPEC}); give the --out of a run (invsearch list finds them)"
