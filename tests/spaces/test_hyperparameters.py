import json
import math
import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from analysis.records.schema import EPOCHS, TRIALS
from spaces import Hyperparameters, TrialSpec, UserError, parse_theta
from spaces.common.errors import quote
from spaces.hyperparameters import NAMES, RESERVED, TRAINING, WORD

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
    with pytest.raises(UserError, match="theta: 'Rate' cannot name a hyperparameter"):
        Hyperparameters.from_mapping({**GOOD, "Rate": 1})
    with pytest.raises(UserError, match="missing fields lr, weight_decay; it needs lr"):
        Hyperparameters.from_mapping({"momentum": 0, "gain": 1})


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
        ("lr=1", "theta: missing fields momentum, weight_decay"),
        ("lr=1,momentum=0,weight_decay=0,gain=1,X=1", "theta: 'X' cannot name"),
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


def test_any_name_reaches_the_mapping() -> None:
    theta = parse_theta("lr=0.1,momentum=0.5,weight_decay=1e-5,gain=1,self=3,values=4,cls=5")
    assert theta.further == {"cls": 5, "self": 3, "values": 4}


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


FURTHER = Hyperparameters(0.1, 0, 0, kernel="3", dropout="0.25", activation="relu", skip="true", batch_size=32)


def test_further_values_are_numbers_words_and_booleans() -> None:
    theta = Hyperparameters(
        **{**GOOD, "width": "8.0", "rate": "1e-3", "on": "false", "off": True, "word": "leaky-relu"}
    )
    assert Hyperparameters(**GOOD, code="1_0").further == {"code": "1_0"}  # Python's own 10.
    assert theta.further == {"off": True, "on": False, "rate": 0.001, "width": 8, "word": "leaky-relu"}
    assert [type(value) for value in theta.further.values()] == [bool, bool, float, int, str]


def test_a_mapping_in_the_order_in_which_all_is_shown() -> None:
    assert list(FURTHER) == [*NAMES[:3], "activation", "batch_size", "dropout", "kernel", "skip"]
    assert (len(FURTHER), FURTHER["kernel"], FURTHER.get("gain"), FURTHER.gain) == (8, 3, None, 1.0)
    assert FURTHER.constructor == {"activation": "relu", "dropout": 0.25, "kernel": 3, "skip": True}
    assert FURTHER.restrict(["lr", "momentum", "weight_decay", "kernel"]).further == {"kernel": 3}
    assert str(FURTHER).endswith("weight_decay=0,activation=relu,batch_size=32,dropout=0.25,kernel=3,skip=true")
    with pytest.raises(AttributeError):
        FURTHER.lr = 0.2  # type: ignore[misc]


def test_equal_configurations_are_equal_whatever_they_were_read_from() -> None:
    one, other = Hyperparameters(0.1, 0, 0, 1, width=8), Hyperparameters(0.1, 0, 0, 1, width=8.0)
    assert one == other == pickle.loads(pickle.dumps(one))
    assert hash(one) == hash(other)
    assert one != Hyperparameters(0.1, 0, 0, 1, width=9) != one.as_dict()
    assert Hyperparameters(0.1, 0, 0, skip=True) != Hyperparameters(0.1, 0, 0, skip=1)
    assert len({one, other, Hyperparameters(0.1, 0, 0, skip=True), Hyperparameters(0.1, 0, 0, skip=1)}) == 3


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("dropout", math.nan, "dropout: nan is not allowed; give a finite number, true, false, or a word"),
        ("dropout", "inf", "dropout: 'inf' is not allowed"),
        ("dropout", 10**400, "dropout: 1000000"),
        ("dropout", None, "dropout: None is not allowed"),
        ("dropout", [1], "dropout: [1] is not allowed"),
        ("lr", "1_0", "lr: '1_0' is not a number"),
        ("batch_size", "1_0", "batch_size: '1_0' is not allowed; give a whole number"),
        ("activation", "a b", "activation: 'a b' is not allowed"),
        ("activation", "a,b=2", "activation: 'a,b=2' is not allowed"),
        ("activation", "x" * 41, "activation: 'xxx"),
        ("activation", "", "activation: '' is not allowed"),
        ("batch_size", 0, "batch_size: 0 is not allowed; give a whole number from 1 to"),
        ("batch_size", 2.5, "batch_size: 2.5 is not allowed; give a whole number"),
        ("batch_size", "small", "batch_size: 'small' is not allowed; give a whole number"),
        ("schedule", "linear", "schedule: 'linear' is not allowed; give one of constant, cosine, steps"),
        ("seed", 1, "theta: seed cannot name a hyperparameter, since records or tables use it; choose another name"),
        ("in_channels", 1, "theta: in_channels cannot name a hyperparameter"),
        ("lambda", 1, "theta: 'lambda' cannot name a hyperparameter; give a-z"),
        ("Width", 1, "theta: 'Width' cannot name a hyperparameter"),
        ("w" * 41, 1, "theta: 'www"),
    ],
)
def test_further_ones_that_are_not_allowed(name: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        Hyperparameters.from_mapping({**GOOD, name: value})
    assert str(error.value).startswith(message)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 300


WORDS = st.from_regex(WORD, fullmatch=True)


@given(
    st.dictionaries(
        st.sampled_from(["a", "b_2", "dropout"]),
        st.floats(allow_nan=False, allow_infinity=False) | st.integers() | st.booleans() | WORDS,
    )
)
def test_text_and_back_loses_nothing_of_further_ones(further: dict) -> None:
    try:
        theta = Hyperparameters.from_mapping({**GOOD, **further})
    except UserError:  # Numbers that no float holds, and words such as inf.
        return
    assert parse_theta(str(theta)) == theta
    assert Hyperparameters.from_mapping(json.loads(json.dumps(theta.as_dict()))) == theta


def test_every_field_of_a_record_and_column_of_a_table_is_reserved() -> None:
    used = {*TrialSpec.__dataclass_fields__, *TRIALS, *EPOCHS, "trial_id", "config_id", "further"}
    assert used - {*NAMES, *TRAINING} <= RESERVED
