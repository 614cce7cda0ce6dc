import itertools
import json
import math
import tarfile
from collections import defaultdict
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, cast

import pytest
from scipy import stats

from spaces import SPACES, Choice, Hyperparameters, LogUniform, RandInt, Space, Uniform, UserError, make_space
from spaces.hyperparameters import Value

# Table 1.2, typed from the text.
LR = (0.0316, 0.1, 0.316, 1)
MOMENTUM = (0, 0.25, 0.5, 0.9)
WEIGHT_DECAY = (1e-5, 3.16e-5, 1e-4, 3.16e-4)
GAIN = (0.5, 1.0, 1.5, 2.0)

FIELDS = {"lr": 0.1, "momentum": 0, "weight_decay": "1e-5", "gain": {"uniform": [0.5, 2]}}


def points(space: Space, seed: int) -> list[tuple[Value, ...]]:
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
    """Eight committed runs tried the first 32 of Table 1.2's 256 configurations, each in the order of its seed."""
    seeds: dict[str, int] = {}
    tried: defaultdict[str, set[tuple[float, ...]]] = defaultdict(set)
    with tarfile.open(Path(__file__).resolve().parents[2] / "results" / "replicates-digits" / "runs.tar.xz") as packed:
        for member in packed:
            folder, _, name = member.name.partition("/")[2].partition("/")
            if member.isfile() and name.endswith(("spec.json", "record.json")):
                found = json.load(cast(IO[bytes], packed.extractfile(member)))
                if name == "spec.json":
                    seeds[folder] = found["seed"]
                elif (trial := found["trial"])["phase"] == "sweep" and trial["architecture"] == "conv":
                    tried[folder].add(tuple(trial[one] for one in ("lr", "momentum", "weight_decay", "gain")))
    assert len(set(seeds.values())) == 8
    for folder, seed in seeds.items():
        assert len(tried[folder]) == 32
        assert set(points(SPACES["table-1.2"], seed)[:32]) == tried[folder]


def test_a_few_of_many_points_are_made_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    many = {"choice": [(i + 1) / 1000 for i in range(900)]}
    space = make_space({**FIELDS, "lr": many, "momentum": many, "gain": 1}, "many")
    made: list[Hyperparameters] = []

    class Recording(Hyperparameters):
        @classmethod
        def from_mapping(cls, values: Mapping[str, Any]) -> Hyperparameters:
            made.append(Hyperparameters(**values))
            return made[-1]

    monkeypatch.setattr("spaces.space.Hyperparameters", Recording)
    assert list(itertools.islice(space.walk(0), 100)) == made
    assert len(set(made)) == len(made) == 100


def test_too_many_points_are_refused_before_they_are_built() -> None:
    lists = {"choice": [(i + 1) / 10_000 for i in range(8000)]}
    space = make_space({"lr": lists, "momentum": lists, "weight_decay": lists, "gain": lists}, "many")
    assert space.find_middle() in space  # Good for TPE.
    with pytest.raises(UserError, match=r"many: its grid has [\d,]+ points; give fewer, at most 1,000,000, or use"):
        space.list_choices()


def test_a_space_of_more_points_than_a_float_can_count() -> None:
    many = {f"n{i}": {"randint": [0, 2**53]} for i in range(100)}
    space = make_space({**FIELDS, "gain": 1, **many}, "vast")
    with pytest.raises(UserError, match="vast: its grid has ") as error:
        space.list_choices()
    assert len(str(error.value)) < 250
    assert make_space({**FIELDS, **many}, "vast").size == math.inf


