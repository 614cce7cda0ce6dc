from __future__ import annotations

import itertools
import math
import random

import pytest

from analysis.choice import Race, Score, Stage, count_trainings, decide_race, list_stages, rank_by_mean, score_trial


def scored(**accuracies: list[float]) -> dict[tuple[str, int], Score]:
    return {
        (name, place): Score(value, 1.0 - value)
        for name, values in accuracies.items()
        for place, value in enumerate(values)
    }


def play(finalists: list[str], seeds: int, truth: dict[tuple[str, int], Score]) -> tuple[Race, list[tuple[str, int]]]:
    """Trains what is missing until nothing is; the race, and the trainings in their order."""
    known: dict[tuple[str, int], Score] = {}
    order = []
    while missing := decide_race(finalists, seeds, known).missing:
        order += missing
        known |= {key: truth[key] for key in missing}
    return decide_race(finalists, seeds, known), order


def test_a_race_by_hand() -> None:
    truth = scored(
        a=[0.9, 0.1, 0.5, 0.5],  # Lucky first, and out on two seeds.
        b=[0.8, 0.8, 0.7, 0.7],
        c=[0.7, 0.9, 0.9, 0.9],
        d=[0.6, 1.0, 1.0, 1.0],  # The best of all, out on the first.
        e=[0.5, 1.0, 1.0, 1.0],
    )
    race, order = play(["d", "a", "b", "c", "e"], 4, truth)
    # Over two seeds b and c are level, and the names decide, after the losses.
    assert race.stages == (
        Stage(("a", "b", "c", "d", "e"), 1),
        Stage(("b", "c", "a"), 2),
        Stage(("c", "b"), 4),
        Stage(("c",), 4),
    )
    assert (race.winner, race.leader, race.missing) == ("c", "c", ())
    assert race.list_out() == {"c": 4, "b": 4, "a": 2, "d": 1, "e": 1}
    assert order == [
        *((name, 0) for name in "dabce"),
        *((name, 1) for name in "abc"),
        ("b", 2),
        ("c", 2),
        ("b", 3),
        ("c", 3),
    ]
    assert len(order) == len(set(order)) == race.planned == count_trainings(5, 4) == 12


def test_who_is_ahead_while_it_lasts() -> None:
    """The first finalist at first; then the best of the last stage that is whole."""
    truth = scored(a=[0.5, 0.5], b=[0.9, 0.1], c=[0.8, 0.8])
    assert decide_race("abc", 2, {}).leader == "a"
    known = {key: truth[key] for key in [("a", 0), ("b", 0)]}
    assert decide_race("abc", 2, known).leader == "a"
    known[("c", 0)] = truth["c", 0]
    race = decide_race("abc", 2, known)
    assert (race.leader, race.winner, race.missing) == ("b", None, (("b", 1), ("c", 1)))
    assert race.trained == {("a", 0), ("b", 0), ("c", 0)}
    race = decide_race("abc", 2, truth)
    assert (race.leader, race.winner) == ("c", "c")


def test_a_winner_that_is_left_early_gets_all_seeds() -> None:
    race, order = play(["a", "b"], 8, scored(a=[0.5] * 8, b=[0.4] * 8))
    assert race.winner == "a"
    assert order == [("a", 0), ("b", 0), *(("a", place) for place in range(1, 8))]
    race, order = play(["a"], 3, scored(a=[0.5] * 3))
    assert (race.winner, len(order)) == ("a", 3)
    assert decide_race([], 3, {}) == Race((), (), None, None, 0)


def test_ties_go_to_the_lower_loss_then_to_the_name() -> None:
    level = {(name, 0): Score(0.5, loss) for name, loss in (("a", 0.3), ("b", 0.2), ("c", 0.3))}
    assert decide_race("cab", 1, level).stages[0].field == ("b", "a", "c")


