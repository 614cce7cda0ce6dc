"""The simulated ASHA against Ray's own: the same judgements in the same order, decided alike."""

import numpy as np
import pytest

from analysis.replay.material import Material
from analysis.replay.simulation import Listed, simulate_workers
from search.audit.asha import check_agreement, list_disagreements


def make_material(seed: int, grace: int, eta: float, epochs: int = 30) -> Material:
    """Curves with many ties, some of which diverge, also in the very epoch of a rung."""
    random, count = np.random.default_rng(seed), 120
    accuracy = random.integers(8, size=(count, epochs)) / 8
    last = np.where(random.random(count) < 0.3, random.integers(1, 12, size=count), epochs)
    inside = np.arange(1, epochs + 1) < last[:, None] + (last == epochs)[:, None]
    names = tuple(f"c{place}" for place in range(count))
    seconds = random.uniform(0.5, 1.5, size=accuracy.shape)
    return Material("Net", names, accuracy * inside, 1 - accuracy, seconds, last, last < epochs, grace, eta)


@pytest.mark.parametrize(
    ("grace", "eta"), [(1, 2.0), (1, 4.0), (5, 4.0), (5, 3.0), (2, 1.7), (3, 2.5), (29, 4.0), (30, 4.0)]
)
@pytest.mark.parametrize("workers", [1, 7])
def test_rays_own_asha_decides_alike(grace: int, eta: float, workers: int) -> None:
    for seed in range(3):
        material = make_material(seed, grace, eta)
        random = np.random.default_rng([seed, 1])
        order = random.permutation(material.size).tolist()
        trace = simulate_workers(material, Listed(order), workers, random, asha=True)
        assert check_agreement(material, [trace]) == len(trace.judgements)
        assert bool(trace.judgements) == (grace < 30)
        if grace == 5:
            assert {one.stays for one in trace.judgements} == {True, False, None}


def test_one_decision_that_is_another_is_found() -> None:
    material = make_material(0, 5, 4.0)
    trace = simulate_workers(material, Listed(range(120)), 2, np.random.default_rng(0), asha=True)
    place = next(place for place, one in enumerate(trace.judgements) if place > 20 and one.stays is True)
    trace.judgements[place] = trace.judgements[place]._replace(stays=False)
    assert list_disagreements(material, trace.judgements) == [trace.judgements[place]]
    with pytest.raises(AssertionError, match="does not decide as the simulated one: Net"):
        check_agreement(material, [trace])