def test_a_grid_within_another() -> None:
    small = make_space({**FIELDS, "lr": {"choice": [0.2, 0.1]}, "gain": 1}, "small")
    wide = make_space({**FIELDS, "lr": {"choice": [0.1, 0.2, 0.3]}, "gain": {"choice": [1, 2]}}, "wide")
    assert small.fits_within(small)
    assert small.fits_within(wide)
    assert not wide.fits_within(small)
    assert not SPACES["continuous"].fits_within(SPACES["continuous"])
    assert not small.fits_within(make_space(FIELDS, "x"))


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
        (None, "a space is a mapping with fields such as lr, momentum, weight_decay, gain, not None"),
        ([FIELDS], "a space is a mapping"),
        ({**FIELDS, "Beta": 1}, "'Beta' cannot name a hyperparameter; give a-z, 0-9 and _, at most 40 of them"),
        ({"lr": 0.1}, "missing fields momentum, weight_decay; it needs lr, momentum, weight_decay"),
        ({**FIELDS, "name": 5}, "name: 5 is not a name"),
        ({**FIELDS, "name": " "}, "name: ' ' is not a name"),
        ({**FIELDS, "name": "a\nb"}, r"name: 'a\nb' is not a name"),
        ({**FIELDS, "name": "x" * 81}, "name: 'xxx"),
        ({**FIELDS, "name": "\x1b[2J"}, r"name: '\x1b[2J' is not a name"),
        ({**FIELDS, **{f"f{i}": 1 for i in range(10_000)}}, "more than 100 further hyperparameters; give fewer"),
        ({**FIELDS, "a\nb": 1}, r"'a\nb' cannot name a hyperparameter"),
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
    assert turned.fits_within(usual)
    assert turned.describe() == usual.describe()


MINE = {
    "lr": 0.1,
    "momentum": 0,
    "weight_decay": 0,
    "width": {"randint": [2, 4]},
    "activation": {"choice": ["relu", "gelu"]},
    "skip": {"choice": ["true", "false"]},
    "kernel": {"choice": ["3", "5"]},
    "note": "plain",
}


def test_further_names_are_searched_too() -> None:
    space = make_space(MINE, "mine")
    assert list(space.domains) == ["lr", "momentum", "weight_decay", "activation", "kernel", "note", "skip", "width"]
    assert space.domains["kernel"] == Choice((3, 5))
    assert space.domains["skip"] == Choice((True, False))
    assert space.domains["width"] == RandInt(2, 4)
    assert space.size == 24
    grid = list(space.walk(0))
    assert len(set(grid)) == 24
    assert {(theta["activation"], theta["kernel"], theta["skip"], theta["width"]) for theta in grid} == set(
        itertools.product(("relu", "gelu"), (3, 5), (True, False), (2, 3, 4))
    )
    assert all(theta in space for theta in grid)
    assert make_space(space.describe(), "mine") == space


def test_a_proposal_snaps_to_the_domain() -> None:
    space = make_space({**MINE, "dropout": {"uniform": [0, 1]}}, "mine")
    values = {"lr": 0.1, "momentum": 0.0, "weight_decay": 0.0, "activation": "gelu", "kernel": 3, "note": "plain"}
    theta = space.snap({**values, "skip": False, "width": 2.6, "dropout": 0.123456})
    assert theta.further == {
        **{name: values[name] for name in ("activation", "kernel", "note")},
        "dropout": 0.1235,
        "skip": False,
        "width": 3,
    }
    assert theta in space
    assert space.snap({**values, "skip": True, "width": 9.0, "dropout": 1.0})["dropout"] == 1
    assert space.find_middle() in space


def test_a_space_without_the_names_that_an_architecture_does_not_take() -> None:
    space = make_space(MINE, "mine")
    small = space.restrict(["lr", "momentum", "weight_decay", "gain", "skip"])
    assert list(small.domains) == ["lr", "momentum", "weight_decay", "skip"]
    assert small.size == len(list(small.walk(0))) == 2
    assert not space.fits_within(small)
    assert not small.fits_within(space)


def test_true_is_not_one_and_a_randint_is_its_numbers() -> None:
    truth, numbers = make_space({**MINE, "skip": {"choice": [True]}}, "a"), make_space({**MINE, "skip": 1}, "b")
    assert not truth.fits_within(numbers)
    assert next(truth.walk(0)) not in numbers
    listed = make_space({**MINE, "width": {"choice": [4, 2, 3]}}, "c")
    assert listed.fits_within(make_space(MINE, "d"))
    assert make_space(MINE, "d").fits_within(listed)


