"""Data sets: one file each, listed in ``DATASETS``."""

import difflib

from search.datasets.base import Arrays, Dataset
from search.datasets.digits import DIGITS
from search.datasets.mnist import MNIST
from search.datasets.split import Split, load_split
from spaces.errors import UserError

DATASETS: dict[str, Dataset] = {
    "digits": DIGITS,
    "mnist": MNIST,
}


def dataset(name: str) -> Dataset:
    """The data set called ``name``.

    Raises:
        UserError: there is none, with the list and the nearest name.
    """
    if name not in DATASETS:
        near = difflib.get_close_matches(name, DATASETS, n=1)
        hint = f"; did you mean {near[0]}?" if near else ""
        raise UserError(f"dataset: {name!r} is unknown; allowed are {', '.join(DATASETS)}{hint}")
    return DATASETS[name]


__all__ = ["DATASETS", "Arrays", "Dataset", "Split", "dataset", "load_split"]
