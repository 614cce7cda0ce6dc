"""The axes of parallel coordinates: which there are, and how each is spread."""

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.figures import FIGURES
from analysis.figures.figure import Drawing, Parallel
from analysis.records.reader import read_run
from spaces import Hyperparameters
from tests.analysis.conftest import NET, OWN

FOUR = ["lr", "momentum", "weight_decay", "gain"]


def draw(folder) -> dict[str, Parallel]:
    drawn = FIGURES["parallel"].draw(gather([read_run(folder.write())]))
    assert isinstance(drawn, Drawing)
    marks = {panel.title: panel.marks[0] for panel in drawn.panels}
    return {title: mark for title, mark in marks.items() if isinstance(mark, Parallel)}


def test_each_architecture_has_the_axes_that_it_takes(mixed) -> None:
    last = "validation accuracy (%)"
    assert {title: [axis.label for axis in mark.axes] for title, mark in draw(mixed).items()} == {
        "Convolutional": [*FOUR, last],
        OWN: [*FOUR, "activation", "bias", "width", last],
        NET: [*FOUR[:3], "activation", last],
    }


def test_words_and_truth_values_are_categories(mixed) -> None:
    mark = draw(mixed)[OWN]
    columns = {axis.label: (axis.categories, values) for axis, values in zip(mark.axes, mark.values, strict=True)}
    accuracies = mark.colour.round().astype(int).tolist()  # relu 50 and 54 with bias, gelu 53 and 57.
    assert columns["activation"][0] == ("relu", "gelu")
    assert dict(zip(accuracies, columns["activation"][1], strict=True)) == {50: 0, 54: 0, 53: 1, 57: 1}
    assert columns["bias"][0] == ("false", "true")
    assert dict(zip(accuracies, columns["bias"][1], strict=True)) == {50: 0, 53: 0, 54: 1, 57: 1}
    assert columns["width"] == ((), pytest.approx(np.full(4, 64.0)))


def test_what_was_searched_in_logarithms_is_drawn_so(folder) -> None:
    own = {"reference": "/x.py:A", "digest": "ab", "kind": "layer", "takes": ["dropout", "epsilon", "gain"]}
    folder.spec.update(architectures=["A-ab"], own={"A-ab": own}, search="tpe")
    folder.spec["space"] |= {"epsilon": {"loguniform": [1e-8, 1e-3]}, "dropout": {"uniform": [0.1, 0.5]}}
    for epsilon, dropout in ((1e-8, 0.1), (1e-4, 0.5)):
        theta = Hyperparameters(0.1, 0.5, 1e-5, 1.0, epsilon=epsilon, dropout=dropout)
        folder.sweep("A-ab", [0.5], "stopped", theta=theta)
    logarithmic = {axis.label: axis.log for axis in draw(folder)["A-ab"].axes[:-1]}
    assert logarithmic == {
        **{"lr": True, "momentum": False, "weight_decay": True, "gain": False},
        **{"dropout": False, "epsilon": True},
    }
