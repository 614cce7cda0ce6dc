"""Regret at equal epochs, against closed forms."""

import math
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from analysis.render.paper import draw_for_paper
from analysis.replay.material import Material
from analysis.replay.regret import SHARES, summarize_regrets
from analysis.replay.repeats import Plan, replay_listed
from analysis.replay.shown import draw_regrets, write_regrets
from analysis.replay.simulation import count_affordable, simulate_halving

VALUES = [round(0.01 * place, 2) for place in range(50)]


def find(material: Material, plan: Plan, search: str, scheduler: str) -> dict[float, Any]:
    found = summarize_regrets([replay_listed(material, search, scheduler, plan)], plan)
    assert found["share"].tolist() == [*SHARES]
    return {row["share"]: row for row in found.to_dict("records")}


def test_without_a_scheduler_it_is_that_of_the_best_of_k_draws(make_material: Callable[..., Material]) -> None:
    """Fifty configurations of one epoch: k of them miss the j best ones with probability C(50 - j, k) / C(50, k)."""
    flat = make_material([[value] for value in VALUES])
    found = find(flat, Plan(2000, 1, 0), "grid", "none")
    assert found[0.02]["epochs"] == 1
    for share in SHARES:
        drawn = round(50 * share)
        misses = [math.comb(50 - best, drawn) / math.comb(50, drawn) for best in range(51)]
        for name, part in (("low", 0.95), ("median", 0.5), ("high", 0.05)):
            likely = [best for best, miss in enumerate(misses) if miss > part - 0.04]
            certain = [best for best, miss in enumerate(misses) if miss > part + 0.04]
            assert max(certain, default=0) - 0.01 <= found[share][name] <= max(likely) + 0.01
    assert [found[1.0][name] for name in ("low", "median", "high")] == [0, 0, 0]


def test_halving_is_replayed_with_what_the_epochs_are_enough_for(noisy: Material) -> None:
    """60 configurations, rung 5 of 20, eta 4: n of them take 5 n + 15 floor(n / 4), at least 15."""
    for epochs in (19, 20, 35, 43, 100, 525, 1000):
        count = count_affordable(noisy, "halving", epochs)
        costs = [5 * n + 15 * max(1, n // 4) for n in range(1, 200)]
        assert count == sum(cost <= epochs for cost in costs)
        if 0 < count <= noisy.size:
            assert simulate_halving(noisy, [*range(count)]).total <= epochs
    found = find(noisy, Plan(50, 2, 0), "grid", "halving")
    assert np.isinf(found[0.02]["median"]) or found[0.02]["median"] >= found[1.0]["median"]
    end = replay_listed(noisy, "grid", "halving", Plan(1, 2, 0)).traces[0].picks[-1]
    assert found[1.0]["median"] == pytest.approx(100 * (noisy.final.max() - noisy.final[end]))


def test_the_table_and_the_figure(noisy: Material) -> None:
    plan = Plan(5, 2, 0)
    replays = [replay_listed(noisy, "grid", scheduler, plan) for scheduler in ("asha", "halving", "hyperband", "none")]
    found = summarize_regrets(replays, plan)
    assert (found["median"] >= 0).all()
    text = write_regrets(found)
    assert text.count("| Net ") == 4
    assert "inf" not in text
    assert "nan" not in text
    assert draw_for_paper(draw_regrets(found)).png.startswith(b"\x89PNG")
