import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces import Hyperparameters, UserError, parse_theta
from spaces.common.errors import quote

GOOD = {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": 1.5}
THETAS = st.builds(
    Hyperparameters,
    st.floats(0, 1e3, exclude_min=True),
    st.floats(0, 1, exclude_max=True),
    st.floats(0, 1),
    st.floats(0, 1e3, exclude_min=True),
)


def test_values_are_floats_in_the_order_of_table_1_2() -> None:
    theta = Hyperparameters.from_mapping({"gain": 1, "lr": "1e-1", "weight_decay": 0, "momentum": 0.5})
    assert list(theta.as_dict().items()) == [("lr", 0.1), ("momentum", 0.5), ("weight_decay", 0.0), ("gain", 1.0)]
    assert all(type(value) is float for value in theta.as_dict().values())


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("lr", 0, "above 0"),
        ("lr", -0.1, "above 0"),
        ("lr", math.inf, "above 0"),
        ("lr", math.nan, "above 0"),
        ("lr", "fast", "above 0"),
        ("lr", True, "above 0"),
        ("lr", None, "above 0"),
        ("lr", [0.1], "above 0"),
        ("lr", 10**400, "above 0"),
        pytest.param("lr", 10**5000, "above 0", id="too long to print"),
        ("lr", "1e400", "above 0"),
        ("momentum", 1, "in [0, 1)"),
        ("momentum", -0.1, "in [0, 1)"),
        ("weight_decay", -1e-9, "at least 0"),
        ("gain", 0, "above 0"),
        ("gain", "1\n2", "above 0"),
    ],
)
def test_what_is_not_allowed(name: str, value: object, allowed: str) -> None:
    with pytest.raises(UserError) as error:
        Hyperparameters.from_mapping({**GOOD, name: value})
    message = str(error.value)
    assert message.startswith(f"{name}: {quote(value)} is not")
    assert f"{name} must be a number {allowed}" in message
    assert "\n" not in message


def test_the_edges_that_are_allowed() -> None:
    Hyperparameters(1e-300, 0, 0, 1e-300)
    Hyperparameters(1e300, 0.999999, 1e300, 1e300)


def test_minus_zero_is_zero() -> None:
    """Equal configurations must have equal ids, and JSON tells -0.0 from 0.0."""
    theta = Hyperparameters(0.1, -0.0, "-0", 1.0)  # type: ignore[arg-type]
    assert math.copysign(1, theta.momentum) == 1
    assert math.copysign(1, theta.weight_decay) == 1


def test_unknown_and_missing_names() -> None:
    with pytest.raises(UserError, match="unknown field 'rate'; allowed are lr, momentum, weight_decay, gain"):
        Hyperparameters.from_mapping({**GOOD, "rate": 1})
    with pytest.raises(UserError, match="missing fields lr, gain; it needs lr"):
        Hyperparameters.from_mapping({"momentum": 0, "weight_decay": 0})


def test_parse_theta() -> None:
    expected = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
    assert parse_theta("lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1.5") == expected
    assert parse_theta(" gain = 1.5, lr=.1 ,weight_decay=0.00001,momentum=5e-1") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "theta: '' is not name=value"),
        ("lr", "theta: 'lr' is not name=value"),
        ("lr=1,lr=2,momentum=0,weight_decay=0,gain=1", "theta: 'lr' is given twice"),
        ("lr=1", "theta: missing fields momentum, weight_decay, gain"),
        ("lr=1,momentum=0,weight_decay=0,gain=1,x=1", "theta: unknown field 'x'"),
        ("lr=x,momentum=0,weight_decay=0,gain=1", "lr: 'x' is not a number"),
    ],
)
def test_parse_theta_errors(text: str, message: str) -> None:
    with pytest.raises(UserError) as error:
        parse_theta(text)
    assert str(error.value).startswith(message)


@given(THETAS)
def test_text_and_back_loses_nothing(theta: Hyperparameters) -> None:
    assert parse_theta(str(theta)) == theta
    assert Hyperparameters.from_mapping(theta.as_dict()) == theta


def test_text_is_short() -> None:
    assert str(Hyperparameters(1, 0, 1e-5, 1.5)) == "lr=1,momentum=0,weight_decay=1e-05,gain=1.5"


@given(st.text())
def test_any_text_parses_or_is_a_user_error_of_one_line(text: str) -> None:
    try:
        parse_theta(text)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.


def test_quoted_is_one_short_line() -> None:
    assert quote("a\nb") == r"'a\nb'"
    assert len(quote("x" * 1000)) == 80
    assert quote(10**5000) == "a int too long to print"
    deep: list = []
    for _ in range(100_000):
        deep = [deep]
    assert quote(deep) == "a list too long to print"
