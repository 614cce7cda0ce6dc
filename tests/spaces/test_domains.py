import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import Choice, Domain, LogUniform, Uniform


@pytest.mark.parametrize(
    ("domain", "wrong"),
    [
        (Choice((0.1,)), None),
        (Choice(()), "choice needs at least one value"),
        (Choice((0.1, 0.2, 0.1)), "choice has the same value twice"),
        (Uniform(0.0, 1.0), None),
        (Uniform(1.0, 1.0), "the low end 1 must be below the high end 1"),
        (Uniform(2.0, 1.0), "the low end 2 must be below the high end 1"),
        (LogUniform(0.1, 1.0), None),
        (LogUniform(0.0, 1.0), "the low end 0 of a loguniform must be above 0"),
        (LogUniform(1.0, 0.1), "the low end 1 must be below the high end 0.1"),
    ],
)
def test_check(domain: Domain, wrong: str | None) -> None:
    assert domain.check() == wrong


@pytest.mark.parametrize(
    ("domain", "description"),
    [
        (Choice((0.1, 0.2)), {"choice": [0.1, 0.2]}),
        (Uniform(0.0, 0.9), {"uniform": [0.0, 0.9]}),
        (LogUniform(0.01, 1.0), {"loguniform": [0.01, 1.0]}),
    ],
)
def test_describe(domain: Domain, description: dict) -> None:
    assert domain.describe() == description


def test_choice_snaps_to_the_nearest_member() -> None:
    choice = Choice((0.0, 0.25, 0.5, 0.9))
    assert [choice.snap(value) for value in (-1.0, 0.12, 0.13, 0.6, 5.0)] == [0.0, 0.0, 0.25, 0.5, 0.9]
    assert 0.25 in choice
    assert 0.26 not in choice


@pytest.mark.parametrize(
    ("value", "rounded"), [(0.123456, 0.1235), (1.23456e-5, 1.235e-5), (0.00999, 0.00999), (7.0, 1.0), (0.5, 0.5)]
)
def test_intervals_snap_to_four_digits_inside(value: float, rounded: float) -> None:
    for domain in (Uniform(1e-5, 1.0), LogUniform(1e-5, 1.0)):
        assert domain.snap(value) == rounded
        assert domain.snap(value) in domain


@given(st.floats(1e-6, 10), st.floats(1e-6, 10), st.floats(-20, 20))
def test_what_snaps_stays_inside_and_is_idempotent(one: float, other: float, value: float) -> None:
    low, high = sorted((one, other))
    domain = Uniform(low, high)
    rounded = domain.snap(value)
    assert low <= rounded <= high
    assert domain.snap(rounded) == rounded


def test_interval_ends_belong_to_it() -> None:
    domain = LogUniform(0.0316, 1.0)
    assert 0.0316 in domain
    assert 1.0 in domain
    assert 0.0315 not in domain
