"""Recipes: what a training does besides plain SGD at one learning rate on the images as they are.

A recipe is data. It belongs to a data set (``search.datasets``), is part of what defines a trial and its id, and is
written into every record. MNIST and digits have none: their text (section 1.5.1) has no decay and no augmentation.
Where ``schedule`` is a hyperparameter, it takes the place of the recipe's own schedule, and a data set without a recipe
gets one for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, replace
from dataclasses import fields as dataclass_fields
from typing import Any

from spaces.common import fields
from spaces.common.errors import UserError, quote
from spaces.hyperparameters import Hyperparameters

MAX_DROPS = 100
EPOCHS = fields.make_whole(1, 100_000)
COSINE = "cosine"
FIELDS = {  # And lr_drops.
    "epochs": EPOCHS,
    "lr_factor": fields.make_number(1e-6, 1.0, "a number above 0, at most 1"),
    "crop_padding": fields.make_whole(0, 64),
    "flip": fields.Field(lambda value: type(value) is bool, "true or false"),
    "schedule": fields.make_optional(fields.make_one_of(COSINE)),
}


@dataclass(frozen=True)
class Recipe:
    """The schedule and the augmentation of a training.

    Attributes:
        epochs: how long the training is that the schedule is made for.
        lr_drops: epochs after which the learning rate is multiplied by ``lr_factor``, in order; an epoch that is
            named twice counts twice.
        lr_factor: above 0, at most 1.
        crop_padding: each training image is moved by up to this many pixels each way, black coming in; 0: not at all.
        flip: whether each training image is mirrored left to right half of the time.
        schedule: ``cosine``: the learning rate falls as half a cosine, and nothing drops; None: it only drops.

    Raises:
        UserError: a field that is not allowed.
    """

    epochs: int
    lr_drops: tuple[int, ...]
    lr_factor: float
    crop_padding: int
    flip: bool
    schedule: str | None = None

    def __post_init__(self) -> None:
        for name, field in FIELDS.items():
            field.check(f"recipe: {name}", getattr(self, name))
        drops = self.lr_drops
        sound = isinstance(drops, tuple) and len(drops) <= MAX_DROPS and all(map(EPOCHS.allows, drops))
        if not sound or list(drops) != sorted(drops) or (drops and drops[-1] >= self.epochs):
            raise UserError(
                f"recipe: lr_drops: {quote(drops)} is not allowed; give at most {MAX_DROPS} whole numbers from 1 up "
                "in order, all below the recipe's epochs"
            )
        if drops and self.schedule is not None:
            raise UserError("recipe: schedule: cosine has no drops; leave lr_drops empty")

    @property
    def augments(self) -> bool:
        """Whether it changes images, not only the learning rate."""
        return self.crop_padding > 0 or self.flip

    def scale_to(self, epochs: int) -> Recipe:
        """The same recipe for a training of another length: the learning rate falls at the same fractions of it.

        A drop that falls within an epoch comes after it, and one that would come after the last epoch is left out.
        """
        moved = (-(-drop * epochs // self.epochs) for drop in self.lr_drops)  # Rounded up.
        return replace(self, epochs=epochs, lr_drops=tuple(drop for drop in moved if drop < epochs))

    def decay_lr(self, initial: float, epoch: int) -> float:
        """The learning rate in an epoch, 1 for the first: a function of the epoch alone, so a resume needs no more."""
        if self.schedule == COSINE:
            return initial * (1.0 + math.cos(math.pi * (epoch - 1) / self.epochs)) / 2.0
        return initial * self.lr_factor ** sum(drop < epoch for drop in self.lr_drops)

    def __str__(self) -> str:
        """One phrase for people."""
        parts = []
        if self.lr_drops:
            parts.append(f"lr x {self.lr_factor:g} after epochs {', '.join(map(str, self.lr_drops))} of {self.epochs}")
        if self.schedule == COSINE:
            parts.append(f"lr falls as a cosine over {self.epochs} epochs")
        if self.crop_padding:
            parts.append(f"random crops with padding {self.crop_padding}")
        if self.flip:
            parts.append("horizontal flips")
        return ", ".join(parts) or "constant lr, images as they are"

    def as_dict(self) -> dict[str, Any]:
        """Plain data for a record; the schedule only where there is one, as in older records."""
        content = {**asdict(self), "lr_drops": list(self.lr_drops)}
        return {name: value for name, value in content.items() if name != "schedule" or value is not None}

    @classmethod
    def from_dict(cls, content: Any) -> Recipe:
        """Reads what ``as_dict`` wrote, and nothing else.

        Raises:
            UserError: another thing, or a field that is not allowed.
        """
        names = {field.name for field in dataclass_fields(cls)}
        sound = isinstance(content, Mapping) and set(content) | {"schedule"} == names
        if not sound or not isinstance(content["lr_drops"], list) or content.get("schedule", COSINE) is None:
            raise UserError(f"recipe: {quote(content)} is not how invsearch writes a recipe")
        return cls(**{**content, "lr_drops": tuple(content["lr_drops"])})


# Section 1.5.2: SGD and batch size for all three data sets, the schedules of CIFAR and of Tiny ImageNet. The text says
# nothing of augmentation: padding 4 and flips are the published code's.
THETA = Hyperparameters(lr=0.5, momentum=0.85, weight_decay=1e-4, gain=1.0)
BATCH_SIZE = 128
CIFAR = Recipe(120, (60, 80, 100), 0.2, crop_padding=4, flip=True)
TINY_IMAGENET = Recipe(45, (18, 30, 40), 0.2, crop_padding=4, flip=True)
RECIPES: dict[str, Recipe | None] = {  # What --recipe may put in place of a data set's own.
    "none": None,
    "steps": replace(CIFAR, crop_padding=0, flip=False),
    "crops": replace(CIFAR, flip=False),
    "cifar": CIFAR,
    "tiny-imagenet": TINY_IMAGENET,
}
PLAIN = Recipe(1, (), 1.0, crop_padding=0, flip=False)


def choose_schedule(recipe: Recipe | None, schedule: str, epochs: int) -> Recipe | None:
    """The recipe of a training whose schedule is a hyperparameter.

    Args:
        recipe: the data set's own, or None; its crops and flips stay.
        schedule: ``constant``; ``cosine``; or ``steps``: the recipe's own drops where it has any, else those of CIFAR.
        epochs: how long the training is.

    Returns:
        None where nothing is left but plain SGD at one learning rate.
    """
    base = recipe or PLAIN
    if schedule == "steps":
        drops = (base if base.lr_drops else CIFAR).scale_to(epochs)
        return replace(drops, crop_padding=base.crop_padding, flip=base.flip)
    flat = replace(base, epochs=epochs, lr_drops=(), lr_factor=1.0)
    if schedule == COSINE:
        return replace(flat, schedule=COSINE)
    return flat if base.augments else None
