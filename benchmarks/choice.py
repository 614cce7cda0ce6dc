"""Rules that choose a configuration after a sweep: what they lose against the best one, and what they cost.

    python -m benchmarks.choice results/benchmarks/choice-seeds.txt.gz --out results/benchmarks/choice.md

Replays searches on the table of ``benchmarks.seeds``, without training. A search draws 256 configurations of the grid
with replacement, and which of the validation seeds was the sweep's; the best quarter by accuracy after epoch 5 is
trained to the end; the rule picks one by the seeds that it asks for, all others than the sweep's; the pick is judged on
the test images. A seed that diverged counts as guessing, 10 %.

The best configuration is the one of the highest mean over the test seeds. It is the best of many noisy means, so every
regret is too large, by the same amount for all rules.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np

from analysis.choice import Score, count_trainings, decide_race, list_stages
from analysis.judging import BOTH, judge_epochs
from benchmarks.common.options import make_parser, publish
from benchmarks.common.report import Report
from benchmarks.seeds import ARCHITECTURES, CONFIGURATIONS, EPOCHS, Key, read_table

MODULE = "benchmarks.choice"
IMAGES = {"val": 347, "test": 450}
CHANCE, RUNG, ETA = 0.1, 5, 4
SWEEP_SEEDS = 5  # The seeds that may have been the sweep's: enough configurations have them.


@dataclass(frozen=True)
class Table:
    """What is known of an architecture's configurations, all accuracies as fractions.

    Attributes:
        curves: configuration -> place of the seed -> its accuracies on held-out images after each epoch; chance from
            where it diverged.
        test: configuration -> place of the seed -> its final accuracy on the test images.
    """

    curves: Mapping[int, Mapping[int, list[float]]]
    test: Mapping[int, Mapping[int, float]]

    @classmethod
    def of(cls, table: Mapping[Key, np.ndarray], architecture: str) -> Table:
        """That of one architecture."""
        found: dict[str, dict[int, dict[int, list[float]]]] = {"val": {}, "test": {}}
        for (name, judged, place, config), counts in table.items():
            if name == architecture:
                curve = np.nan_to_num(counts / IMAGES[judged], nan=CHANCE).tolist()
                found[judged].setdefault(config, {})[place] = curve
        most = int(np.median([*map(len, found["test"].values())]))  # While the table grows some have one more.
        test = {
            config: {place: float(curve[-1]) for place, curve in sorted(seeds.items())[:most]}
            for config, seeds in found["test"].items()
            if len(seeds) >= most
        }
        return cls(found["val"], test)


@dataclass
class Search:
    """One sweep: who was trained to the end, and on which seed it was.

    Attributes:
        table: what every training comes out as.
        seed: the sweep's.
        finished: configurations, in any order.
        rng: draws the race's seeds.
    """

    table: Table
    seed: int
    finished: list[int]
    rng: np.random.Generator

    def __post_init__(self) -> None:
        most = 1 + max(place for seeds in self.table.curves.values() for place in seeds)
        self._order = self.rng.permutation([place for place in range(most) if place != self.seed])
        self._drawn: dict[tuple[int, int], list[float]] = {}
        self.trainings = 0

    def rank(self, judge: str) -> list[int]:
        """The finished by the sweep's own seed, the best first; by the last epoch where a race goes by both."""

        def accuracy(config: int) -> float:
            return judge_epochs(find_curve(self.table, config, self.seed), "final" if judge == BOTH else judge)

        return sorted(self.finished, key=lambda config: (-accuracy(config), config))

    def train(self, config: int, place: int, judge: str) -> float:
        """A configuration on a seed of the race; one that it was never trained on is any other of its own."""
        key = config, place
        if key not in self._drawn:
            known = [seed for seed in self.table.curves[config] if seed != self.seed] or [self.seed]
            seed = self._order[place % len(self._order)]
            chosen = seed if seed in known and place < len(self._order) else self.rng.choice(known)
            self._drawn[key] = self.table.curves[config][int(chosen)]
            self.trainings += 1
        return judge_epochs(self._drawn[key], judge)


