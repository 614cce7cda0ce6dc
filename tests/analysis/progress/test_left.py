"""What is left, worked out by hand."""

from __future__ import annotations

from collections import Counter

import pytest

from analysis.progress.left import Limits, Stand, estimate_lengths, estimate_seconds_left, weigh

ASHA = Limits(20, (5,), 4.0)
HALVING = Limits(20, (5,), 4.0, is_exact=True)


def test_at_first_the_schedulers_rule_tells() -> None:
    """A quarter goes on: 5 + 15 / 4 epochs each; one that still runs at the rung goes on."""
    assert estimate_lengths(Stand(2), ASHA) == [8.75, 8.75]
    assert estimate_lengths(Stand(2, open=Counter({5: 1, 3: 1})), ASHA) == [15.0, 2 + 3.75]
    assert estimate_lengths(Stand(1, open=Counter({8: 1})), ASHA) == [12.0]


def test_who_was_judged_tells_how_many_go_on() -> None:
    """Of four judged none went on, and the rule counts for four more: 1 of 8."""
    (left,) = estimate_lengths(Stand(5, Counter({("stopped", 5): 4})), ASHA)
    assert left == 5 + 15 / 8


def test_halving_knows_how_many_go_on() -> None:
    """Of eight, two go on: 8 x 5 + 2 x 15 epochs, whatever has ended first."""
    ended = Counter({("stopped", 5): 4})
    stand = Stand(8, ended, Counter({5: 3, 2: 1}))
    assert sum(estimate_lengths(stand, HALVING)) == pytest.approx(70 - 20 - 15 - 2)
    assert sum(estimate_lengths(Stand(8, Counter({("diverged", 1): 1}), Counter({5: 7})), HALVING)) == pytest.approx(30)


def test_each_architecture_has_its_own_pace() -> None:
    """Two epochs of 1 s and two of 10 s are left, one after the other."""
    stands = {"conv": Stand(2, epochs=3, seconds=3.0), "wide": Stand(2, epochs=1, seconds=10.0)}
    lengths = {"conv": [1.0, 1.0], "wide": [1.0, 1.0]}
    assert estimate_seconds_left(stands, lengths, 1.0) == pytest.approx(22.0)
    assert estimate_seconds_left(stands, lengths, 1.0, under_way=4.0) == pytest.approx(18.0)


def test_before_its_first_epoch_its_multiplies_tell() -> None:
    layers = [{"mults": 300, "transform_mults": 0}, {"mults": 50, "transform_mults": 50}]
    weights = weigh({"conv": [{"mults": 100, "transform_mults": 0}], "wide": layers})
    assert weights == {"conv": 100.0, "wide": 400.0}
    stands = {"conv": Stand(1, epochs=2, seconds=4.0, weight=100.0), "wide": Stand(1, weight=400.0)}
    assert estimate_seconds_left(stands, {"conv": [], "wide": [1.0]}, 1.0) == pytest.approx(8.0)
    assert estimate_seconds_left({"wide": Stand(1)}, {"wide": [1.0]}, 1.0) is None


def test_the_last_trials_leave_slots_idle() -> None:
    """Three trials of 10 s on two slots take 20 s, not 15."""
    stands = {"conv": Stand(3, epochs=1, seconds=1.0)}
    assert estimate_seconds_left(stands, {"conv": [10.0, 10.0, 10.0]}, 2.0) == pytest.approx(20.0)
