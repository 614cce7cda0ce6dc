import pytest

from analysis.comparison import compared, outcomes, settings
from analysis.records import read_run
from spaces import Hyperparameters


@pytest.fixture
def two(full, make_folder):
    other = make_folder("other")
    other.spec.update(full.spec, max_epochs=4, rerun_seeds=4, architectures=["conv", "dct"])
    theta = Hyperparameters(0.1, 0.9, 3.16e-5, 1.0)
    other.sweep("conv", [0.1, 0.2, 0.3, 0.9], "completed", theta=theta)
    for seed, accuracy in enumerate((0.80, 0.82, 0.84)):
        other.rerun("conv", [0.1, 0.2, 0.3, accuracy], "completed", theta=theta, seed=seed)
    return read_run(full.write()), read_run(other.write())


def test_settings_that_differ(two) -> None:
    assert settings(*two).to_numpy().tolist() == [
        ["architectures", '["conv", "invariant"]', '["conv", "dct"]'],
        ["rerun_seeds", "3", "4"],
    ]
    assert len(settings(two[0], two[0])) == 0


def test_outcomes_by_hand(two) -> None:
    """conv: 90, 92, 94 against 80, 82, 84: difference -10, se^2 = 4/3 + 4/3, df = 4, t(0.975, 4) = 2.776445."""
    rows = outcomes(*two).set_index("architecture")
    assert list(rows.index) == ["conv", "invariant", "dct"]
    conv = rows.loc["conv"]
    assert (conv["first_mean"], conv["second_mean"], conv["difference"]) == pytest.approx((92.0, 82.0, -10.0))
    half = 2.776445 * (8 / 3) ** 0.5
    assert (conv["low"], conv["high"]) == pytest.approx((-10 - half, -10 + half), rel=1e-5)
    assert bool(conv["differs"])
    assert conv["same_theta"] is False
    assert rows.loc["dct", "second_n"] == 0
    assert not rows.loc["invariant", "differs"]


def test_the_text_names_what_differs(two, tmp_path) -> None:
    text = compared(*two)
    assert "Different beyond chance at 5 %: conv." in text
    assert "| rerun_seeds" in text
    assert "nan" not in text
