"""What an architecture is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from models.description import Description


@dataclass(frozen=True)
class Architecture:
    """A network under comparison.

    Attributes:
        title: its row in Table 1.4.
        describe: gives its description for a number of classes.
    """

    title: str
    describe: Callable[[int], Description]
