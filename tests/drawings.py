"""Drawings with every kind of mark, for the tests of the renderers and of the report."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from analysis.figures.figure import Axis, Bars, Drawing, Heat, Line, Panel, Parallel, Points

GROUPS = ("Convolutional", "Invariant", "Learned 3x3 kernel (d)")
EPOCHS = 20


def curves(links: Sequence[str] = ("a", "b", "c"), trials: int = 60) -> Drawing:
    """Thin curves of many trials in one line, a band, rungs and a dashed line."""
    random = np.random.default_rng(0)
    x = np.tile(np.append(np.arange(1, EPOCHS + 1), EPOCHS), trials)
    rise = 98 - 60 * np.exp(-np.arange(1, EPOCHS + 1) / 4)
    y = np.concatenate([np.append(rise - abs(random.normal(0, 8)), math.nan) for _ in range(trials)])
    owners = np.repeat([links[place % len(links)] for place in range(trials)], EPOCHS + 1).tolist()
    epochs = np.arange(1, EPOCHS + 1)
    many = Panel(
        "Convolutional",
        Axis("epoch"),
        Axis("validation accuracy (%)", low=20, high=100, focus=60),
        [
            Line(x, y, GROUPS[0], thin=True, links=owners),
            Line(epochs, rise, GROUPS[0], label=GROUPS[0], low=rise - 3, high=rise + 2),
        ],
        rungs=[(5, "rung 1"), (15, "rung 2")],
    )
    at = [1, 10, 100, 1000]
    budget = Panel(
        "Best so far",
        Axis("epochs of training", log=True),
        Axis("validation accuracy (%)"),
        [
            Line(at, [80, 90, 95, 97], GROUPS[0], [78, 88, 94, 96], [82, 91, 96, 98], label=GROUPS[0]),
            Line(at, [70, 91, 93, 96], GROUPS[1], label=GROUPS[1], step=True),
            Line([1, 1000], [97.3, 97.3], "published", label="published", dashed=True),
        ],
    )
    return Drawing("learning-curves", "Learning curves", "One line for each trial.", [many, budget], 2, GROUPS)


def points(links: Sequence[str] = ("a", "b", "c")) -> Drawing:
    """Points with links, error bars, names, rings, on categories and on a logarithmic axis."""
    seeds = Panel(
        "Accuracy of the seeds",
        Axis("", categories=GROUPS),
        Axis("test accuracy (%)"),
        [
            *(
                Points([place - 0.1, place, place + 0.1], [96 + place, 96.5, 97 + place / 2], group, links=links)
                for place, group in enumerate(GROUPS)
            ),
            Points([0.25], [96.5], GROUPS[0], [96.0], [97.0], texts=["mean and 95 % interval"], emphasis=True),
            Points([0.4, 1.4], [97.3, 96.6], "", [97.0, 96.3], [97.6, 96.9], hollow=True),
        ],
    )
    cost = Panel(
        "Cost and accuracy",
        Axis("multiplies relative to convolution", log=True),
        Axis("test accuracy (%)"),
        [
            Points([1, 0.19, 7], [97.3, 96.6, 97.4], group, texts=["one", "two", "three"], named=True)
            for group in GROUPS[:1]
        ],
    )
    return Drawing("seeds", "Seeds", "Each point is a seed.", [seeds, cost], 2, GROUPS)


def bars() -> Drawing:
    """A bar for each category."""
    names = ("learning rate", "momentum", "weight decay", "gain a")
    marks = [Bars(np.array([0.5, 0.3, 0.1, 0.05]), GROUPS[0])]
    panel = Panel("", Axis("share of the variance"), Axis("", categories=names), marks)
    return Drawing("importance", "Importance", "How much each hyperparameter decides.", [panel], 1, GROUPS)


def heat() -> Drawing:
    """Two heat maps with a blank cell."""
    panels = [
        Panel(
            group,
            Axis("momentum", categories=("0", "0.25", "0.5", "0.9")),
            Axis("learning rate", categories=("0.0316", "0.1", "0.316", "1")),
            [Heat(np.linspace(60, 99, 16).reshape(4, 4) + np.diag([math.nan, 0, 0, 0]), "accuracy (%)", 60, 100)],
        )
        for group in GROUPS[:2]
    ]
    return Drawing("lr-momentum", "Learning rate and momentum", "The best of each cell.", panels, 2, GROUPS)


def parallel(links: Sequence[str] = ("a", "b", "c"), trials: int = 90) -> Drawing:
    """Parallel coordinates with logarithmic axes, and trials without a colour."""
    random = np.random.default_rng(1)
    lr = random.choice([0.0316, 0.1, 0.316, 1.0], trials)
    momentum = random.choice([0, 0.25, 0.5, 0.9], trials)
    accuracy = 97 - 20 * lr * momentum + random.normal(0, 1, trials)
    accuracy[:3] = math.nan
    axes = [
        Axis("learning rate", log=True),
        Axis("momentum"),
        Axis("weight decay", log=True),
        Axis("accuracy (%)"),
    ]
    values = [lr, momentum, 10 ** random.uniform(-5, -3, trials), accuracy]
    values[3] = np.where(np.isfinite(accuracy), accuracy, 60.0)
    mark = Parallel(axes, values, accuracy, "accuracy (%)", [links[place % len(links)] for place in range(trials)])
    panel = Panel(GROUPS[0], Axis(""), Axis(""), [mark])
    return Drawing("parallel", "Parallel coordinates", "One line for each trial.", [panel], 1, GROUPS)


def samples(links: Sequence[str] = ("a", "b", "c")) -> list[Drawing]:
    """One drawing of each kind; their links name the given trials."""
    return [points(links), curves(links), parallel(links), heat(), bars()]
