"""Data sets: one file each, listed in ``DATASETS``."""

from search.datasets.base import Arrays, Dataset
from search.datasets.digits import DIGITS
from search.datasets.mnist import MNIST
from search.datasets.split import Split, load_split
from spaces.choose import choose

DATASETS: dict[str, Dataset] = {
    "digits": DIGITS,
    "mnist": MNIST,
}


def dataset(name: str) -> Dataset:
    """The data set called ``name``.

    Raises:
        UserError: there is none, with the list and the nearest name.
    """
    return choose("dataset", name, DATASETS)


__all__ = ["DATASETS", "Arrays", "Dataset", "Split", "dataset", "load_split"]
