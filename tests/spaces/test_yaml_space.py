import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from spaces import Choice, LogUniform, Uniform, UserError, make_space, read_space

GOOD = """\
# A narrow space.
name: narrow
lr: {loguniform: [0.01, 1.0]}
momentum: {choice: [0, 0.5, 0.9]}
weight_decay: 1e-5
gain:
  uniform:
  - 0.5
  - 2
"""


def read(tmp_path: Path, text: str | bytes):
    path = tmp_path / "mine.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_space(path)


def refused(tmp_path: Path, text: str | bytes) -> str:
    with pytest.raises(UserError) as error:
        read(tmp_path, text)
    message = str(error.value)
    assert "mine.yaml: " in message
    assert "\n" not in message
    return message


def test_a_good_file(tmp_path) -> None:
    space = read(tmp_path, GOOD)
    assert space.name == "narrow"
    assert space.domains == {
        "lr": LogUniform(0.01, 1.0),
        "momentum": Choice((0.0, 0.5, 0.9)),
        "weight_decay": Choice((1e-5,)),
        "gain": Uniform(0.5, 2.0),
    }


def test_the_example_of_the_documentation(tmp_path) -> None:
    text = (Path(__file__).resolve().parents[2] / "docs" / "spaces.md").read_text()
    space = read(tmp_path, text.split("```yaml\n")[1].split("```")[0])
    assert space.name == "mine"
    assert {name: domain.describe() for name, domain in space.domains.items() if name not in ("lr", "gain")} == {
        "momentum": {"choice": [0.0, 0.5, 0.9]},
        "weight_decay": {"choice": [1e-5]},
        "activation": {"choice": ["relu", "gelu"]},
        "batch_size": {"choice": [16, 32, 64]},
        "dropout": {"uniform": [0, 0.5]},
        "kernel": {"choice": [3, 5]},
        "schedule": {"choice": ["constant", "cosine", "steps"]},
        "skip": {"choice": [True, False]},
        "width": {"randint": [8, 64]},
    }
    assert space.domains["skip"] == Choice((True, False))


def test_the_file_names_a_space_without_a_name(tmp_path) -> None:
    assert read(tmp_path, GOOD.replace("name: narrow", "")).name == "mine"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("1e-5", "-1", "weight_decay: '-1' is not allowed; weight_decay must be a number at least 0"),
        ("1e-5", "tiny", "weight_decay: 'tiny' is not a number; weight_decay must be a number at least 0"),
        ("1e-5", "yes", "weight_decay: 'yes' is not a number"),
        ("1e-5", "1:30", "weight_decay: '1:30' is not a number"),
        ("1e-5", "2020-01-01", "weight_decay: '2020-01-01' is not a number"),
        ("1e-5", "0x" + "f" * 9000, "weight_decay: '0xfff"),
        ("1e-5", "9" * 4000, "weight_decay: '999"),
        ("1e-5", "", "weight_decay: '' is not a number"),
        ("loguniform", "normal", "lr: unknown domain 'normal'; lr must be a number or one of"),
        ("[0.01, 1.0]", "[1.0, 0.01]", "lr: loguniform ['1.0', '0.01'] is not allowed: the low end 1 must be below"),
        ("0.9]", "1.5]", "momentum: '1.5' is not allowed; momentum must be a number in [0, 1)"),
        ("momentum", "mom", "missing field momentum; it needs lr, momentum, weight_decay"),
        ("weight_decay: 1e-5", "", "missing field weight_decay"),
        ("name: narrow", "name: [a]", "name: ['a'] is not a name"),
    ],
)
def test_an_error_names_field_value_and_what_is_allowed(tmp_path, old, new, message) -> None:
    assert message in refused(tmp_path, GOOD.replace(old, new, 1))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "a space is a mapping"),
        ("- 1", "a space is a mapping"),
        ("lr: [", "not plain YAML"),
        ("a: b: c", "not plain YAML"),
        ("\tlr: 1", "not plain YAML"),
        ("--- 1\n--- 2", "not plain YAML"),
        ("lr: 0.1\nlr: 0.2", "'lr' is given twice"),
        ("lr: !!python/object/apply:os.system [echo]", "the tag tag:yaml.org,2002:python/object/apply:os.system"),
        ("!!python/name:os.system x", "the tag tag:yaml.org,2002:python/name:os.system is not allowed"),
        ("lr: !!int ''", "the tag tag:yaml.org,2002:int is not allowed"),
        ("lr: !mine 1", "the tag !mine is not allowed"),
        ("lr: &a 1\ngain: *a", "anchors and aliases are not allowed"),
        ("lr: &a [*a]", "anchors and aliases are not allowed"),
        ("? [1, 2]\n: 3", "not plain YAML"),
        ('lr: "\\UFFFFFFFF"', "not plain YAML"),
        ("[" * 5000, "not plain YAML"),
        (b"\xff\xfe\x00", "not UTF-8 text; give a readable YAML file"),
        ("lr: \x00", "not plain YAML"),
        ("#" * 70_000, "larger than 65536 bytes"),
    ],
)
def test_what_is_not_a_plain_yaml_mapping(tmp_path, text, message) -> None:
    assert message in refused(tmp_path, text)


