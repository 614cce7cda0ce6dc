import csv
import itertools
import math
from pathlib import Path

import pytest

from spaces import SPACES, Choice, Hyperparameters, LogUniform, Space, Uniform, UserError, make_space

# Table 1.2, typed from the text.
LR = (0.0316, 0.1, 0.316, 1)
MOMENTUM = (0, 0.25, 0.5, 0.9)
WEIGHT_DECAY = (1e-5, 3.16e-5, 1e-4, 3.16e-4)
GAIN = (0.5, 1.0, 1.5, 2.0)

FIELDS = {"lr": 0.1, "momentum": 0, "weight_decay": "1e-5", "gain": {"uniform": [0.5, 2]}}


def points(space: Space, seed: int) -> list[tuple[float, ...]]:
    return [tuple(theta.as_dict().values()) for theta in list(space.walk(seed))]


def test_the_grid_of_table_1_2() -> None:
    grid = points(SPACES["table-1.2"], 0)
    assert len(grid) == len(set(grid)) == SPACES["table-1.2"].size == 256
    assert set(grid) == set(itertools.product(LR, MOMENTUM, WEIGHT_DECAY, GAIN))


def test_the_seed_shuffles_the_grid_and_keeps_the_set() -> None:
    space = SPACES["table-1.2"]
    assert points(space, 1) == points(space, 1)
    assert points(space, 1) != points(space, 2)
    assert sorted(points(space, 1)) == sorted(points(space, 2)) != points(space, 1)


def test_the_order_of_a_grid_is_that_of_every_run_before() -> None:
    """A committed run tried the first 16 of Table 1.2's 256 configurations: those of its records."""
    run = Path(__file__).resolve().parents[2] / "results" / "table-1.4-mnist-reduced"
    with (run / "sweep.csv").open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["architecture"] == "conv"]
    tried = {tuple(float(row[name]) for name in ("lr", "momentum", "weight_decay", "gain")) for row in rows}
    assert len(tried) == 16
    assert set(points(SPACES["table-1.2"], 0)[:16]) == tried


def test_a_few_of_many_points_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"choice": [(i + 1) / 1000 for i in range(900)]}
    space = make_space({**FIELDS, "lr": many, "momentum": many, "gain": 1}, "many")
    made: list[Hyperparameters] = []
    monkeypatch.setattr(
        "spaces.space.Hyperparameters", lambda *values: made.append(Hyperparameters(*values)) or made[-1]
    )
    assert list(itertools.islice(space.walk(0), 100)) == made
    assert len(set(made)) == len(made) == 100


def test_too_many_points_are_refused_before_they_are_built() -> None:
    lists = {"choice": [(i + 1) / 10_000 for i in range(8000)]}
    for gain in (lists, {"uniform": [1, 2]}):
        with pytest.raises(UserError, match=r"many: the choices make [\d,]+ points; give fewer, at most 1,000,000"):
            make_space({"lr": lists, "momentum": lists, "weight_decay": lists, "gain": gain}, "many")


def test_a_grid_within_another() -> None:
    small = make_space({**FIELDS, "lr": {"choice": [0.2, 0.1]}, "gain": 1}, "small")
    wide = make_space({**FIELDS, "lr": {"choice": [0.1, 0.2, 0.3]}, "gain": {"choice": [1, 2]}}, "wide")
    assert small.within(small)
    assert small.within(wide)
    assert not wide.within(small)
    assert not SPACES["continuous"].within(SPACES["continuous"])
    assert not small.within(make_space(FIELDS, "x"))


def test_the_continuous_space_spans_table_1_2_and_has_no_grid() -> None:
    space = SPACES["continuous"]
    assert space.size == math.inf
    assert all(theta in space for theta in list(SPACES["table-1.2"].walk(0)))
    with pytest.raises(UserError, match=r"space continuous: lr, momentum, weight_decay, gain are continuous.*tpe"):
        list(space.walk(0))


@pytest.mark.parametrize("name", SPACES)
def test_named_spaces_are_sound_and_describe_themselves(name: str) -> None:
    space = SPACES[name]
    assert space.name == name
    assert list(space.domains) == ["lr", "momentum", "weight_decay", "gain"]
    assert all(domain.check() is None for domain in space.domains.values())
    assert make_space(space.describe(), "elsewhere") == space


