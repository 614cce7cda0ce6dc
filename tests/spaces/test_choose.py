import pytest

from spaces.choose import choose
from spaces.errors import UserError

KNOWN = {"conv": 1, "invariant": 2}


def test_known_name():
    assert choose("architecture", "invariant", KNOWN) == 2


def test_near_name_is_suggested():
    with pytest.raises(UserError, match="'invarant' is unknown; did you mean invariant"):
        choose("architecture", "invarant", KNOWN)


def test_far_name_lists_all():
    with pytest.raises(UserError, match="'xyz' is unknown; choose one of conv, invariant") as caught:
        choose("architecture", "xyz", KNOWN)
    assert "\n" not in str(caught.value)
