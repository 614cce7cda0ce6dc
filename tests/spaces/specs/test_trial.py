import dataclasses
import hashlib
import json
import math
import re
import tarfile
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from spaces import Hyperparameters, TrialSpec, UserError
from spaces.specs.records import list_trial_folders, read_trial

RESULTS = Path(__file__).resolve().parents[3] / "results"

CANONICAL: dict[str, Any] = {"sort_keys": True, "separators": (",", ":")}
THETA = Hyperparameters(0.1, 0.5, 1e-5, 1.5)
SPEC = TrialSpec("sweep", "conv", "digits", "0123456789", THETA, 3, 7, 16)


def sha(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:10]


def test_ids_are_digests_of_canonical_json() -> None:
    config = '["conv",{"gain":1.5,"lr":0.1,"momentum":0.5,"weight_decay":1e-05}]'
    assert SPEC.config_id == "c" + sha(config)
    content = {
        "phase": "sweep",
        "architecture": "conv",
        "dataset": "digits",
        "data_hash": "0123456789",
        "lr": 0.1,
        "momentum": 0.5,
        "weight_decay": 1e-5,
        "gain": 1.5,
        "seed": 3,
        "split_seed": 7,
        "batch_size": 16,
    }
    assert SPEC.trial_id == "conv-" + sha(json.dumps(content, sort_keys=True, separators=(",", ":")))


def test_ids_never_change() -> None:
    """Committed results name these; sha256sum of the canonical JSON gave them."""
    assert SPEC.config_id == "c502b056836"
    assert SPEC.trial_id == "conv-5f122b9f1d"


@pytest.mark.parametrize(
    "change",
    [
        {"phase": "rerun"},
        {"architecture": "invariant"},
        {"dataset": "mnist"},
        {"data_hash": "f"},
        {"theta": Hyperparameters(0.1, 0.5, 1e-5, 1.0)},
        {"seed": 4},
        {"split_seed": None},
        {"batch_size": 64},
    ],
    ids=lambda change: next(iter(change)),
)
def test_every_field_decides_the_trial_id_and_only_some_the_config_id(change) -> None:
    other = dataclasses.replace(SPEC, **change)
    assert other.trial_id != SPEC.trial_id
    assert (other.config_id != SPEC.config_id) == ("theta" in change or "architecture" in change)


def test_equal_numbers_have_equal_ids() -> None:
    one = dataclasses.replace(SPEC, theta=Hyperparameters(1, -0.0, 0, 1))
    other = dataclasses.replace(SPEC, theta=Hyperparameters(1.0, 0.0, -0.0, "1.0"))  # type: ignore[arg-type]
    assert one == other
    assert (one.trial_id, one.config_id) == (other.trial_id, other.config_id)


SPECS = st.builds(
    TrialSpec,
    st.sampled_from(["sweep", "rerun"]),
    st.sampled_from(["conv", "invariant"]),
    st.from_regex(r"[A-Za-z0-9][A-Za-z0-9+@_-]{0,59}", fullmatch=True),
    st.from_regex(r"[0-9a-f]{1,64}", fullmatch=True),
    st.builds(Hyperparameters, st.floats(1e-9, 1e9), st.floats(0, 0.99), st.floats(0, 1), st.floats(1e-9, 1e9)),
    st.integers(0, 2**63 - 1),
    st.none() | st.integers(0, 2**63 - 1),
    st.integers(1, 2**31 - 1),
)


@given(SPECS)
def test_a_spec_survives_json(spec: TrialSpec) -> None:
    again = TrialSpec.from_dict(json.loads(json.dumps(spec.as_dict())))
    assert again == spec
    assert again.trial_id == spec.trial_id
    assert re.fullmatch(r"(conv|invariant)-[0-9a-f]{10}", spec.trial_id)
    assert re.fullmatch(r"c[0-9a-f]{10}", spec.config_id)


