"""``invsearch list``: what there is to choose from."""

from __future__ import annotations

import argparse

from search.datasets import DATASETS, FORMS, PREFIX
from search.option_types import option
from spaces import SPACES

HELP = "list architectures, data sets, search spaces and tables"
EXAMPLE = "invsearch list architectures"
KINDS = ("architectures", "datasets", "spaces", "tables")
OPTIONS = (option("kind", nargs="?", choices=KINDS, help="only one kind (default: all)"),)


def run(args: argparse.Namespace) -> int:
    """Prints names with a line about each."""
    for kind in KINDS if args.kind is None else (args.kind,):
        entries = describe_listed(kind)
        width = max(map(len, entries))
        print(f"{kind}:")
        for name, about in entries.items():
            print(f"  {name:{width}}  {about}")
    return 0


def describe_listed(kind: str) -> dict[str, str]:
    """Name -> a line about it."""
    if kind == "architectures":
        import models
        from models.own import list_plugins

        families = {
            f"{family.typical[0]} ..": f"{family.about} ({family.words})" for family in models.FAMILIES.values()
        }
        plugins = {name: f"plugin of {where}" for name, where in list_plugins().items()}
        own = {"FILE.py:NAME": "a layer or network of your own (docs/own-layers.md)"}
        titles = {name: architecture.title for name, architecture in models.ARCHITECTURES.items()}
        return plugins | titles | families | own
    if kind == "datasets":
        own = {f"{PREFIX}NAME": "the folder NAME below the data folder, in CIFAR-10's binary layout"}
        return {name: dataset.title for name, dataset in DATASETS.items()} | own | FORMS
    if kind == "spaces":
        own = {"FILE.yaml": "ranges of your own, also of further hyperparameters: docs/spaces.md"}
        return {
            name: f"{space.size:g} configurations" if space.size < float("inf") else "continuous: use --search tpe"
            for name, space in SPACES.items()
        } | own
    from analysis.tables import TABLES

    return {name: table.title for name, table in TABLES.items()}