def test_a_python_tag_runs_nothing(tmp_path) -> None:
    mark = tmp_path / "ran"
    message = refused(tmp_path, f"lr: !!python/object/apply:os.mkdir ['{mark}']")
    assert "python/object/apply:os.mkdir" in message
    assert not mark.exists()


def test_aliases_cannot_make_a_small_file_huge(tmp_path) -> None:
    """Ten levels of ten aliases would be 10^10 values, and a message that prints them."""
    lines = ["a0: &a0 [x]", *(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 10)}]" for i in range(1, 11))]
    assert len(refused(tmp_path, "\n".join(lines))) < 400


def test_long_lists_are_refused_before_their_grid_is_built(tmp_path) -> None:
    many = f"{{choice: [{', '.join(f'0.{i}' for i in range(1001, 3001))}]}}"
    text = f"lr: {many}\nmomentum: {many}\nweight_decay: {many}\ngain: 1"
    with pytest.raises(UserError, match="its grid has 8,000,000,000 points; give fewer, at most 1,000,000"):
        read(tmp_path, text).list_choices()


def test_a_key_given_twice_among_thousands_is_found_soon(tmp_path) -> None:
    start = time.process_time()
    text = "".join(f"{i}:\n" for i in range(9000)) + "8999:\n"
    assert "'8999' is given twice" in refused(tmp_path, text)
    assert time.process_time() - start < 10


def test_a_missing_file_and_a_folder(tmp_path) -> None:
    with pytest.raises(UserError, match=r"space file .*none\.yaml: No such file"):
        read_space(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="Is a directory; give a readable YAML file"):
        read_space(tmp_path)


TOKENS = ["lr", "momentum", "weight_decay", "gain", "name", ": ", ":", "\n", "  ", "- ", "{", "}", "[", "]", ", ", "1"]
TOKENS += ["0.5", "1e-5", "choice", "uniform", "loguniform", "!!int ", "!!python/name:os ", "&a ", "*a", "<<", "'", '"']
TOKENS += ["#", "|", ">", "%YAML 1.1", "---", "? ", "\\", "\t", "é", "null", "~", "0x1F", "1:30", "2020-01-01", "nan"]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.one_of(
        st.text(st.characters(codec="utf-8")).map(str.encode),
        st.binary(),
        st.lists(st.sampled_from(TOKENS)).map(lambda tokens: "".join(tokens).encode()),
        st.tuples(st.integers(0, len(GOOD)), st.sampled_from(TOKENS)).map(
            lambda cut: (GOOD[: cut[0]] + cut[1] + GOOD[cut[0] :]).encode()
        ),
    )
)
def test_any_file_is_a_space_or_a_user_error_of_one_line(tmp_path, content) -> None:
    try:
        space = read(tmp_path, content)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
    else:
        assert list(space.domains)[:3] == ["lr", "momentum", "weight_decay"]


NUMBERS = st.sampled_from(
    ["1" * 5000, "1e999", "-1e999", "1e-999", "inf", "nan", "0x1F", "1_0", "\u0661", "1e5", ".5", "-0"]
)
VALUES: st.SearchStrategy[Any] = st.one_of(
    st.floats().map(str), st.integers().map(str), NUMBERS, st.none(), st.text(max_size=5)
)
STRUCTURES = st.recursive(
    VALUES,
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.sampled_from(TOKENS) | VALUES, inner, max_size=4),
    max_leaves=10,
)
DOMAINS = st.dictionaries(
    st.sampled_from(["choice", "uniform", "loguniform"]), st.lists(VALUES, max_size=3), max_size=2
)
FIELDS = ("lr", "momentum", "weight_decay", "gain")
SPACES = st.fixed_dictionaries(dict.fromkeys(FIELDS, VALUES | DOMAINS | STRUCTURES), optional={"name": STRUCTURES})
NESTED = st.sampled_from([1, 50, 150, 300, 3000]).map(lambda levels: f"lr: {'[' * levels}{']' * levels}")


@settings(
    max_examples=200, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)
@given(
    st.one_of(SPACES.map(yaml.safe_dump), STRUCTURES.map(yaml.safe_dump), NESTED, st.sampled_from([GOOD, GOOD * 40]))
)
def test_any_structure_is_a_space_or_a_user_error_of_one_line(tmp_path, content) -> None:
    try:
        space = read(tmp_path, content)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
        assert len(str(error).replace(str(tmp_path), "")) < 500  # noqa: PT017
    else:
        assert make_space(space.describe(), "again") == space
