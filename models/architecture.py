"""What an architecture is, and families of them: too many to list one by one, whose names say how they differ."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

from models.description import Description, Shape
from spaces.common.errors import UserError, quote

WIDTH = re.compile(r"-w([^+-]*)\Z")
"""``invC-B-w16`` is ``invC-B`` at width 16."""

WIDEST = 256  # A slip of the pen must not fill the memory: invAll-C of 64x64 images has 0.5 G weights at this width.


@dataclass(frozen=True)
class Architecture:
    """A network under comparison.

    Attributes:
        title: its row in the chapter's tables.
        describe: gives its description for a number of classes and the shape (C, H, W) of an image.
        sizes: heights of the square images that it is made for; empty where it takes any.
    """

    title: str
    describe: Callable[[int, Shape], Description]
    sizes: tuple[int, ...] = ()

    def configure(self, further: Mapping[str, Any]) -> Architecture:
        """The architecture with hyperparameters of its own, of which those that are described here take none.

        Raises:
            UserError: there are some.
        """
        if further:
            raise UserError(f"{self.title}: takes no hyperparameters of its own, so not {', '.join(further)}")
        return self

    @property
    def example(self) -> Shape:
        """The shape of some images that it takes, for what does not depend on their size."""
        return (3, self.sizes[0], self.sizes[0]) if self.sizes else (1, 28, 28)

    def can_take(self, shape: Shape) -> bool:
        """Whether it is made for images (C, H, W) of that size."""
        return not self.sizes or (shape[1] == shape[2] and shape[1] in self.sizes)


@dataclass(frozen=True)
class Family:
    """Architectures by name, each at any width.

    Attributes:
        about: a line about them, for lists.
        words: their names, for messages.
        width: C, the first number of channels, of names without a width.
        members: name -> what makes the architecture of a width.
        typical: names that between them have every kind of layer and size, for tests and examples.
    """

    about: str
    words: str
    width: int
    members: Mapping[str, Callable[[int], Architecture]]
    typical: tuple[str, ...]

    def find(self, name: str) -> Architecture | None:
        """The architecture of that name; None if it is not of this family.

        Raises:
            UserError: it is one, but too wide, or not spelled as usual: a network must not have two names.
        """
        spelled, digits, *_ = *WIDTH.split(name), str(self.width)
        member = next(
            (known for known in self.members if known == spelled or list_parts(known) == list_parts(spelled)), None
        )
        if member is None:
            return None
        if re.fullmatch("[1-9][0-9]{0,3}", digits) is None or (width := int(digits)) > WIDEST:
            raise UserError(f"architecture: {quote(name)}: -w{digits[:20]} is not a width; give -w1 to -w{WIDEST}")
        usual = member if width == self.width else f"{member}-w{width}"
        if name != usual:
            raise UserError(f"architecture: {quote(name)} is not how that network is spelled; write {usual}")
        return self.members[member](width)

    def name_at(self, name: str, width: int) -> str:
        """The name of a member at a width, whatever width its name has now.

        Raises:
            UserError: the width is not allowed.
        """
        wider = WIDTH.sub("", name) + ("" if width == self.width else f"-w{width}")
        if not 1 <= width <= WIDEST or self.find(wider) is None:
            raise UserError(f"width: {width} is not allowed; give a whole number from 1 to {WIDEST}")
        return wider


def make_at_width(
    title: str, usual: int, describe: Callable[[int, int, Shape], Description], sizes: tuple[int, ...], width: int
) -> Architecture:
    """The architecture that ``describe(width, classes, shape)`` describes; its title names an unusual width."""
    return Architecture(title + ("" if width == usual else f", C = {width}"), partial(describe, width), sizes)


def list_parts(name: str) -> list[str]:
    """What a name says, without case and order, and without mixing A, which goes without saying."""
    return sorted(part for part in re.split("[+-]", name.lower()) if part != "a")
