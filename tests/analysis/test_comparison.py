import pytest

from analysis.comparison import compare_runs, list_outcomes, list_settings
from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.records.schema import make_records
from analysis.tables import TABLES
from spaces import Hyperparameters
from tests.analysis.conftest import NET, OWN


@pytest.fixture
def two(five, make_folder):
    other = make_folder("other")
    other.spec.update(five.spec, max_epochs=4, rerun_seeds=6, architectures=["conv", "dct"])
    theta = Hyperparameters(0.1, 0.9, 3.16e-5, 1.0)
    other.sweep("conv", [0.1, 0.2, 0.3, 0.9], "completed", theta=theta)
    for seed, accuracy in enumerate((0.80, 0.80, 0.82, 0.84, 0.84)):
        other.rerun("conv", [0.1, 0.2, 0.3, accuracy], "completed", theta=theta, seed=seed)
    return read_run(five.write()), read_run(other.write())


def test_settings_that_differ(two) -> None:
    assert list_settings(*two).to_numpy().tolist() == [
        ["architectures", "conv, invariant", "conv, dct"],
        ["rerun seeds", "5", "6"],
    ]
    assert len(list_settings(two[0], two[0])) == 0


def test_of_two_spaces_the_members_that_differ(two) -> None:
    two[0].spec["space"] = {"name": "mine", "lr": {"choice": [0.1]}, "gain": {"choice": [1.0]}}
    two[1].spec["space"] = {"name": "mine", "lr": {"uniform": [0.1, 1.0]}, "gain": {"choice": [1.0]}}
    rows = list_settings(*two).to_numpy().tolist()
    assert ["space lr", "choice 0.1", "uniform 0.1, 1.0"] in rows
    assert not [name for name, *_ in rows if name in ("space", "space name", "space gain")]
    two[1].spec["space"] = None  # As where configurations were given.
    assert ["space name", "mine", "-"] in list_settings(*two).to_numpy().tolist()


def test_outcomes_by_hand(two) -> None:
    """conv: mean 92, std 2 against 82, 2, five each: se^2 = 4/5 + 4/5, df = 8, t(0.975, 8) = 2.306004."""
    rows = list_outcomes(*two).set_index("architecture")
    assert list(rows.index) == ["conv", "invariant", "dct"]
    conv = rows.loc["conv"]
    assert (conv["first_mean"], conv["second_mean"], conv["difference"]) == pytest.approx((92.0, 82.0, -10.0))
    assert list(rows["first_selected"].dropna()) == [90.0, 80.0]
    assert list(rows["second_selected"].dropna()) == [90.0]  # Of conv's one trial of the sweep.
    half = 2.306004 * (8 / 5) ** 0.5
    assert (conv["low"], conv["high"]) == pytest.approx((-10 - half, -10 + half), rel=1e-5)
    assert bool(conv["differs"])
    assert conv["same_theta"] is False
    assert rows.loc["dct", "second_n"] == 0
    assert not rows.loc["invariant", "differs"]


def test_the_text_names_what_differs(two, tmp_path) -> None:
    text = compare_runs(*two)
    assert "Different beyond chance at 5 %: conv." in text
    assert "| rerun seeds" in text
    assert "nan" not in text
    assert "5 of 6" in text
    assert "Holm-corrected over 1 architecture." in text
    assert "Not tested, since only one of the runs has it: invariant, dct." in text


def test_diverged_seeds_are_outcomes_and_are_compared(five, make_folder) -> None:
    other = make_folder("other")
    other.spec.update(five.spec, rerun_seeds=10)
    theta = Hyperparameters(0.1, 0.9, 3.16e-5, 1.0)
    for name in ("conv", "invariant"):
        other.sweep(name, [0.1, 0.2, 0.3, 0.9], "completed", theta=theta)
        for seed in range(10):
            lost = name == "conv" and seed > 6
            rows = [None] if lost else [0.1, 0.2, 0.3, 0.82 + seed / 1000]
            status = "diverged" if lost else "completed"
            other.rerun(name, rows, status, theta=theta, seed=seed, status="diverged" if lost else "running")
    runs = read_run(five.write()), read_run(other.write())
    row = next(row for row in make_records(list_outcomes(*runs)) if row["architecture"] == "conv")
    assert row["difference"] == pytest.approx(0.7 * 82.3 - 92)  # The diverged count as 0: the classes are not known.
    assert row["low"] < row["difference"] < row["high"]
    assert row["p_holm"] == pytest.approx(2 / 3003)  # Of two tests; all five above all ten: one in 15 over 5.
    text = compare_runs(*runs)
    assert "10 of 10" in text
    assert "other: Convolutional: of 10 ended reruns 3 diverged and count as 0 %" in text


