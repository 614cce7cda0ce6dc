"""What many replays say, against closed forms."""

from collections.abc import Callable

import numpy as np
import pytest

from analysis.render.paper import draw_for_paper
from analysis.render.screen import make_panels
from analysis.replay.material import Material
from analysis.replay.repeats import Plan, compute_curve, draw_order, explain_misfit, replay_listed, summarize_replays
from analysis.replay.shown import draw_replays, write_replays
from analysis.stats.budget import compute_expected_best

VALUES = [0.2, 0.5, 0.55, 0.6, 0.61, 0.7, 0.8, 0.95]


@pytest.fixture
def flat(make_material: Callable[..., Material]) -> Material:
    """Eight configurations of a single epoch."""
    return make_material([[value] for value in VALUES])


def test_the_best_of_the_first_k_of_a_grid_is_that_of_draws_without_replacement(flat: Material) -> None:
    """Dodge et al. (2019), in closed form; the standard error of 4,000 replays is below 0.35 points everywhere."""
    found = replay_listed(flat, "grid", "none", Plan(4000, 1, 0))
    curve = compute_curve(found)
    exact = compute_expected_best(100 * np.array(VALUES))
    whole = exact["mean"].to_numpy()[np.floor(curve["epochs"]).astype(int) - 1]
    np.testing.assert_allclose(curve["mean"], whole, atol=4 * 0.35)
    assert curve["mean"].iloc[-1] == pytest.approx(95.0)


def test_a_random_search_misses_the_best_as_often_as_draws_with_replacement(flat: Material) -> None:
    """All of N draws miss it with probability (1 - 1/N)^N: 0.344 for 8, with a standard error of 0.0075 in 4,000."""
    row = summarize_replays([replay_listed(flat, "random", "none", Plan(4000, 1, 0))]).iloc[0]
    assert row["best"] == pytest.approx(1 - (7 / 8) ** 8, abs=0.03)
    assert (row["epochs"], row["share"], row["repeats"]) == (8, 1, 4000)
    assert row["regret"] == pytest.approx(95 - row["mean"])


def test_orders_are_shared_by_schedulers_and_decided_by_the_seed(noisy: Material) -> None:
    for search in ("grid", "random"):
        orders = [draw_order(60, search, 30, np.random.default_rng([seed, 5])) for seed in (1, 1, 2)]
        assert orders[0] == orders[1] != orders[2]
        assert len(orders[0]) == 30
    assert sorted(draw_order(60, "grid", None, np.random.default_rng(0))) == [*range(60)]
    traces = replay_listed(noisy, "grid", "asha", Plan(2, 2, 3)).traces
    assert traces == replay_listed(noisy, "grid", "asha", Plan(2, 2, 3)).traces
    assert traces[0] != traces[1]


def test_ranges_and_ranks_by_hand(flat: Material) -> None:
    """One draw: each of the eight is the pick as often, so the median true rank is 4 or 5."""
    row = summarize_replays([replay_listed(flat, "random", "none", Plan(4000, 1, 0, samples=1))]).iloc[0]
    assert row["mean"] == pytest.approx(100 * np.mean(VALUES), abs=4 * 100 * np.std(VALUES) / 4000**0.5)
    assert (row["low"], row["high"]) == (pytest.approx(20), pytest.approx(95))
    assert row["rank"] in (4, 4.5, 5)
    assert row["rank_high"] == 8


@pytest.mark.parametrize(
    ("search", "scheduler", "grace", "why"),
    [
        ("grid", "asha", 5, ""),
        ("tpe", "none", 5, ""),
        ("grid", "halving", 20, "halving stops nothing in 20 epochs after a grace period of 20"),
        ("grid", "hyperband", 11, "hyperband has a single bracket in 20 epochs after a grace period of 11"),
        ("tpe", "hyperband", 5, "hyperband takes all configurations at the start, and tpe proposes them from results"),
    ],
)
def test_misfits(make_material: Callable[..., Material], search: str, scheduler: str, grace: int, why: str) -> None:
    assert explain_misfit(make_material([[0.5] * 20], grace_period=grace, eta=4.0), search, scheduler) == why


def test_all_that_diverges_finds_nothing(make_material: Callable[..., Material]) -> None:
    material = make_material([[0.5], [0.4], [0.3, 0.3]])
    nothing = replay_listed(material, "grid", "none", Plan(3, 1, 0, samples=1))
    nothing = type(nothing)(material, "grid", "none", [trace for trace in nothing.traces if not trace.picks])
    assert not len(compute_curve(nothing))
    assert "nan" not in write_replays([nothing])


def test_the_table_and_the_figure(noisy: Material) -> None:
    replays = [
        replay_listed(noisy, search, scheduler, Plan(3, 2, 0))
        for search in ("grid", "random")
        for scheduler in ("asha", "halving", "none")
    ]
    text = write_replays(replays, ["A note."])
    assert text.count("| Net ") == 6
    assert text.endswith("- A note.\n")
    drawing = draw_replays(replays)
    assert [panel.title for panel in drawing.panels] == ["Net, grid", "Net, random"]
    assert drawing.groups == ("asha", "halving", "none")
    assert draw_for_paper(drawing).png.startswith(b"\x89PNG")
    assert len(make_panels(drawing, lambda *names: -1)) == 2
