import pytest

from spaces.wording import clock, counted, tallied


@pytest.mark.parametrize(
    ("number", "text"), [(0, "0 epochs"), (1, "1 epoch"), (1.4, "1 epoch"), (1.6, "2 epochs"), (20, "20 epochs")]
)
def test_counted(number: float, text: str) -> None:
    assert counted(number, "epoch") == text


def test_tallied() -> None:
    assert tallied(7, 16, {"stopped": 4, "diverged": 1, "failed": 0}) == "7/16 ended (4 stopped, 1 diverged)"
    assert tallied(0, 4, {"stopped": 0}) == "0/4 ended"


@pytest.mark.parametrize(
    ("seconds", "text"), [(0, "0:00:00"), (59.9, "0:00:59"), (3661, "1:01:01"), (360000, "100:00:00")]
)
def test_clock(seconds: float, text: str) -> None:
    assert clock(seconds) == text
