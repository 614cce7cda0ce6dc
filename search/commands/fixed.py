"""Fixed configurations over seeds, which ``train`` and the tables that search nothing have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from search.commands import options
from spaces import parse_theta
from spaces.specs.run import RunSpec

PUBLISHED = "published"


def make_fixed_spec(args: argparse.Namespace, names: Sequence[str], theta: str, seeds: int) -> RunSpec:
    """What a run without a search trains.

    ``published`` as theta is the recipe's where the data set has one, else the architecture's own.

    Raises:
        UserError: something that is not allowed; or the chapter gives no theta.
    """
    from analysis.published.mnist import find_published_theta
    from search.datasets import find_dataset

    common = find_dataset(args.dataset).theta if theta == PUBLISHED else parse_theta(theta)
    return RunSpec(
        **options.list_data_fields(args, names),  # pyright: ignore[reportArgumentType]
        architectures=tuple(names),
        thetas={name: (common or find_published_theta(name)).as_dict() for name in names},
        rerun_seeds=seeds,
        rerun_epochs=options.parse_epochs(args),
    )
