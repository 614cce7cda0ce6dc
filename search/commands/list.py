"""``invsearch list``: what there is to choose from, and the runs below a folder."""

from __future__ import annotations

import argparse
from pathlib import Path

from search.datasets import DATASETS, FORMS, PREFIX
from search.option_types import option
from spaces import SPACES, UserError
from spaces.common.errors import make_printable, quote, shorten

HELP = "list architectures, data sets, search spaces and tables; or the runs below a folder"
EXAMPLE = "invsearch list architectures"
KINDS = ("architectures", "datasets", "spaces", "tables")
OPTIONS = (
    option(
        "kind",
        nargs="?",
        metavar="KIND|FOLDER",
        help=f"{', '.join(KINDS)} (default: all), or a folder of runs, or s3://BUCKET[/FOLDER]",
    ),
)


def run(args: argparse.Namespace) -> int:
    """Prints names with a line about each.

    Raises:
        UserError: neither a kind nor a folder.
    """
    if args.kind is not None and args.kind not in KINDS:
        print_runs(args.kind)
        return 0
    from analysis.render.narrow import wrap_text
    from search.streams import find_width

    for kind in KINDS if args.kind is None else (args.kind,):
        entries = describe_listed(kind)
        width = max(map(len, entries))
        print(f"{kind}:")
        for name, about in entries.items():
            print(wrap_text(f"  {name:{width}}  {about}", find_width(), " " * (width + 4)))
    return 0


def print_runs(text: str) -> None:
    """Prints the runs below a folder or a URL, the last used first."""
    from search.option_types import parse_folder
    from search.planning.runs import format_used, list_bucket, list_runs
    from search.storage.places.address import is_url
    from search.streams import find_width

    if is_url(text):
        runs = list_bucket(text)
    else:
        try:
            folder = parse_folder(text) if text.strip() else Path("-")
        except argparse.ArgumentTypeError as error:
            raise UserError(f"kind: {error}") from None
        if not folder.is_dir():
            raise UserError(f"kind: {quote(text)} is neither a folder nor one of {', '.join(KINDS)}")
        runs = list_runs(folder)
    heads = ("run", "data", "architectures", "ended", "last", "used", "notes")
    rows = [
        (one.name, one.data, one.networks, f"{one.ended}/{one.begun}", one.state, format_used(one.used), one.said)
        for one in runs
    ]
    if not rows:
        print(f"{make_printable(text)}: no run below it")
        return
    sizes = [max(map(len, column)) for column in zip(heads, *rows, strict=True)]
    width = find_width()
    if width is None or sum(sizes) + 2 * (len(sizes) - 1) <= width:
        for row in (heads, *rows):
            print(make_printable("  ".join(map(str.ljust, row, sizes)).rstrip()))
        return
    for name, data, networks, ended, state, used, said in rows:
        facts = f"  {used}  {state}, {ended} trials ended  {data}: {networks}"
        lines = (name, shorten(facts, width), *[shorten(f"  {said}", width)] * bool(said))
        print(*map(make_printable, lines), sep="\n")


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
            name: f"{space.size:g} configurations"
            if space.size < float("inf")
            else "continuous: use --search tpe or random"
            for name, space in SPACES.items()
        } | own
    from analysis.tables import TABLES

    return {name: table.title for name, table in TABLES.items()}
