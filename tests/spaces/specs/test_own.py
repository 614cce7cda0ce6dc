from typing import Any

import pytest

from spaces import UserError
from spaces.specs.own import Own

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
