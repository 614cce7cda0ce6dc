"""The run that the options of a command describe: its data set, its search space, its length."""

from __future__ import annotations

import argparse
import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from typing import Any

from search.datasets import Dataset, find_dataset
from search.datasets.own import add_options
from search.options import DRAWN
from spaces import SPACES, Space, UserError, parse_theta, read_space
from spaces.common.errors import make_printable, quote
from spaces.common.wording import format_count, join_words
from spaces.specs.extend import read_known
from spaces.specs.protocol import GRACE_PERIOD, WITH_RUNGS
from spaces.specs.recipes import RECIPES
from spaces.specs.run import RunSpec

PUBLISHED = "published"


def parse_space(args: argparse.Namespace) -> Space:
    """The search space asked for: a name, a YAML file, or from Python a space.

    Raises:
        UserError: neither.
    """
    if isinstance(args.space, Space):
        return args.space
    if not isinstance(args.space, str | PathLike | None):
        raise UserError(f"space: {quote(args.space)} is not a space; give a name, a YAML file or a mapping of domains")
    name = ("table-1.2" if args.search == "grid" else "continuous") if args.space is None else fspath(args.space)
    if name in SPACES:
        return SPACES[name]
    if not name or not Path(name).exists():
        raise UserError(f"space: {name!r} is neither a file nor one of {', '.join(SPACES)}")
    own = read_space(Path(name))
    if own.name in SPACES:
        raise UserError(f"space file {name}: the name {own.name} is taken; give another one")
    return own


def find_data(args: argparse.Namespace) -> Dataset:
    """The data set asked for, looked up once; data of one's own are read then, and ``args`` keeps the answer.

    Its recipe is the one that was asked for, else that of the run in the folder, else its own.

    Raises:
        UserError: unknown, or they cannot be read.
    """
    if not isinstance(args.dataset, Dataset):
        options = {"resize": args.resize, "test_fraction": args.test_fraction}
        args.dataset = find_dataset(add_options(args.dataset, args.split_seed, **options))
        if (recipe := getattr(args, "recipe", None)) is not None:
            args.dataset = replace(args.dataset, recipe=RECIPES[recipe])
        elif known := read_known(args.out) if getattr(args, "out", None) is not None else None:
            args.dataset = (
                replace(args.dataset, recipe=known.recipe) if known.dataset == args.dataset.name else args.dataset
            )
    return args.dataset


def refuse_ignored(args: argparse.Namespace, given: Iterable[str], where: str) -> None:
    """Refuses a ``--batch-size`` that hyperparameters take the place of, but in a run that was begun with it.

    Args:
        args: the options.
        given: hyperparameters of every trial.
        where: what to call the space or configuration in a message.

    Raises:
        UserError: naming the option and the hyperparameter.
    """
    if "batch_size" not in given or args.batch_size is None:
        return
    known = read_known(args.out) if getattr(args, "out", None) is not None else None
    if known is None or known.batch_size != args.batch_size:
        raise UserError(
            f"batch-size: {args.batch_size} would be ignored, since {where} has batch_size; leave --batch-size out, or "
            f"batch_size out of the {where.split()[0]}"
        )


def _make_spec(args: argparse.Namespace, names: Sequence[str], **more: Any) -> RunSpec:
    """A run of the data set asked for, which every architecture must be able to take."""
    import models
    from search.architectures import list_own, try_own

    chosen = find_data(args)
    for name in set(names) - set(models.REGISTERED):
        models.describe_architecture(name, chosen.input_shape, chosen.classes)  # Refuses images that it cannot take.
    spec = RunSpec(
        dataset=chosen.name,
        data_hash=chosen.data_hash,
        batch_size=chosen.batch_size if args.batch_size is None else args.batch_size,
        seed=args.seed,
        split_seed=args.split_seed,
        architectures=tuple(names),
        recipe=chosen.recipe,
        classes=chosen.classes,
        data_source=chosen.source,
        own=list_own(names) or None,
        **more,
    )
    try_own(spec, chosen)
    return spec


def make_fixed_spec(args: argparse.Namespace, names: Sequence[str], theta: str, seeds: int) -> RunSpec:
    """What a run without a search trains: fixed configurations over seeds.

    ``published`` as theta is the recipe's where the data set has one, else the architecture's own.

    Raises:
        UserError: something that is not allowed; or the chapter gives no theta.
    """
    from analysis.published.mnist import find_published_theta
    from search.architectures import share_theta

    common = find_data(args).theta if theta == PUBLISHED else parse_theta(theta)
    refuse_ignored(args, common or {}, "theta")
    thetas = share_theta(common, names) if common else {name: find_published_theta(name).as_dict() for name in names}
    return _make_spec(args, names, thetas=thetas, rerun_seeds=seeds, rerun_epochs=parse_epochs(args))


def make_run_spec(
    args: argparse.Namespace,
    names: tuple[str, ...],
    seeds: int | None,
    rerun_epochs: int | None,
    usual_scheduler: str = "asha",
) -> RunSpec:
    """The run that the options of a search describe.

    Without ``--scheduler`` and ``--grace-period`` it keeps those of the run that is in the folder already.

    Raises:
        UserError: options that are unknown, not allowed, or contradict one another.
    """
    from search.architectures import check_searched

    searched = parse_space(args)
    check_searched(searched, names, args.out)
    refuse_ignored(args, searched.domains, f"space {searched.name}")
    samples = args.samples
    if args.search == "grid":
        size = math.prod(map(len, searched.list_choices().values()))
        if samples is not None and samples > size:
            has = format_count(size, "configuration")
            print(f"space {searched.name} has {has}, so {size} and not {samples}", file=sys.stderr)
        samples = size if samples is None else min(samples, size)
    elif samples is None:
        samples = DRAWN
    most = parse_epochs(args)
    known = read_known(args.out)
    scheduler = args.scheduler or (known.scheduler if known and known.search == args.search else usual_scheduler)
    grace = args.grace_period
    if grace is None:
        usual = known.grace_period if known else GRACE_PERIOD
        grace = min(usual, max(1, most))
        if known is None and 0 < most < usual and scheduler in WITH_RUNGS:
            print(
                f"grace period: {format_count(grace, 'epoch')} instead of {usual}, because of --epochs {most}; "
                "no trial is stopped early (--grace-period sets it)",
                file=sys.stderr,
            )
    spec = _make_spec(
        args,
        names,
        space=searched.describe(),
        search=args.search,
        scheduler=scheduler,
        grace_period=grace,
        max_epochs=most,
        reduction_factor=args.reduction_factor,
        samples=samples,
        rerun_seeds=seeds,
        rerun_epochs=rerun_epochs,
    )
    counts = {name: spec.count_planned(name) for name in names}
    for count in sorted({*counts.values()} - {samples}):
        having = join_words([make_printable(name) for name in names if counts[name] == count])
        has = f"{format_count(count, 'configuration')} for {having}"
        print(f"space {searched.name} has {has}, so {count} and not {samples}", file=sys.stderr)
    return spec


def parse_epochs(args: argparse.Namespace) -> int:
    """The epochs asked for, or the data set's own; says it where they shorten or lengthen the data set's schedule.

    Raises:
        UserError: an unknown data set.
    """
    chosen = find_data(args)
    epochs = chosen.epochs if args.epochs is None else args.epochs
    if chosen.recipe is not None and epochs != chosen.recipe.epochs and epochs > 0:
        print(
            f"recipe of {chosen.name} for {format_count(epochs, 'epoch')}: {chosen.recipe.scale_to(epochs)}; "
            f"in full: {chosen.recipe}",
            file=sys.stderr,
        )
    return epochs
