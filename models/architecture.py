"""What an architecture is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.description import Description, Shape


@dataclass(frozen=True)
class Architecture:
    """A network under comparison.

    Attributes:
        title: its row in the text's tables.
        describe: gives its description for a number of classes and the shape (C, H, W) of an image.
        sizes: heights of the square images that it is made for; empty where it takes any.
    """

    title: str
    describe: Callable[[int, Shape], Description]
    sizes: tuple[int, ...] = ()

    @property
    def example(self) -> Shape:
        """The shape of some images that it takes, for what does not depend on their size."""
        return (3, self.sizes[0], self.sizes[0]) if self.sizes else (1, 28, 28)

    def can_take(self, shape: Shape) -> bool:
        """Whether it is made for images (C, H, W) of that size."""
        return not self.sizes or (shape[1] == shape[2] and shape[1] in self.sizes)
