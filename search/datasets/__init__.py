"""Data sets: one file each, listed in ``DATASETS``."""

from search.datasets.base import Arrays, Dataset
from search.datasets.cifar10 import CIFAR10
from search.datasets.cifar100 import CIFAR100
from search.datasets.digits import DIGITS
from search.datasets.folder import PREFIX, make_folder_dataset
from search.datasets.mnist import MNIST
from search.datasets.split import Split, load_split
from search.datasets.tiny_imagenet import TINY_IMAGENET
from spaces.common.errors import UserError
from spaces.common.lookup import choose

DATASETS: dict[str, Dataset] = {
    "digits": DIGITS,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "tiny-imagenet": TINY_IMAGENET,
}


def find_dataset(name: str, data_hash: str | None = None) -> Dataset:
    """The data set called ``name``: one of ``DATASETS``, or ``folder-NAME``.

    Raises:
        UserError: there is none, with the list and the nearest name; or it has another hash than ``data_hash``.
    """
    found = (
        make_folder_dataset(name) if name.startswith(PREFIX) else choose("dataset", name, DATASETS, [f"{PREFIX}NAME"])
    )
    if data_hash is not None and found.data_hash != data_hash:
        raise UserError(
            f"dataset: {name} has the hash {found.data_hash} here and {data_hash} in the run; it was changed, or is "
            "another one of that name: restore it, or give another --out"
        )
    return found


__all__ = ["DATASETS", "PREFIX", "Arrays", "Dataset", "Split", "find_dataset", "load_split"]
