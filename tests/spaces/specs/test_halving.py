from __future__ import annotations

import itertools
import math
import random
from collections.abc import Mapping, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.specs.halving import LOST, Course, Standing, judge, make_course, rank

Curve = tuple[Standing, ...]


def survivors(curves: Mapping[str, Curve], rungs: int, eta: int) -> list[set[str]]:
    """Who is trained beyond each rung, by the definition: sort all that are there, take one in eta."""
    left, places, found = set(curves), len(curves), []
    for rung in range(rungs):
        places = max(places // eta, 1)

        def order(name: str, rung: int = rung) -> tuple[float, float, str]:
            standing = curves[name][rung]
            return (-2.0 if standing.accuracy is None else -standing.accuracy - 3.0, standing.loss, name)

        best = sorted(left, key=order)[:places]
        left = {name for name in best if curves[name][rung].accuracy is not None}
        found.append(left)
    return found


def draw_curve(draw: random.Random, rungs: int) -> Curve:
    """Few values, so that many are equal; one in six is lost somewhere."""
    lost = draw.randrange(rungs) if draw.random() < 1 / 6 else rungs
    return tuple(
        Standing(draw.choice((0.1, 0.5, 0.7)), draw.choice((0.2, 0.3))) if rung < lost else LOST
        for rung in range(rungs)
    )


def know(curves: Mapping[str, Curve], known: Mapping[str, int]) -> dict[str, Course]:
    return {name: Course(curve[: known[name]]) for name, curve in curves.items()}


@pytest.mark.parametrize("eta", [2, 3, 4])
@pytest.mark.parametrize("count", [1, 2, 5, 16, 33])
def test_what_all_have_reached_is_decided_by_the_definition(eta: int, count: int) -> None:
    draw = random.Random(f"{eta} {count}")
    for _ in range(40):
        curves = {f"c{n}": draw_curve(draw, 3) for n in range(count)}
        found = judge(know(curves, dict.fromkeys(curves, 3)), 3, eta)
        beyond = survivors(curves, 3, eta)
        assert found.passed == {name: sum(name in left for left in beyond) for name in curves}
        ends = {name: found.passed[name] for name in curves if found.passed[name] < 3}
        assert found.stopped == {name for name, rung in ends.items() if curves[name][rung].accuracy is not None}


def test_in_any_order_each_is_decided_as_in_the_end_and_nobody_is_asked_for_twice() -> None:
    """Reports come one by one; whoever may go on by then reports at the next rung, until nobody is left."""
    for seed in range(150):
        draw = random.Random(seed)
        rungs, eta = draw.choice([(1, 2), (2, 2), (2, 3), (3, 2)])
        curves = {f"c{n}": draw_curve(draw, rungs) for n in range(draw.randrange(1, 14))}
        beyond, known = survivors(curves, rungs, eta), dict.fromkeys(curves, 0)
        before = judge(know(curves, known), rungs, eta)
        while ready := [name for name in curves if known[name] <= before.passed[name] < rungs]:
            name = draw.choice(ready)
            known[name] = rungs if LOST in curves[name][: known[name] + 1] else known[name] + 1
            after = judge(know(curves, known), rungs, eta)
            assert before.stopped <= after.stopped
            assert all(before.passed[each] <= after.passed[each] for each in curves)
            before = after
        assert before.passed == {name: sum(name in left for left in beyond) for name in curves}
        assert all(
            LOST in curves[name] or known[name] == min(before.passed[name] + 1, rungs) for name in curves
        )  # Nobody waits for ever.


def test_a_decision_is_taken_as_soon_as_nothing_can_change_it() -> None:
    """At one rung, against all that the others might still report: 3 accuracies, or lost."""
    values = [Standing(0.1), Standing(0.5), Standing(0.9), LOST]
    for known in itertools.product(values, repeat=3):
        courses = {f"c{n}": Course((standing,)) for n, standing in enumerate(known)} | {"c3": Course(), "c9": Course()}
        found = judge(courses, 1, 2)
        ends = [
            survivors({f"c{n}": (each,) for n, each in enumerate(known)} | {"c3": (x,), "c9": (y,)}, 1, 2)[0]
            for x in (*values, Standing(1.0), Standing(0.0))
            for y in (*values, Standing(1.0), Standing(0.0))
        ]
        alive = {f"c{n}" for n, standing in enumerate(known) if standing.accuracy is not None}
        assert {name for name, rung in found.passed.items() if rung} == set.intersection(*ends) & alive
        assert found.stopped == {name for name in alive if not any(name in end for end in ends)}


@given(st.permutations(["c1", "c2", "c3", "c4", "c5"]))
def test_ties_are_decided_by_loss_and_then_by_id(names: Sequence[str]) -> None:
    standings = {
        "c1": Standing(0.5, 0.3),
        "c2": Standing(0.5, 0.2),
        "c3": Standing(0.5, 0.2),
        "c4": Standing(0.6, 9.0),
        "c5": LOST,
    }
    assert rank({name: standings[name] for name in names}) == ["c4", "c2", "c3", "c1", "c5"]


def test_whoever_was_trained_beyond_a_rung_stays_and_takes_nobodys_place() -> None:
    """Three more came after one of two had gone on; two of five go on now, and the third as it did before."""
    at = {
        name: Course((Standing(accuracy),)) for name, accuracy in zip("abcde", (0.1, 0.2, 0.3, 0.4, 0.5), strict=True)
    }
    assert judge({name: at[name] for name in "ab"}, 2, 2).passed == {"a": 0, "b": 1}
    at["b"] = Course((Standing(0.2), Standing(0.9)), passed=1)
    grown = judge(at, 2, 2)
    assert grown.passed == {"a": 0, "b": 1, "c": 0, "d": 1, "e": 1}
    assert grown.stopped == {"a", "c"}
    later = judge(
        {**at, "d": Course((Standing(0.4), Standing(0.8))), "e": Course((Standing(0.5), Standing(0.7)))}, 2, 2
    )
    assert (later.passed["b"], later.stopped) == (2, {"a", "c", "d", "e"})


@pytest.mark.parametrize(
    ("epochs", "status", "expected"),
    [
        (1, "running", Course([], 0)),
        (2, "running", Course([Standing(0.2, 0.8)], 0)),
        (3, "running", Course([Standing(0.2, 0.8)], 1)),
        (4, "completed", Course([Standing(0.2, 0.8), Standing(0.4, 0.6)], 1)),
        (2, "diverged", Course([LOST, LOST], 0)),
        (4, "diverged", Course([Standing(0.2, 0.8), LOST], 1)),
        (4, "failed", Course([Standing(0.2, 0.8), Standing(0.4, 0.6)], 1)),
        (0, "failed", Course([LOST, LOST], 0)),
    ],
)
def test_how_far_a_record_has_come(epochs: int, status: str, expected: Course) -> None:
    rows = [{"val_accuracy": epoch / 10, "val_loss": (10 - epoch) / 10} for epoch in range(1, epochs + 1)]
    assert make_course(rows, status, [2, 4]) == expected


def test_a_loss_that_was_not_finite_is_the_worst() -> None:
    assert make_course([{"val_accuracy": 0.5, "val_loss": None}], "running", [1]).standings == [Standing(0.5, math.inf)]
