"""Where lines and names stand on the axes of parallel coordinates."""

import numpy as np
import pytest

from analysis.figures.figure import Axis, Parallel
from analysis.render.parallel import scale_values


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
