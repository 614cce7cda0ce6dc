import numpy as np
import pytest

from analysis.replay.asha import Asha, find_quantile


@pytest.mark.parametrize("eta", [1.01, 1.7, 2.0, 2.5, 3.0, 4.0, 7.0, 1e6])
def test_quantiles_are_those_of_numpy_to_the_bit(eta: float) -> None:
    random = np.random.default_rng(1)
    share = (1 - 1 / eta) * 100
    for size in [*range(1, 40), 256]:
        for values in (random.uniform(size=size), random.integers(4, size=size) / 3):
            assert find_quantile(sorted(values.tolist()), share / 100) == np.percentile(values, share)


def test_the_rule_by_hand() -> None:
    """Eta 2: the median of those before; at each rung for itself."""
    asha = Asha([1, 2], 2.0)
    assert [asha.judge(1, accuracy) for accuracy in (0.5, 0.4, 0.45, 0.44)] == [True, False, True, False]
    assert asha.judge(2, 0.1)
    assert not asha.judge(1, 0.4399)
