"""Data sets: one file each, listed in ``DATASETS``."""

from dataclasses import replace
from os.path import isdir

from search.datasets.base import Arrays, Dataset
from search.datasets.cifar10 import CIFAR10
from search.datasets.cifar100 import CIFAR100
from search.datasets.digits import DIGITS
from search.datasets.folder import PREFIX, make_folder_dataset
from search.datasets.mnist import MNIST
from search.datasets.own import FORMS, PREFIXES, Data, open_own, parse_reference, restore_own
from search.datasets.split import Split, load_split
from search.datasets.tiny_imagenet import TINY_IMAGENET
from spaces.common.errors import UserError, quote
from spaces.common.lookup import choose
from spaces.specs.run import RunSpec

DATASETS: dict[str, Dataset] = {
    "digits": DIGITS,
    "mnist": MNIST,
    "cifar10": CIFAR10,
    "cifar100": CIFAR100,
    "tiny-imagenet": TINY_IMAGENET,
}


def find_dataset(name: str | Data, data_hash: str | None = None, source: str | None = None) -> Dataset:
    """The data set called ``name``: one of ``DATASETS``, ``folder-NAME``, or data of one's own.

    Args:
        name: also a path of data of one's own, in one of ``FORMS``, or arrays from Python.
        data_hash: that of the run that the data are for; None where there is none yet.
        source: where a run had its own data from.

    Raises:
        UserError: there is none, with the list and the nearest name; or it has another hash than ``data_hash``.
    """
    found = _find(name, data_hash, source)
    if data_hash is not None and found.data_hash != data_hash:
        raise UserError(
            f"dataset: {found.name} has the hash {found.data_hash} here and {data_hash} in the run; it was changed, or "
            "is another data set of that name: restore it, or give another --out"
        )
    return found


def find_trained_on(spec: RunSpec) -> Dataset:
    """The data set of a run, with the run's recipe, which may be another one than the data set's own.

    Raises:
        UserError: as ``find_dataset``.
    """
    return replace(find_dataset(spec.dataset, spec.data_hash, spec.data_source), recipe=spec.recipe)


def _find(name: str | Data, data_hash: str | None, source: str | None) -> Dataset:
    if isinstance(name, Data):
        return name.keep()
    if reference := parse_reference(name):
        return open_own(reference)
    if name.startswith(PREFIX):
        return make_folder_dataset(name)
    if name.startswith(PREFIXES):
        if data_hash is not None:
            return restore_own(name, data_hash, source)
        raise UserError(f"dataset: {name} is data of your own: give its path, as {', '.join(FORMS)}")
    if name and name not in DATASETS and isdir(name):
        raise UserError(f"dataset: {quote(name)} is a folder; say what it holds, as in images:{name} or idx:{name}")
    return choose("dataset", name, DATASETS, [f"{PREFIX}NAME", *FORMS])


__all__ = [
    "DATASETS",
    "FORMS",
    "PREFIX",
    "Arrays",
    "Data",
    "Dataset",
    "Split",
    "find_dataset",
    "find_trained_on",
    "load_split",
]
