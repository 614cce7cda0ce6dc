import pytest

from spaces import UserError
from spaces.specs.own import Own
from spaces.specs.taken import check_taken, list_taken

OWN = {
    "Net-0123abcd": Own("/x.py:Net", "0123abcd", "network", ("dropout", "width")),
    "Lay-0123abcd": Own("/x.py:Lay", "0123abcd", "layer", ("gain", "kernel")),
}
FOUR = ["lr", "momentum", "weight_decay", "gain"]


def test_what_each_takes() -> None:
    assert list_taken("conv", OWN) == (*FOUR, "batch_size", "schedule")
    assert list_taken("Net-0123abcd", OWN) == (*FOUR[:3], "dropout", "width", "batch_size", "schedule")


def test_names_that_fit() -> None:
    check_taken(FOUR, ["conv"], None, "x")
    check_taken([*FOUR, "dropout", "batch_size"], ["conv", "Net-0123abcd"], OWN, "x")
    check_taken(FOUR[:3], ["Net-0123abcd"], OWN, "x")
    check_taken(FOUR, ["Net-0123abcd"], OWN, "x")


@pytest.mark.parametrize(
    ("names", "architectures", "message"),
    [
        ([*FOUR, "dropout"], ["conv"], "x: dropout: taken by no architecture of the run; conv takes lr, momentum"),
        ([*FOUR, "widht"], ["conv", "Net-0123abcd"], "x: widht: taken by no .*; did you mean width[?] conv takes lr"),
        (FOUR[:3], ["conv"], "x: missing field gain, by which conv scales its initial weights; give gain: 1"),
        (FOUR[:3], ["Net-0123abcd", "Lay-0123abcd"], "x: missing field gain, by which Lay-0123abcd scales"),
    ],
)
def test_names_that_do_not_fit(names: list[str], architectures: list[str], message: str) -> None:
    with pytest.raises(UserError, match=message):
        check_taken(names, architectures, OWN, "x")