@given(SPECS)
def test_a_record_with_an_id_of_the_earlier_form_is_read(spec: TrialSpec) -> None:
    """Up to revision 657d15c a config id had no letter in front; the trial id, which names the folder, is the same."""
    earlier = {**spec.as_dict(), "config_id": sha(json.dumps([spec.architecture, spec.theta.as_dict()], **CANONICAL))}
    again = TrialSpec.from_dict(earlier)
    assert again == spec
    assert again.as_dict()["config_id"] == "c" + earlier["config_id"]


def test_ids_come_first_in_a_record() -> None:
    assert list(SPEC.as_dict())[:3] == ["trial_id", "config_id", "phase"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"lr": 0.2}, "the trial_id 'conv-.*' does not belong to its content"),
        ({"seed": 4}, "the trial_id 'conv-.*' does not belong to its content"),
        ({"trial_id": None}, "the trial_id None does not belong to its content"),
        ({"config_id": "other"}, "the config_id 'other' does not belong to its content"),
        ({"seed": math.nan}, "seed: nan is not allowed; give a whole number from 0 to"),
        ({"seed": True}, "seed: True is not allowed"),
        ({"seed": 3.0}, "seed: 3.0 is not allowed"),
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"split_seed": 2**63}, "split_seed: 9223372036854775808 is not allowed; .*, or nothing"),
        ({"batch_size": 0}, "batch_size: 0 is not allowed"),
        ({"data_hash": "xyz"}, "data_hash: 'xyz' is not allowed; give at most 64 hexadecimal digits"),
        ({"architecture": "../../conv"}, "architecture: '../../conv' is not allowed; give a name of at most 60"),
        ({"architecture": "conv\n"}, "architecture: .* is not allowed"),
        ({"architecture": "+conv"}, "architecture: .* is not allowed"),
        ({"architecture": "a b"}, r"give a name of at most 60 of the characters A-Z, a-z, 0-9, \+, -, _ and @"),
        ({"dataset": "/etc"}, "dataset: '/etc' is not allowed"),
        ({"dataset": ["digits"]}, r"dataset: \['digits'\] is not allowed"),
        ({"lr": "fast"}, "lr: 'fast' is not a number"),
        ({"lr": "0.1"}, "the lr '0.1' is not a number"),
        ({"lr": math.inf}, "lr: inf is not allowed"),
        ({"note": "mine"}, "unknown field 'note'"),
        ({"phase": "final"}, "phase: 'final' is not allowed; give one of sweep, choice, rerun"),
        ({"phase": ["sweep"]}, r"phase: \['sweep'\] is not allowed"),
    ],
)
def test_a_changed_record_is_refused(change, message) -> None:
    with pytest.raises(UserError, match=message):
        TrialSpec.from_dict({**SPEC.as_dict(), **change})


@pytest.mark.parametrize("name", [name for name in SPEC.as_dict() if not name.endswith("_id") and name != "gain"])
def test_a_missing_field_is_named(name) -> None:
    content = SPEC.as_dict()
    del content[name]
    with pytest.raises(UserError, match=f"lacks the field '{name}'"):
        TrialSpec.from_dict(content)


@pytest.mark.parametrize("content", [None, [], 5, "text"])
def test_what_is_no_mapping_is_refused(content) -> None:
    with pytest.raises(UserError, match="is not a mapping of fields"):
        TrialSpec.from_dict(content)


ODD = (10**5000, "../x", "conv\0", "\ud800", "a" * 10**6, [[[]]], {"a": {}}, -1, 2**63, "1")
ANYTHING = st.sampled_from(ODD) | st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9)


