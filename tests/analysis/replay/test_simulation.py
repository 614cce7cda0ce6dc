"""Each search against what it does, written out a second time as a loop."""

from collections.abc import Callable

import numpy as np
import pytest

from analysis.replay.material import Material
from analysis.replay.simulation import (
    Listed,
    list_brackets,
    simulate_halving,
    simulate_hyperband,
    simulate_workers,
)

CURVES = [[0.1, 0.5], [0.3, 0.4], [0.2, 0.9], [0.4]]  # The last one diverged in its first epoch.


def run_workers(material: Material, order: list[int], workers: int = 1, asha: bool = True, seed: int = 0):
    return simulate_workers(material, Listed(order), workers, np.random.default_rng(seed), asha)


def test_without_a_scheduler_all_are_trained_to_the_end(make_material: Callable[..., Material]) -> None:
    trace = run_workers(make_material(CURVES), [1, 3, 0, 2], asha=False)
    assert trace.spent == [2, 5, 7]
    assert trace.picks == [1, 0, 2]
    assert trace.total == 7
    assert not trace.judgements


def test_asha_by_hand(make_material: Callable[..., Material]) -> None:
    """Rung 1, eta 2: 0.1 goes on, 0.3 is above it, 0.2 is the median of both, and the last diverged: it counts as 0."""
    trace = run_workers(make_material(CURVES), [0, 1, 2, 3])
    assert [(one.accuracy, one.stays) for one in trace.judgements] == [
        (0.1, True),
        (0.3, True),
        (0.2, True),
        (0.0, None),
    ]
    trace = run_workers(make_material(CURVES), [1, 0, 2, 3])
    assert [one.stays for one in trace.judgements] == [True, False, True, None]
    assert (trace.spent, trace.picks, trace.total) == ([2, 5], [1, 2], 6)


def test_one_worker_is_a_loop_over_the_rule(noisy: Material) -> None:
    order = np.random.default_rng(3).permutation(noisy.size).tolist()
    seen, total, spent, picks = [], 0, [], []
    for place in order:
        last = noisy.last[place]
        accuracy = noisy.accuracy[place, 4]
        stays = last >= 5 and (not seen or accuracy >= np.percentile(seen, 75))
        if last >= 5:
            seen.append(accuracy)
        total += last if last < 5 or stays else 5
        if stays and not noisy.diverged[place]:
            spent.append(total)
            picks.append(min([*picks[-1:], place], key=lambda each: noisy.ranks[each]))
    trace = run_workers(noisy, order)
    assert (trace.total, trace.spent, trace.picks) == (total, spent, picks)


def test_arrivals_decide_whom_asha_stops_and_the_generator_decides_arrivals(noisy: Material) -> None:
    order = [*range(noisy.size)]
    traces = [run_workers(noisy, order, workers=8, seed=seed) for seed in (0, 0, 1)]
    assert traces[0] == traces[1]
    assert traces[0].judgements != traces[2].judgements
    assert {one.trial for one in traces[0].judgements} == {one.trial for one in traces[2].judgements}


def test_halving_is_a_sort(noisy: Material) -> None:
    """Of 60 the best 15 at epoch 5 go on, whatever the order; those that have diverged by then are the last."""
    whole = [place for place in range(noisy.size) if noisy.last[place] - noisy.diverged[place] >= 5]
    best = sorted(whole, key=lambda place: (-noisy.accuracy[place, 4], noisy.loss[place, 4], noisy.names[place]))[:15]
    end = min((place for place in best if not noisy.diverged[place]), key=lambda place: noisy.ranks[place])
    total = sum(min(noisy.last[place], 20 if place in best else 5) for place in range(noisy.size))
    for seed in range(5):
        trace = simulate_halving(noisy, np.random.default_rng(seed).permutation(noisy.size).tolist())
        assert (trace.total, trace.picks[-1]) == (total, end)
        assert trace.spent[0] > sum(min(last, 5) for last in noisy.last)


def test_a_configuration_drawn_twice_is_trained_twice(make_material: Callable[..., Material]) -> None:
    material = make_material(CURVES[:3])
    assert run_workers(material, [2, 2], asha=False).total == 4
    assert simulate_halving(material, [2, 2]).total == 3


def test_brackets_share_the_epochs(make_material: Callable[..., Material]) -> None:
    """256 configurations, 20 epochs: 8.75, 12.5 and 20 epochs each on average, so 120, 84 and 52 of them."""
    random = np.random.default_rng(0)
    material = make_material(random.uniform(size=(256, 20)).tolist(), grace_period=5, eta=4.0)
    assert list_brackets(material) == [[5], [10], []]
    spent = [120 * 5 + 30 * 15, 84 * 10 + 21 * 10, 52 * 20]
    assert simulate_hyperband(material, [*range(256)]).total == sum(spent)
    assert max(spent) - min(spent) <= 20
    assert list_brackets(make_material([[0.5] * 7], grace_period=4)) == [[4]]


@pytest.mark.parametrize("simulate", [simulate_halving, simulate_hyperband])
def test_the_pick_gets_better_only(noisy: Material, simulate) -> None:
    trace = simulate(noisy, [*range(noisy.size)])
    ranks = noisy.ranks[trace.picks]
    assert (np.diff(ranks) <= 0).all()
    assert (np.diff(trace.spent) > 0).all()