def test_runs_on_different_data_are_not_tested(two, make_folder) -> None:
    other = make_folder("elsewhere")
    other.spec.update(dataset="mnist", architectures=["conv"])
    for seed in range(5):
        other.rerun("conv", [0.1] * 3 + [0.97 + seed / 1000], "completed", seed=seed)
    runs = two[0], read_run(other.write())
    text = compare_runs(*runs)
    assert "Not tested, since the runs are on different data: conv." in text
    assert "Different beyond" not in text
    assert list_outcomes(*runs)["difference"].isna().all()


def test_a_copy_of_a_run_is_not_tested_against_it(five, make_folder) -> None:
    """The same seeds of the same configuration have the same results: that is no second sample."""
    copy = make_folder("copy")
    copy.spec, copy.trials = five.spec, five.trials
    text = compare_runs(read_run(five.write()), read_run(copy.write()))
    assert "Not tested, since they share trials, with the same results: conv, invariant." in text
    assert "beyond chance" not in text


def test_runs_with_different_judges_are_compared_by_the_last_epoch(make_folder) -> None:
    """Of one network: the runs differ only in the epoch before the last, which the first one's judge takes in."""
    folders = make_folder("first"), make_folder("second")
    for folder, dip, start in zip(folders, (0.5, 0.9), (1, 11), strict=True):
        folder.spec.update(architectures=["conv"], rerun_seeds=5, rerun_epochs=10)
        for seed in range(5):
            folder.rerun("conv", [0.9] * 8 + [dip, 0.9 + seed / 100], "completed", seed=start + seed)
    folders[0].spec["judge"] = "last5"
    runs = [read_run(folder.write()) for folder in folders]
    (row,) = make_records(list_outcomes(runs[0], runs[1]))
    assert (row["first_mean"], row["difference"]) == pytest.approx((92.0, 0.0))
    said = "These runs have different judges; every rerun counts with its accuracy {}."
    assert said.format("after the last epoch") in compare_runs(runs[0], runs[1])
    for name in ("ranking", "pairs", "summary"):
        assert TABLES[name].build(*runs).notes.count(said.format("after the last epoch")) == 1
    given = TABLES["pairs"].fill(gather(runs, judge="last5"))
    assert said.format("averaged over the last 5 epochs") in given.notes
    assert given.frame["difference"][0] == pytest.approx(-8.0)
    assert gather(runs[:1]).candidates[0].reruns.judge == "last5"
    assert not gather(runs[:1]).judges


def test_two_seeds_are_no_test(full, make_folder) -> None:
    other = make_folder("other")
    other.spec.update(full.spec, architectures=["conv"])
    for seed in (11, 12):
        other.rerun("conv", [0.1] * 3 + [0.8 + seed / 10_000], "completed", seed=seed)
    text = compare_runs(read_run(full.write()), read_run(other.write()))
    assert "Not tested, since a test takes 5 finished seeds: conv." in text
    assert "0 architectures" not in text


def test_the_same_configuration_has_the_same_further_hyperparameters(mixed, make_folder) -> None:
    other = make_folder("other")
    other.spec, other.costs = mixed.spec, mixed.costs
    other.trials = [
        kept for kept in mixed.trials if kept[0].theta.further != {"activation": "gelu", "bias": True, "width": 64}
    ]
    rows = list_outcomes(read_run(mixed.write()), read_run(other.write())).set_index("architecture")
    assert rows["same_theta"].to_dict() == {"conv": True, OWN: False, NET: True}


def test_where_the_users_files_lie_is_no_difference(mixed, make_folder) -> None:
    other = make_folder("other")
    own = {name: known | {"reference": "/elsewhere/mine.py:It"} for name, known in mixed.spec["own"].items()}
    other.spec, other.costs, other.trials = mixed.spec | {"own": own}, mixed.costs, mixed.trials
    assert len(list_settings(read_run(mixed.write()), read_run(other.write()))) == 0


@pytest.mark.parametrize("width", [80, 120])
def test_it_fits_a_terminal(two, width) -> None:
    text = compare_runs(two[0], two[1], width)
    assert max(map(len, text.splitlines())) <= width
    for word in (
        "A selected",
        "B selected",
        "A mean",
        "B mean",
        "95 % CI",
        "differs",
        "rerun seeds",
        "Different beyond chance at 5 %: conv.",
    ):
        assert word in text
