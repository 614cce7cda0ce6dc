"""Trials: what defines one, and the ids that name it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote
from spaces.hyperparameters import NAMES, REQUIRED, Hyperparameters
from spaces.specs.protocol import PHASES
from spaces.specs.recipes import COSINE, Recipe

FIELDS = {  # And theta and, where there is one, recipe.
    "phase": fields.make_one_of(*PHASES),
    "architecture": fields.NAME,
    "dataset": fields.NAME,
    "data_hash": fields.HASH,
    "seed": fields.SEED,
    "split_seed": fields.make_optional(fields.SEED),
    "batch_size": fields.BATCH_SIZE,
}
LETTER = "c"  # Begins a config id: without one, some look like numbers to a spreadsheet (0955086164, 6764e21198).
ID_DIGITS = 10  # 40 bits: a collision among 10,000 trials has odds of about 1 in 20,000.


def compute_digest(content: Any) -> str:
    """The first digits of the SHA-256 of plain data in canonical JSON."""
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(canonical.encode()).hexdigest()[:ID_DIGITS]


@dataclass(frozen=True)
class TrialSpec:
    """One configuration x one seed: everything that decides what a training computes.

    The number of epochs is not part of it, so a trial can be trained further under the same id; unless it has a
    recipe, whose learning rate falls at epochs that depend on how many there are. A recipe is the data set's, or it
    comes of a schedule in theta.

    Attributes:
        phase: ``sweep`` or ``choice`` (judged on held-out training images) or ``rerun`` (trained on all training
            images, judged on the test set).
        architecture: a name in ``models.ARCHITECTURES``.
        dataset: a name that ``search.datasets.dataset`` knows.
        data_hash: the hash of the data set's content.
        theta: the hyperparameters.
        seed: decides initial weights, fixed kernels and batch order.
        split_seed: decides which training images are held out; None where none are.
        batch_size: images per SGD step; theta's where that has one.
        recipe: schedule and augmentation; None where the learning rate is constant and images stay as they are.
    """

    phase: str
    architecture: str
    dataset: str
    data_hash: str
    theta: Hyperparameters
    seed: int
    split_seed: int | None
    batch_size: int
    recipe: Recipe | None = None

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            field.check(name, getattr(self, name))
        if self.theta.get("batch_size", self.batch_size) != self.batch_size:
            raise UserError(f"batch_size: {self.batch_size} is not that of the configuration {self.theta}")
        falls = self.recipe is not None and self.recipe.schedule == COSINE
        if falls != (self.theta.get("schedule") == COSINE):
            raise UserError(
                f"recipe: {self.recipe or 'none'} does not have the schedule of the configuration {self.theta}"
            )

    @property
    def augments(self) -> bool:
        """Whether images are cropped or flipped."""
        return self.recipe is not None and self.recipe.augments

    @property
    def config_id(self) -> str:
        """Names the configuration (architecture and theta): the same in a sweep and in its reruns."""
        return LETTER + compute_digest([self.architecture, self.theta.as_dict()])

    @cached_property
    def trial_id(self) -> str:
        """Names the trial; also the name of its folder."""
        return f"{self.architecture}-{compute_digest(self._collect_content())}"

    def _collect_content(self) -> dict[str, Any]:
        further = self.theta.further
        return {
            "phase": self.phase,
            "architecture": self.architecture,
            "dataset": self.dataset,
            "data_hash": self.data_hash,
            **{name: value for name, value in self.theta.items() if name not in further},
            "seed": self.seed,
            "split_seed": self.split_seed,
            "batch_size": self.batch_size,
            # What is not there is left out, so that the ids of older trials stay as they were.
            **({} if self.recipe is None else {"recipe": self.recipe.as_dict()}),
            **({"further": further} if further else {}),
        }

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a record, ids first."""
        return {"trial_id": self.trial_id, "config_id": self.config_id, **self._collect_content()}

    @classmethod
    def from_dict(cls, content: Mapping[str, Any]) -> TrialSpec:
        """Reads what ``as_dict`` wrote, now or in earlier versions, and nothing else.

        Raises:
            UserError: a field is missing, unknown or not allowed, or the ids do not belong to the content.
        """
        if not isinstance(content, Mapping):
            raise UserError(f"trial: {quote(content)} is not a mapping of fields; it was not written by invsearch")
        try:
            values = {name: content[name] for name in FIELDS}
            numbers = {name: content[name] for name in NAMES if name in content or name in REQUIRED}
        except KeyError as error:
            raise UserError(f"trial: the record lacks the field {error}; it was not written by invsearch") from None
        further = content.get("further", {})
        if not isinstance(further, Mapping):
            raise UserError(f"trial: further: {quote(further)} is not a mapping of hyperparameters")
        theta = Hyperparameters.from_mapping({**further, **numbers})
        recipe = Recipe.from_dict(content["recipe"]) if "recipe" in content else None
        spec = cls(theta=theta, **values, recipe=recipe)
        whole = spec.as_dict()
        if content.get("config_id") == whole["config_id"].removeprefix(LETTER):  # The earlier form.
            content = {**content, "config_id": whole["config_id"]}
        if content != whole:
            raise UserError(f"trial: {_name_difference(content, whole)}; the record was changed by hand")
        return spec


def _name_difference(content: Mapping[str, Any], whole: Mapping[str, Any]) -> str:
    """What of a record's content is not as it was written."""
    for name, value in whole.items():
        if content.get(name) != value:
            what = f"does not belong to its content ({value})" if name.endswith("_id") else "is not a number"
            what = "is not as invsearch writes it" if name in ("recipe", "further") else what
            return f"the {name} {quote(content.get(name))} {what}"
    return f"unknown field {quote(next(name for name in content if name not in whole))}"
