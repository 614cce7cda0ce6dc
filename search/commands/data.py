"""``invsearch data``: lists the data sets, fetches or imports their files."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from search.datasets import DATASETS, Dataset, dataset
from search.datasets.fetch import fetch, import_from
from search.datasets.verify import read_cached
from spaces.errors import UserError

NAME = "data"
HELP = "list the data sets, fetch or import their files"
EXAMPLE = "invsearch data mnist --from ~/Downloads"


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds the arguments of the command."""
    parser.add_argument("dataset", nargs="?", help=f"one of {', '.join(DATASETS)}; without it, all are listed")
    source = parser.add_mutually_exclusive_group()
    source.add_argument(
        "--from", dest="source", type=Path, metavar="DIR", help="import the files from this folder, raw or as .gz"
    )
    source.add_argument("--mirror", metavar="URL", help="download from this web folder instead of the usual mirrors")


def run(args: argparse.Namespace) -> int:
    """Runs the command; returns the exit code.

    Raises:
        UserError: unknown data set, nothing to fetch for it, or its files cannot be had.
    """
    if args.dataset is None:
        if args.source or args.mirror:
            raise UserError(f"data: --from and --mirror need the data set they are for; for example {EXAMPLE}")
        width = max(map(len, DATASETS))
        for known in DATASETS.values():
            print(f"{known.name:<{width}}  {known.data_hash}  {known.title}: {_state(known)}")
        return 0
    chosen = dataset(args.dataset)
    if chosen.store is None:
        if args.source or args.mirror:
            raise UserError(f"data: {chosen.name} is embedded, nothing to fetch; leave out --from and --mirror")
        print(f"{chosen.name} is embedded; hash {chosen.data_hash}")
        return 0
    if args.source:
        folder = import_from(chosen.store, args.source)
    else:
        mirrors = [args.mirror] if args.mirror else None
        folder = fetch(chosen.store, mirrors=mirrors, say=lambda line: print(line, file=sys.stderr))
    for file in chosen.store.files:
        read_cached(chosen.store, file, folder)
    print(f"{chosen.name} is complete in {folder}; hash {chosen.data_hash}")
    return 0


def _state(known: Dataset) -> str:
    if known.store is None:
        return "embedded"
    folder = known.store.folder()
    missing = known.store.missing(folder)
    if missing:
        return f"missing in {folder}: {', '.join(file.name for file in missing)}; run 'invsearch data {known.name}'"
    try:
        for file in known.store.files:
            read_cached(known.store, file, folder)
    except UserError as error:
        return f"unusable: {error}"
    return f"complete in {folder}"
