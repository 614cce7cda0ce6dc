"""Arrays that a Python program has at hand, as a data set."""

from __future__ import annotations

import re
from typing import Any

import numpy as np

from search.datasets.base import Dataset
from search.datasets.own.kept import keep
from search.datasets.own.parts import NAMES, make_parts
from search.datasets.own.reference import LONGEST
from spaces.common.errors import UserError, quote

PREFIX = "data-"


class Data:
    """Images and labels of your own, instead of the name of a data set.

    Args:
        x_train: training images, uint8 (N, H, W), (N, C, H, W) or (N, H, W, C): an array, a torch tensor or anything
            that numpy can make an array of.
        y_train: their labels, whole numbers (N,), counted from 0.
        x_test: test images, in the same form.
        y_test: their labels.
        name: its name in records, after ``data-``.

    Raises:
        UserError: arrays of another type or shape, labels with a gap, or a name that is not allowed.

    >>> import numpy as np
    >>> images, labels = np.zeros((6, 8, 8), np.uint8), np.arange(6) % 3
    >>> Data(images, labels, images, labels, name="tiny").name
    'data-tiny'
    """

    def __init__(self, x_train: Any, y_train: Any, x_test: Any, y_test: Any, name: str = "mine") -> None:
        if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z0-9_+-]+", name) or len(PREFIX + name) > LONGEST:
            raise UserError(
                f"name: {quote(name)} is not allowed; give at most {LONGEST - len(PREFIX)} of the characters A-Z, a-z, "
                "0-9, _, + and -"
            )
        self.name = f"{PREFIX}{name}"
        arrays = zip(NAMES, (x_train, y_train, x_test, y_test), strict=True)
        self._arrays = {each: _make_array(array, f"{self.name}: {each}") for each, array in arrays}
        make_parts(self._arrays, self.name)  # Refuses what is wrong here rather than later.

    def __repr__(self) -> str:
        return f"invsearch.Data(.., name={self.name.removeprefix(PREFIX)!r})"

    def keep(self) -> Dataset:
        """The data set, with its images stored in the data folder, where a later rerun finds them.

        Raises:
            UserError: the data folder cannot be written, or all images are the same.
        """
        return keep(make_parts(self._arrays, self.name), self.name, repr(self))


def _make_array(value: Any, where: str) -> np.ndarray:
    if hasattr(value, "detach"):  # A torch tensor, perhaps on a GPU.
        value = value.detach().cpu()
    try:
        return np.asarray(value)
    except (TypeError, ValueError) as error:
        raise UserError(f"{where}: not an array ({' '.join(str(error).split())[:100]}); give a numpy array") from None