@pytest.mark.parametrize("name", SPACES)
def test_snap_lands_inside(name: str) -> None:
    space = SPACES[name]
    theta = space.snap({"lr": 0.123456, "momentum": 0.3, "weight_decay": 1.23456e-4, "gain": 9.0})
    assert theta in space
    assert theta.gain == 2.0
    assert theta.lr == {"table-1.2": 0.1, "continuous": 0.1235}[name]


def test_fields_may_be_numbers_and_domains() -> None:
    space = make_space(FIELDS, "mine")
    assert space.name == "mine"
    assert space.domains == {
        "lr": Choice((0.1,)),
        "momentum": Choice((0.0,)),
        "weight_decay": Choice((1e-5,)),
        "gain": Uniform(0.5, 2.0),
    }
    assert make_space({**FIELDS, "lr": {"loguniform": ["1e-3", 1]}}, "x").domains["lr"] == LogUniform(0.001, 1.0)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("lr", -1, "lr: -1 is not allowed; lr must be a number above 0"),
        ("lr", True, "lr: True is not a domain; lr must be a number or one of {choice: [..]}"),
        ("lr", None, "lr: None is not a domain"),
        ("lr", [0.1, 0.2], "lr: [0.1, 0.2] is not a domain"),
        ("lr", {}, "lr: {} is not a domain"),
        ("lr", {"choice": [1], "uniform": [1, 2]}, "is not a domain"),
        ("lr", {"normal": [0, 1]}, "lr: unknown domain 'normal'; lr must be a number or one of {choice"),
        ("lr", {"choice": 0.1}, "lr: choice needs a list, not 0.1"),
        ("lr", {"choice": []}, "lr: choice [] is not allowed: choice needs at least one value"),
        ("lr", {"choice": [0.1, "0.10"]}, "choice has the same value twice"),
        ("lr", {"uniform": [0.1]}, "lr: uniform needs [low, high], not [0.1]"),
        ("lr", {"uniform": [0.1, 0.2, 0.3]}, "lr: uniform needs [low, high]"),
        ("lr", {"uniform": [0.2, 0.1]}, "lr: uniform [0.2, 0.1] is not allowed: the low end 0.2 must be below"),
        ("momentum", {"loguniform": [0, 0.9]}, "momentum: loguniform [0, 0.9] is not allowed: the low end 0 of a"),
        ("momentum", {"choice": [0.5, 1.0]}, "momentum: 1.0 is not allowed; momentum must be a number in [0, 1)"),
        ("weight_decay", {"choice": [[1]]}, "weight_decay: [1] is not a number"),
        ("gain", {"uniform": [0, 1]}, "gain: 0 is not allowed; gain must be a number above 0"),
        ("gain", "big", "gain: 'big' is not a number"),
        ("gain", {"choice": ["x" * 5000]}, "gain: 'xxx"),
    ],
)
def test_an_error_names_place_field_value_and_what_is_allowed(field: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        make_space({**FIELDS, field: value}, "mine.yaml")
    assert str(error.value).startswith("mine.yaml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


@pytest.mark.parametrize(
    ("description", "message"),
    [
        (None, "a space is a mapping with the fields lr, momentum, weight_decay, gain, not None"),
        ([FIELDS], "a space is a mapping"),
        ({**FIELDS, "beta": 1}, "unknown field 'beta'; allowed are lr, momentum, weight_decay, gain"),
        ({"lr": 0.1}, "missing fields momentum, weight_decay, gain"),
        ({**FIELDS, "name": 5}, "name: 5 is not a name"),
        ({**FIELDS, "name": " "}, "name: ' ' is not a name"),
        ({**FIELDS, "name": "a\nb"}, r"name: 'a\nb' is not a name"),
        ({**FIELDS, "name": "x" * 81}, "name: 'xxx"),
        ({**FIELDS, "name": "\x1b[2J"}, r"name: '\x1b[2J' is not a name"),
        ({**FIELDS, **{f"f{i}": 1 for i in range(10_000)}}, "unknown field 'f0', 'f1'"),
        ({**FIELDS, "a\nb": 1}, r"unknown field 'a\nb'"),
    ],
)
def test_a_description_that_is_no_space(description: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        make_space(description, "mine.yaml")
    assert str(error.value).startswith(f"mine.yaml: {message}")
    assert "\n" not in str(error.value)
    assert len(str(error.value)) < 400


def test_the_order_in_which_domains_are_given_does_not_matter() -> None:
    usual = SPACES["table-1.2"]
    turned = Space(usual.name, dict(reversed(list(usual.domains.items()))))
    assert list(turned.walk(0)) == list(usual.walk(0))
    assert turned.within(usual)
    assert turned.describe() == usual.describe()
