"""The notes of tables ``pairs`` and ``ranking``."""

import pytest

from analysis.records.reader import read_run
from analysis.tables import TABLES


@pytest.mark.parametrize("name", ["pairs", "ranking"])
def test_only_networks_that_are_tested_have_a_permutation_test(folder, name) -> None:
    """A seed of conv and one of dct collapsed, and dct has too few seeds for a test."""
    folder.spec.update(architectures=["conv", "invariant", "dct"], rerun_seeds=5)
    for seed in range(5):
        last = 0.1 if seed == 2 else 0.95 + seed / 1000
        folder.rerun("conv", [0.1] * 3 + [last], "completed", seed=seed)
        folder.rerun("invariant", [0.5] * 3 + [0.94 + seed / 1000], "completed", seed=seed)
        if seed < 3:
            folder.rerun("dct", [0.1] * 3 + [last], "completed", seed=seed)
    notes = " ".join(TABLES[name].build(read_run(folder.write())).notes)
    assert "Seeds broke down of Convolutional: pairs with them are tested by a permutation test" in notes
