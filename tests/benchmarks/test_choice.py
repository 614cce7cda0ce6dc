"""The replayed rules on a table by hand: a lucky configuration, and a steady one that is better."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from benchmarks import seeds
from benchmarks.choice import Search, Table, find_best, pick_all, pick_careful, pick_race, pick_single, weigh_spread

LUCKY, STEADY, POOR = 0, 1, 2


@pytest.fixture
def search() -> Search:
    levels = {LUCKY: [0.9, 0.5, 0.6, 0.5, 0.5], STEADY: [0.8] * 5, POOR: [0.7] * 5}
    curves = {config: {seed: [0.1, level] for seed, level in enumerate(found)} for config, found in levels.items()}
    table = Table(curves, {LUCKY: {0: 0.5, 1: 0.7}, STEADY: {0: 0.8, 1: 0.8}})
    return Search(table, 0, [LUCKY, STEADY, POOR], np.random.default_rng(0))


def test_rules(search: Search) -> None:
    assert pick_single("final", search) == LUCKY
    assert search.trainings == 0
    assert pick_race(3, 4, "final", search) == STEADY
    assert search.trainings == 3 + 2 + 2
    assert pick_all(3, 4, "final", search) == STEADY
    assert search.trainings == 3 * 4  # What the race has had is not trained again.
    assert pick_careful(2, 4, "final", search) == STEADY
    assert pick_race(1, 4, "final", search) == LUCKY
    assert find_best(search.table, search.finished) == pytest.approx(0.8)


def test_spread() -> None:
    assert weigh_spread([0.5]) == 0.5
    assert weigh_spread([0.4, 0.6]) == pytest.approx(0.5 - 0.1)


def test_a_table_that_was_cut_short_is_read(tmp_path: Path) -> None:
    whole = "conv val 0 7 " + " ".join(map(str, range(1, 20))) + " -\n"
    text = (whole + "conv val 1 7 3 4").encode()
    (tmp_path / "table.txt").write_bytes(text)
    (tmp_path / "table.gz").write_bytes(gzip.compress(text))
    for name in ("table.txt", "table.gz"):
        ((key, counts),) = seeds.read_table(tmp_path / name).items()
        assert key == ("conv", "val", 0, 7)
        assert counts[:19].tolist() == list(range(1, 20))
        assert np.isnan(counts[19])
    assert seeds.read_table(tmp_path / "none") == {}
