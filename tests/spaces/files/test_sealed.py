"""Sealed files: what was written is read back, and any change is noticed."""

from __future__ import annotations

import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from spaces.files.sealed import MAX_BYTES, Damaged, seal, unseal

LEAVES = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text()
DATA = st.recursive(LEAVES, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=12)
CONTENT = st.dictionaries(st.text().filter(lambda key: key != "checksum"), DATA, min_size=1)


@given(content=CONTENT, indent=st.sampled_from([None, 2]))
def test_round_trip(content: dict, indent: int | None) -> None:
    assert unseal(seal(content, indent)) == content


@given(content=CONTENT, indent=st.sampled_from([None, 2]))
def test_is_plain_json_for_other_programs(content: dict, indent: int | None) -> None:
    assert {key: value for key, value in json.loads(seal(content, indent)).items() if key != "checksum"} == content


def test_the_checksum_is_sha256_of_what_follows() -> None:
    text = seal({"a": 1})
    assert text == b'{"checksum": "' + hashlib.sha256(b'"a": 1}').hexdigest()[:16].encode() + b'", "a": 1}\n'


@given(content=CONTENT, data=st.data())
def test_one_changed_byte_is_noticed(content: dict, data: st.DataObject) -> None:
    text = seal(content)
    where = data.draw(st.integers(0, len(text) - 2))  # The line's end carries nothing.
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte != text[where]))
    with pytest.raises(Damaged):
        unseal(text[:where] + bytes([other]) + text[where + 1 :])


@given(content=CONTENT, data=st.data())
def test_truncation_is_noticed(content: dict, data: st.DataObject) -> None:
    text = seal(content)
    with pytest.raises(Damaged):
        unseal(text[: data.draw(st.integers(0, len(text) - 2))])


@given(text=st.binary())
def test_any_bytes_are_refused_in_one_line(text: bytes) -> None:
    with pytest.raises(Damaged) as error:
        unseal(text)
    assert "\n" not in str(error.value)


def test_deep_nesting_and_size_are_refused() -> None:
    deep = b'"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
    with pytest.raises(Damaged, match="not JSON"):
        unseal(b'{"checksum": "' + hashlib.sha256(deep).hexdigest()[:16].encode() + b'", ' + deep)
    with pytest.raises(Damaged, match="larger"):
        unseal(b" " * (MAX_BYTES + 1))