def test_a_wide_randint_has_no_grid() -> None:
    wide = make_space({**MINE, "width": {"randint": [1, 10**9]}}, "wide")
    assert wide.size == 8 * 10**9
    with pytest.raises(UserError, match="space wide: its grid has 8,000,000,000 points; give fewer, at most 1,000,000"):
        list(wide.walk(0))


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        (
            "kernel",
            {"choice": [3, 5], "when": {"activation": "relu"}},
            "kernel: conditional hyperparameters (when) are not",
        ),
        ("kernel", {"choice": [3, "big"]}, "kernel: choice [3, 'big'] is not allowed: choice mixes numbers, words or"),
        ("kernel", {"choice": [True, 1]}, "choice mixes numbers, words or booleans; give one kind only"),
        ("kernel", {"choice": [3, 3.0]}, "choice has the same value twice"),
        ("kernel", {"randint": [1, 2.5]}, "kernel: randint [1, 2.5] is not allowed: both ends must be whole numbers"),
        ("kernel", {"randint": [3, 3]}, "the low end 3 must be below the high end 3"),
        ("kernel", {"randint": ["a", "b"]}, "kernel: randint needs [low, high], not ['a', 'b']"),
        ("kernel", {"loguniform": [0, 1]}, "the low end 0 of a loguniform must be above 0"),
        (
            "kernel",
            {"normal": [0, 1]},
            "kernel: unknown domain 'normal'; kernel must be a value or one of {choice: [..]}",
        ),
        ("lr", {"randint": [1, 2]}, "lr: unsuitable domain 'randint'; lr must be a number or one of {choice: [..]}"),
        (
            "batch_size",
            {"uniform": [1, 2]},
            "batch_size: unsuitable domain 'uniform'; batch_size must be a value or one",
        ),
        ("batch_size", {"choice": [16, 0]}, "batch_size: 0 is not allowed; give a whole number from 1 to"),
        (
            "schedule",
            {"choice": ["cosine", "linear"]},
            "schedule: 'linear' is not allowed; give one of constant, cosine",
        ),
        ("schedule", {"randint": [1, 2]}, "schedule: unsuitable domain 'randint'"),
        ("epoch", 1, "epoch cannot name a hyperparameter, since records or tables use it; choose another name"),
    ],
)
def test_a_further_domain_that_is_not_allowed(field: str, value: object, message: str) -> None:
    with pytest.raises(UserError) as error:
        make_space({**MINE, field: value}, "mine.yaml")
    assert str(error.value).startswith("mine.yaml: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_draws_are_spread_as_the_domains_say() -> None:
    """By the test of Kolmogorov and Smirnov, and of chi-squared for what is counted."""
    space = Space(
        "mine",
        {
            "lr": LogUniform(1e-4, 1.0),
            "momentum": Uniform(0.0, 0.9),
            "weight_decay": Choice((1e-5, 1e-4, 1e-3)),
            "width": RandInt(8, 11),
        },
    )
    drawn = space.draw(2000, 7)
    assert all(theta in space for theta in drawn)
    for name, spread in (("lr", stats.loguniform(1e-4, 1.0)), ("momentum", stats.uniform(0.0, 0.9))):
        assert stats.kstest([float(theta[name]) for theta in drawn], spread.cdf).pvalue > 1e-3
    for name, members in (("weight_decay", [1e-5, 1e-4, 1e-3]), ("width", [8, 9, 10, 11])):
        values = [theta[name] for theta in drawn]
        counts = [values.count(member) for member in members]
        assert stats.chisquare(counts).pvalue > 1e-3


def test_more_draws_begin_with_the_fewer() -> None:
    space = SPACES["continuous"]
    drawn = space.draw(20, 3)
    assert space.draw(8, 3) == drawn[:8]
    assert len(set(drawn)) == 20
    assert not set(drawn) & set(space.draw(20, 4))


def test_a_space_is_drawn_to_its_last_point_and_no_further() -> None:
    grid = Space("few", {"lr": Choice((0.1, 0.2)), "momentum": Choice((0.0, 0.5)), "weight_decay": Choice((0.0,))})
    assert set(grid.draw(4, 0)) == set(grid.walk(0))
    wide = Space("wide", {**grid.domains, "width": RandInt(1, 5_000)})
    assert len(set(wide.draw(20_000, 0))) == 20_000  # By chance the last points would not be met.
    assert wide.draw(20_000, 0)[:10] == wide.draw(10, 0)
    with pytest.raises(UserError, match=r"space few: 5 different configurations .* give --samples 4 or fewer"):
        grid.draw(5, 0)
