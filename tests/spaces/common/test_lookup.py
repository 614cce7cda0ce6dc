import pytest

from spaces.common.errors import UserError
from spaces.common.lookup import choose

KNOWN = {"conv": 1, "invariant": 2}


def test_known_name():
    assert choose("architecture", "invariant", KNOWN) == 2


def test_near_name_is_suggested():
    with pytest.raises(UserError, match="'invarant' is unknown; did you mean invariant"):
        choose("architecture", "invarant", KNOWN)


def test_a_name_that_begins_so_is_nearest():
    with pytest.raises(UserError, match="did you mean Conv2-1f2e3d4c"):
        choose("architecture", "Conv2", {"conv2": 1, "Conv2-1f2e3d4c": 2})


def test_far_name_lists_all():
    with pytest.raises(UserError, match="'xyz' is unknown; choose one of conv, invariant") as caught:
        choose("architecture", "xyz", KNOWN)
    assert "\n" not in str(caught.value)