def find_curve(table: Table, config: int, seed: int) -> list[float]:
    """A configuration on a seed of the sweep; the worse ones have only the first."""
    seeds = table.curves[config]
    return seeds.get(seed, seeds[0])


def draw_search(table: Table, rng: np.random.Generator) -> Search:
    """A sweep over configurations drawn with replacement, of which the best quarter after epoch 5 goes on."""
    seed = int(rng.integers(SWEEP_SEEDS))
    drawn = rng.choice(CONFIGURATIONS, CONFIGURATIONS)
    ranked = sorted(map(int, drawn), key=lambda config: (-find_curve(table, config, seed)[RUNG - 1], config))
    return Search(table, seed, sorted(set(ranked[: CONFIGURATIONS // ETA])), rng)


Rule = Callable[[Search], int]


def pick_single(judge: str, search: Search) -> int:
    """The best on the sweep's seed."""
    return search.rank(judge)[0]


def pick_race(finalists: int | None, seeds: int, judge: str, search: Search) -> int:
    """The winner of a race, by the rule that ``invsearch choose`` follows."""
    field = [str(config) for config in search.rank(judge)[:finalists]]
    scores: dict[tuple[str, int], Score] = {}
    while missing := decide_race(field, seeds, scores).missing:
        scores |= {(name, place): Score(search.train(int(name), place, judge), 0.0) for name, place in missing}
    winner = decide_race(field, seeds, scores).winner
    assert winner is not None
    return int(winner)


def pick_all(finalists: int, seeds: int, judge: str, search: Search) -> int:
    """The best mean where all finalists get all seeds."""
    field = search.rank(judge)[:finalists]
    means = {config: np.mean([search.train(config, place, judge) for place in range(seeds)]) for config in field}
    return max(means, key=lambda config: means[config])


def pick_careful(finalists: int, seeds: int, judge: str, search: Search) -> int:
    """A race by the mean less its standard error, from two seeds on."""
    field = search.rank(judge)[:finalists]
    for count, given in list_stages(len(field), seeds):
        values = {config: [search.train(config, place, judge) for place in range(given)] for config in field[:count]}
        score = {config: weigh_spread(found) for config, found in values.items()}
        field = sorted(score, key=lambda config: -score[config])
    return field[0]


def weigh_spread(values: Sequence[float]) -> float:
    """The mean less its standard error; of one value the value."""
    error = float(np.std(values, ddof=1)) / math.sqrt(len(values)) if len(values) > 1 else 0.0
    return float(np.mean(values)) - error


RACES = ((8, 4), (8, 8), (12, 8), (16, 4), (16, 8), (32, 4), (32, 8), (None, 4), (None, 8))


def list_rules(judge: str) -> dict[str, Rule]:
    """The rules by name."""
    rules: dict[str, Rule] = {"the sweep's one seed": partial(pick_single, judge)}
    for finalists, seeds in RACES:
        who = "all that finished" if finalists is None else f"{finalists} best"
        rules[f"race: {who}, up to {seeds} seeds"] = partial(pick_race, finalists, seeds, judge)
    rules["race by mean - standard error: 16 best, up to 8 seeds"] = partial(pick_careful, 16, 8, judge)
    rules["16 best, 4 seeds each"] = partial(pick_all, 16, 4, judge)
    return rules


def compare_rules(table: Table, rules: Mapping[str, Rule], searches: int) -> list[dict[str, object]]:
    """The rules on the same searches: the mean regret with its spread over them, and what they pick."""
    fallback = fit_test(table)
    regrets: dict[str, list[float]] = {name: [] for name in rules}
    picks: dict[str, list[int]] = {name: [] for name in rules}
    trainings: dict[str, list[int]] = {name: [] for name in rules}
    for number in range(searches):
        search = draw_search(table, np.random.default_rng((0, number)))
        best = find_best(table, search.finished)
        for name, rule in rules.items():
            again = Search(table, search.seed, search.finished, np.random.default_rng((1, number)))
            pick = rule(again)
            value = float(np.mean([*table.test[pick].values()])) if pick in table.test else fallback(pick)
            regrets[name].append(100.0 * (best - value))
            picks[name].append(pick)
            trainings[name].append(again.trainings)
    return [
        {
            "rule": name,
            "trainings": f"{np.mean(trainings[name]):.0f}",
            "of the sweep's epochs": f"{100 * np.mean(trainings[name]) * EPOCHS / count_sweep_epochs():.0f} %",
            "regret": f"{np.mean(regrets[name]):.2f}",
            "95 % CI": f"+-{1.96 * np.std(regrets[name], ddof=1) / math.sqrt(searches):.2f}",
            **describe_picks(table, picks[name]),
        }
        for name in rules
    ]


def find_best(table: Table, finished: Sequence[int]) -> float:
    """The test accuracy of the best configuration that a sweep trained to the end."""
    return max(float(np.mean([*table.test[config].values()])) for config in finished if config in table.test)


def fit_test(table: Table) -> Callable[[int], float]:
    """Test accuracy of a configuration that has none, by a line through the others' means; a pick of one is rare."""
    held = {config: float(np.mean([curve[-1] for curve in seeds.values()])) for config, seeds in table.curves.items()}
    tested = [float(np.mean([*seeds.values()])) for seeds in table.test.values()]
    slope, start = np.polyfit([held[config] for config in table.test], tested, 1)
    return lambda config: float(slope * held[config] + start)


def describe_picks(table: Table, picks: Sequence[int]) -> dict[str, object]:
    """What the picks are like over the test seeds: their spread, their worst, and how often it is the same one."""
    known = [[*table.test[pick].values()] for pick in picks if pick in table.test]
    worst = [100.0 * min(values) for values in known]
    most = max(picks.count(pick) for pick in set(picks)) / len(picks)
    return {
        "std over seeds": f"{100 * np.mean([np.std(values, ddof=1) for values in known]):.2f}",
        "worst seed below 70": f"{100 * np.mean(np.array(worst) < 70):.0f} %",
        "the most frequent pick": f"{100 * most:.0f} %",
        "picks without test seeds": f"{100 * (1 - len(known) / len(picks)):.0f} %",
    }


def count_sweep_epochs() -> int:
    """Of 256 configurations, of which a quarter goes on after epoch 5."""
    return CONFIGURATIONS * RUNG + CONFIGURATIONS // ETA * (EPOCHS - RUNG)


def measure(path: Path, searches: int) -> Report:
    """Both architectures, both judges."""
    table = read_table(path)
    report = Report("Rules that choose a configuration after a sweep", MODULE)
    seeds = {judged: sum(key[1] == judged for key in table) for judged in IMAGES}
    start = time.perf_counter()
    report.text(
        f"Digits, the grid of Table 1.2, {EPOCHS} epochs. {len(table)} trainings: {seeds['val']} on held-out images, "
        f"{seeds['test']} on test images. Regret: points of test accuracy below the best configuration that the sweep "
        f"trained to the end, the mean over {searches} replayed searches (`python -m {MODULE} --help`). Trainings are "
        f"those of the choice; a race of 12 on up to 8 seeds takes {count_trainings(12, 8)}."
    )
    for name in ARCHITECTURES:
        found = Table.of(table, name)
        for judge in ("final", "last5", BOTH):
            report.table(f"{name}, judge {judge}", compare_rules(found, list_rules(judge), searches))
    report.text(f"{time.perf_counter() - start:.0f} s.")
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    made = make_parser(MODULE, "Rules that choose a configuration, replayed on a table of many seeds.", 1000)
    made.add_argument("table", metavar="TABLE", type=Path, help="what python -m benchmarks.seeds wrote")
    args = made.parse_args(arguments)
    publish(measure(args.table, 20 if args.quick else args.repeats), args.out)


if __name__ == "__main__":
    main()