@settings(max_examples=400, deadline=None)
@given(st.dictionaries(st.sampled_from(list(SPEC.as_dict())) | st.text(max_size=5), ANYTHING, min_size=1, max_size=3))
def test_any_change_gives_a_trial_or_a_user_error_of_one_line(change) -> None:
    content = {**SPEC.as_dict(), **change}
    try:
        spec = TrialSpec.from_dict(content)
    except UserError as error:
        assert len(str(error).splitlines()) == 1  # noqa: PT017 - both outcomes are allowed.
        assert len(str(error)) < 300  # noqa: PT017
    else:
        assert spec.as_dict() == content


def test_an_unknown_phase_has_no_trial() -> None:
    with pytest.raises(UserError, match="phase: 'final' is not allowed; give one of sweep, choice, rerun"):
        dataclasses.replace(SPEC, phase="final")


def test_a_swap_of_two_layers_is_a_name() -> None:
    spec = dataclasses.replace(SPEC, architecture="invB+invC-C-w16")
    assert TrialSpec.from_dict(spec.as_dict()) == spec
    assert spec.trial_id.startswith("invB+invC-C-w16-")


FURTHER = dataclasses.replace(SPEC, theta=Hyperparameters(0.1, 0.5, 1e-5, kernel=3, activation="relu", skip=True))


def test_further_hyperparameters_have_a_field_of_their_own() -> None:
    content = json.loads(json.dumps(FURTHER.as_dict()))
    assert content["further"] == {"activation": "relu", "kernel": 3, "skip": True}
    assert "gain" not in content
    assert TrialSpec.from_dict(content) == FURTHER
    assert len({SPEC.config_id, FURTHER.config_id}) == 2


@pytest.mark.parametrize(
    "further", [{}, [], {"kernel": 3}, {"activation": "relu", "kernel": 3, "skip": 1}, {"seed": 1}, {1: 2}]
)
def test_changed_further_ones_are_refused(further: object) -> None:
    with pytest.raises(UserError):
        TrialSpec.from_dict({**FURTHER.as_dict(), "further": further})


@pytest.mark.parametrize("further", [{}, {"lr": 0.1}])
def test_what_belongs_elsewhere_is_no_further_one_though_the_ids_fit(further: dict[str, float]) -> None:
    assert TrialSpec.from_dict(SPEC.as_dict()) == SPEC
    with pytest.raises(UserError, match="further"):
        TrialSpec.from_dict({**SPEC.as_dict(), "further": further})


def test_batch_size_and_schedule_are_those_of_the_configuration() -> None:
    theta = Hyperparameters(0.1, 0, 0, 1, batch_size=32)
    assert dataclasses.replace(SPEC, theta=theta, batch_size=32).as_dict()["batch_size"] == 32
    with pytest.raises(UserError, match="batch_size: 64 is not that of the configuration"):
        dataclasses.replace(SPEC, theta=theta, batch_size=64)
    with pytest.raises(UserError, match="recipe: none does not have the schedule of the configuration"):
        dataclasses.replace(SPEC, theta=Hyperparameters(0.1, 0, 0, 1, schedule="cosine"))


@pytest.mark.parametrize("archive", sorted(RESULTS.glob("*/run.tar.xz")), ids=lambda path: path.parent.name)
def test_the_ids_of_every_committed_trial_are_what_they_were(archive: Path, tmp_path: Path) -> None:
    """Their folders were named, and their ids written, by the versions that trained them."""
    with tarfile.open(archive) as file:
        file.extractall(tmp_path, filter="data")
    found = [read_trial(folder) for folder in list_trial_folders(tmp_path / archive.parent.name)]
    written = [json.loads(path.read_text()) for path in sorted(tmp_path.glob("*/trials/*/record.json"))]
    assert len(written) == len(found) >= 8
    for record, content in zip([one[0] for one in found if one], written, strict=True):
        spec = record.spec
        assert content["trial"]["trial_id"] == spec.trial_id
        assert spec.config_id in (content["trial"]["config_id"], f"c{content['trial']['config_id']}")
        assert record.as_dict()["trial"] | {"config_id": 0} == content["trial"] | {"config_id": 0}
