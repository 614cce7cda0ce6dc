from typing import Any

import pytest

from spaces import UserError
from spaces.specs.own import Own, choose_architecture

OWN = {"reference": "/home/me/mine.py:A", "digest": "0123abcd", "kind": "layer", "takes": ["gain", "kernel"]}


def test_reads_what_json_holds() -> None:
    assert Own.from_dict(OWN) == Own("/home/me/mine.py:A", "0123abcd", "layer", ("gain", "kernel"))


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"reference": ""}, "own: reference: '' is not allowed"),
        ({"digest": "xyz"}, "own: digest: 'xyz' is not allowed; give at most 64 hexadecimal digits"),
        ({"kind": "file"}, "own: kind: 'file' is not allowed; give one of layer, network"),
        ({"takes": ["kernel", "gain"]}, "own: takes: .* give names in order, each once"),
        ({"takes": ["gain", "gain"]}, "own: takes: .* give names in order, each once"),
        ({"takes": "gain"}, "own: takes: 'gain' is not allowed"),
        ({"takes": [1]}, "own: takes: .* is not allowed"),
        ({"code": "import os"}, "is not how invsearch writes an architecture of one's own"),
    ],
)
def test_refused(changed: dict[str, Any], message: str) -> None:
    with pytest.raises(UserError, match=message):
        Own.from_dict({**OWN, **changed})


TWO = {
    "Mine-0123abcd": {**OWN, "reference": "/x/mine.py:Mine"},
    "Mine@B-0123abcd": {**OWN, "reference": "/x/mine.py:Mine@B"},
}
SPEC = {
    "architectures": ["conv", "A-0123abcd", *TWO, "conv-00112233"],
    "own": {"A-0123abcd": OWN, **TWO, "conv-00112233": OWN | {"reference": "/x/conv.py:conv"}},
}


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("conv", "conv"),  # Not the user's own of that name.
        ("A", "A-0123abcd"),
        ("A-0123abcd", "A-0123abcd"),
        ("/home/me/mine.py:A", "A-0123abcd"),
        ("/home/me/../me/mine.py:A", "A-0123abcd"),
        ("Mine@B", "Mine@B-0123abcd"),
        ("/x/mine.py:Mine", "Mine-0123abcd"),
    ],
)
def test_a_short_name_is_enough_where_one_is_meant(text: str, name: str) -> None:
    assert choose_architecture(text, SPEC) == name


def test_unclear_and_unknown_names_are_refused_with_the_choices() -> None:
    with pytest.raises(UserError, match="'Mine' may be Mine-0123abcd, Mine@B-0123abcd; give one of these"):
        choose_architecture("Mine", SPEC)
    for text in ("B", "/home/you/mine.py:A", "0123abcd", ""):
        with pytest.raises(UserError, match=r"is unknown; .*choose one of conv, A-0123abcd, Mine-0123abcd"):
            choose_architecture(text, SPEC)
    with pytest.raises(UserError, match="'A' is unknown; choose one of conv"):
        choose_architecture("A", {"architectures": ["conv"]})
