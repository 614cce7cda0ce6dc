"""Where lines and names stand on the axes of parallel coordinates."""

import numpy as np
import pytest

from analysis.figures.figure import Axis, Parallel
from analysis.render.parallel import scale_values
from analysis.render.screen import PARALLEL_HEIGHT

PLOT_PIXELS, TEXT_PIXELS = PARALLEL_HEIGHT - 60, 14  # Of the plot between its edges, and of a number: parallel.js.


def test_categories_stand_at_equal_distances() -> None:
    axis = Axis("activation", categories=("relu", "gelu", "silu"))
    (column,) = scale_values(Parallel([axis], [np.array([2.0, 0.0, 1.0])], np.arange(3.0), "accuracy"))
    assert column.ticks == [(0.0, "relu"), (0.5, "gelu"), (1.0, "silu")]
    assert column.heights.tolist() == [1.0, 0.0, 0.5]


def test_many_lines_of_one_category_are_a_ribbon_around_its_name() -> None:
    codes = np.array([0.0] * 5 + [1.0] * 5)
    (column,) = scale_values(Parallel([Axis("bias", categories=("no", "yes"))], [codes], np.arange(10.0), "accuracy"))
    for name, (height, text) in zip(("no", "yes"), column.ticks, strict=True):
        mine = column.heights[codes == ("no", "yes").index(name)]
        assert text == name
        assert mine.mean() == pytest.approx(height)
        assert (np.diff(mine) > 0).all()


def test_a_single_category_stands_in_the_middle() -> None:
    axis = Axis("activation", categories=("relu",))
    (column,) = scale_values(Parallel([axis], [np.zeros(3)], np.arange(3.0), "accuracy"))
    assert column.ticks == [(0.5, "relu")]
    assert column.heights.tolist() == [0.5] * 3


def test_values_that_lie_too_near_are_not_written_at_their_axis() -> None:
    """Those of Table 1.2 are all written; of others only round numbers, with room for the lines of the page."""
    lr, drawn = np.array([0.0316, 0.1, 0.316, 1.0]), np.array([0.5, 0.507, 0.52, 0.9])
    for values, texts in ((lr, ["0.0316", "0.1", "0.316", "1"]), (drawn, ["0.5", "0.6", "0.7", "0.8", "0.9"])):
        (column,) = scale_values(Parallel([Axis("x", log=values is lr)], [values], values, "accuracy"))
        assert [text for _, text in column.ticks] == texts
        assert np.diff([height for height, _ in column.ticks]).min() * PLOT_PIXELS > TEXT_PIXELS
