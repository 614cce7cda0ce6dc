from __future__ import annotations

import math
from pathlib import Path

import pytest

from benchmarks.growth.start import GRIDS, make_space
from spaces import read_space


@pytest.mark.parametrize("trials", GRIDS)
def test_a_grid_has_as_many_points_as_its_name_says(tmp_path: Path, trials: int) -> None:
    path = tmp_path / "space.yaml"
    path.write_text(make_space(GRIDS[trials]))
    assert read_space(path).size == trials == math.prod(GRIDS[trials])
