"""``invsearch data``: lists the data sets, fetches or imports their files."""

from __future__ import annotations

import argparse
import sys
from functools import partial

from search.datasets import DATASETS, FORMS, Dataset
from search.datasets.files.cache import find_cache_root, remove_abandoned
from search.datasets.folder import PREFIX, import_folder, list_folder_datasets
from search.datasets.own import list_kept, parse_reference
from search.option_types import folder, make_group, option
from search.options import OWN
from search.specs import find_data
from spaces.common.errors import UserError

HELP = "list the data sets, fetch or import their files"
EXAMPLE = "invsearch data mnist --from ~/Downloads"
OPTIONS = (
    option(
        "dataset",
        nargs="?",
        metavar="NAME|PATH",
        help=f"one of {', '.join(DATASETS)}, {PREFIX}NAME, or data of your own: {', '.join(FORMS)}; "
        "without it, all are listed",
    ),
    *OWN,
    make_group(
        None,
        folder(
            "--from",
            dest="source",
            metavar="PATH",
            help="import the files from this folder, or this archive (docs/data.md lists the forms); "
            f"for {PREFIX}NAME, a folder in CIFAR-10's binary layout",
        ),
        option("--mirror", metavar="URL", help="download from this web folder instead of the usual mirrors"),
    ),
)


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
            print(f"{known.name:<{width}}  {known.data_hash}  {known.title}: {_describe_state(known)}")
        print(f"{PREFIX}NAME: the folder NAME in {find_cache_root(None)}, in CIFAR-10's binary layout")
        for found in list_folder_datasets():
            print(f"{found.name}: {found.title}")
        for form, about in FORMS.items():
            print(f"{form}: {about}")
        for data_hash, title in list_kept():
            print(f"read before: {data_hash}  {title}")
        return 0
    if parse_reference(args.dataset):
        if args.source or args.mirror:
            raise UserError("data: data of your own are read where they lie; leave out --from and --mirror")
        return _check_own(find_data(args))
    if args.dataset.startswith(PREFIX):
        if args.mirror:
            raise UserError(f"data: {args.dataset} is a folder of your own, nothing to download; leave out --mirror")
        if args.source:
            import_folder(args.dataset, args.source)
        chosen = find_data(args)
        where = f": {chosen.title}"
    else:
        chosen = find_data(args)
        files, where = chosen.archive or chosen.store, " is embedded"
        if files is not None:
            mirrors, say = [args.mirror] if args.mirror else None, partial(print, file=sys.stderr)
            got = files.import_from(args.source) if args.source else files.fetch(None, mirrors, say)
            where = f" is complete in {got}"
        elif args.source or args.mirror:
            raise UserError(f"data: {chosen.name} is embedded, nothing to fetch; leave out --from and --mirror")
    for load in (chosen.load_train, chosen.load_test):  # Verifies, and decodes what is to be decoded.
        load(None)
    remove_abandoned(find_cache_root(None) / chosen.name)
    print(f"{chosen.name}{where}; hash {chosen.data_hash}")
    return 0


def _check_own(chosen: Dataset) -> int:
    for load in (chosen.load_train, chosen.load_test):
        load(None)
    print(f"{chosen.name}: {chosen.title}; mean {chosen.mean}, std {chosen.std}; hash {chosen.data_hash}")
    return 0


def _describe_state(known: Dataset) -> str:
    files = known.archive or known.store
    if files is None:
        return "embedded"
    if missing := files.find_missing():
        return f"missing in {files.find_folder()}: {', '.join(missing)}; run 'invsearch data {known.name}'"
    try:
        return f"complete in {files.check()}"
    except UserError as error:
        return f"unusable: {error}"