def test_others_on_record_do_not_matter() -> None:
    truth = scored(a=[0.5, 0.6], b=[0.4, 0.9], former=[1.0, 1.0])
    race = decide_race("ab", 2, truth | scored(a=[0.5, 0.6, 0.0]))
    assert race == decide_race("ab", 2, scored(a=[0.5, 0.6], b=[0.4]))


@pytest.mark.parametrize("finalists", [1, 2, 3, 7, 16, 50])
@pytest.mark.parametrize("seeds", [1, 2, 3, 8, 13])
def test_stages(finalists: int, seeds: int) -> None:
    stages = list_stages(finalists, seeds)
    fields, given = zip(*stages, strict=True)
    assert fields[0] == finalists
    assert (fields[-1], given[-1]) == (1, seeds)
    assert list(given) == [min(2**i, seeds) for i in range(len(given) - 1)] + [seeds]
    for (before, had), (after, _) in itertools.pairwise(stages):
        assert after == (1 if had == seeds else math.ceil(before / 2))


def test_against_a_race_written_another_way() -> None:
    """Brute force: every prefix of the records decides the same next trainings as playing it through."""
    rng = random.Random(0)
    for _ in range(200):
        names, seeds = [f"c{i}" for i in range(rng.randint(1, 9))], rng.randint(1, 9)
        truth = {(name, place): Score(rng.randint(0, 9) / 9, rng.random()) for name in names for place in range(seeds)}
        field, given, counted = list(names), 1, 0
        while len(field) > 1:
            count = min(given, seeds)
            counted = max(counted, count)
            means = {
                name: (
                    -sum(truth[name, p].accuracy for p in range(count)),
                    sum(truth[name, p].loss for p in range(count)),
                )
                for name in field
            }
            field.sort(key=lambda name: (round(means[name][0], 9), means[name][1]))
            field = field[: (len(field) + 1) // 2] if given < seeds else field[:1]
            given *= 2
        race, order = play(names, seeds, truth)
        assert race.winner == field[0]
        assert len(order) == race.planned
        # Resumed after any of the trainings, in whatever order those of a stage end, nothing is lost or repeated.
        done = order[: rng.randint(0, len(order))]
        known = {key: truth[key] for key in rng.sample(done, len(done))}
        resumed = decide_race(names, seeds, known)
        while resumed.missing:
            key = rng.choice(resumed.missing)
            assert key not in known
            known[key] = truth[key]
            resumed = decide_race(names, seeds, known)
        assert resumed == race
        assert len(known) == race.planned


def test_what_a_trial_scores() -> None:
    curve = [0.1, 0.2, 0.4, 0.6, 0.8, 0.5]
    losses = [2.0, 1.0, 1.0, 1.0, 1.0, 0.7]
    assert score_trial("completed", curve, losses, "final", 0.1) == Score(0.5, 0.7)
    assert score_trial("completed", curve, losses, "last5", 0.1) == pytest.approx(Score(0.5, 0.7))
    assert score_trial("completed", [0.9, 0.9], [0.1, 0.1], "last5", 0.1) == Score(0.9, 0.1)
    assert score_trial("diverged", [0.9, math.nan], [0.1, math.nan], "final", 0.1) == Score(0.1, math.inf)
    assert score_trial("diverged", [], [], "last5", 0.25) == Score(0.25, math.inf)
    assert all(map(math.isnan, score_trial("failed", [0.9], [0.1], "final", 0.1)))


def test_a_seed_that_failed_says_nothing_of_its_configuration() -> None:
    """B's other seed is better than the mean of a's; c lost all of its seeds, d is the worst of those with one."""
    lost, scores = Score(math.nan, math.nan), {}
    for name, found in {"a": (0.9, 0.7), "b": (None, 0.85), "c": (None, None), "d": (0.1, None)}.items():
        for place, accuracy in enumerate(found):
            scores[name, place] = lost if accuracy is None else Score(accuracy, 0.5)
    assert rank_by_mean("abcd", 2, scores) == ("b", "a", "d", "c")
    assert decide_race(["c"], 2, scores).winner is None  # Nothing is known of it.
    assert decide_race(["d"], 2, scores).winner == "d"
