"""Fixed configurations over seeds, which ``train`` and the tables that search nothing have in common."""

from __future__ import annotations

import argparse
from collections.abc import Sequence

from search.commands import options
from spaces import Hyperparameters, parse_theta
from spaces.specs.run import RunSpec

PUBLISHED = "published"


def fixed_spec(args: argparse.Namespace, names: Sequence[str], theta: str, seeds: int) -> RunSpec:
    """What a run without a search trains.

    Args:
        args: with the data options and ``--epochs``.
        names: architectures.
        theta: ``published``: the recipe's where the data set has one, else the architecture's own; or text.
        seeds: reruns of each.

    Raises:
        UserError: something that is not allowed; or the text gives no theta.
    """
    from analysis.published.mnist import published_theta
    from search.datasets import dataset

    common = dataset(args.dataset).theta

    def theta_of(name: str) -> Hyperparameters:
        if theta != PUBLISHED:
            return parse_theta(theta)
        return common or published_theta(name)

    return RunSpec(
        **options.data_fields(args, names),  # pyright: ignore[reportArgumentType]
        architectures=tuple(names),
        thetas={name: theta_of(name).as_dict() for name in names},
        rerun_seeds=seeds,
        rerun_epochs=options.epochs(args),
    )
