import itertools
import tarfile
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
import statsmodels.formula.api as formulas
from statsmodels.stats.anova import anova_lm
from statsmodels.stats.multitest import multipletests

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.stats.breakdowns import list_outcomes
from analysis.stats.importance import NO_SHARES, PAIRED, Importance, _explain_untested, measure_importance
from analysis.tables import TABLES
from spaces import Hyperparameters
from spaces.hyperparameters import NAMES

LEVELS = ([0.03, 0.1, 0.3], [0.0, 0.5], [1e-5, 1e-4], [0.5, 1.0])
ROOT = Path(__file__).resolve().parents[3]


def candidate(folder, accuracy, thetas, **spec) -> Any:
    """A sweep of those configurations: their accuracy, or None where they diverged."""
    folder.spec.update(grace_period=1, architectures=["conv"], **spec)
    for number, theta in enumerate(thetas):
        value = accuracy(number, *theta)
        status = "diverged" if value is None else "stopped"
        folder.sweep("conv", [value], status, theta=Hyperparameters(*theta), status=status)
    return gather([read_run(folder.write())]).candidates[0]


def swept(folder, accuracy, levels=LEVELS, **spec) -> Importance:
    return measure_importance(candidate(folder, accuracy, list(itertools.product(*levels)), **spec))


def effects(*args, **spec) -> Any:
    return swept(*args, **spec).effects.set_index("term")


def noise(seed: int, size: float = 0.01):
    random = np.random.default_rng(seed)
    return lambda: random.normal(0, size)


def type_ii(table: pd.DataFrame, response: str) -> Any:
    """The table of statsmodels, its terms named as ours."""
    model = " + ".join(f"C({name}, Sum)" for name in NAMES)
    table = table.assign(**{name: table[name].astype(str) for name in NAMES}, r=table["accuracy"].rank())
    found = anova_lm(formulas.ols(f"{response} ~ ({model})**2", table).fit(), typ=2)
    found.index = found.index.str.replace(r"C\((\w+), Sum\)", r"\1", regex=True)
    deviations = table[response] - table[response].mean()
    return found.drop("Residual").assign(share=lambda frame: frame["sum_sq"] / (deviations**2).sum())


def test_a_balanced_grid_by_hand(folder) -> None:
    """Sums of squares of a balanced layout are plain sums over cell means: here exact, with a known rest."""
    random = np.random.default_rng(1)
    rest = random.normal(0, 0.01, 24)
    effect = {0.03: 0.5, 0.1: 0.7, 0.3: 0.6}
    table = effects(folder, lambda number, lr, momentum, wd, gain: effect[lr] + 0.1 * momentum + rest[number])
    grid = np.array(list(itertools.product(*LEVELS)))
    y = np.array([effect[lr] + 0.1 * momentum for lr, momentum, _, _ in grid]) + rest
    total = ((y - y.mean()) ** 2).sum()
    for place, name in enumerate(NAMES):
        means = [y[grid[:, place] == level].mean() for level in LEVELS[place]]
        between = sum(len(y) / len(means) * (mean - y.mean()) ** 2 for mean in means)
        assert table.loc[name, "share"] == pytest.approx(between / total)
    cells = [
        (
            y[(grid[:, 0] == lr) & (grid[:, 1] == momentum)].mean(),
            y[grid[:, 0] == lr].mean(),
            y[grid[:, 1] == momentum].mean(),
        )
        for lr in LEVELS[0]
        for momentum in LEVELS[1]
    ]
    crossed = sum(4 * (both - row - column + y.mean()) ** 2 for both, row, column in cells)
    assert table.at["lr:momentum", "share"] == pytest.approx(crossed / total)
    assert table.loc[["lr", "momentum"], "matters"].all()
    assert not table.loc[["weight_decay", "gain"], "matters"].any()
    assert table["share"].sum() < 1


def test_two_that_matter_only_together(folder) -> None:
    rest = noise(2)
    table = effects(folder, lambda _, lr, momentum, *__: 0.5 + 0.2 * ((lr > 0.05) ^ (momentum > 0)) + rest())
    assert table["share"].idxmax() == "lr:momentum"
    assert bool(table.at["lr:momentum", "matters"])


def test_without_noise_the_rest_does_not_matter(folder) -> None:
    """The exact shares: the variance between three levels is all there is."""
    found: Any = effects(folder, lambda _, lr, *__: 0.9 - lr)
    assert found.loc["lr", ["share", "p_holm"]].tolist() == pytest.approx([1, 0])
    assert (found.drop("lr")[["share", "p_holm"]] == [0, 1]).all(axis=None)


def test_what_breaks_down_is_left_out_of_tests_and_shares(folder) -> None:
    """The learning rate decides what breaks down and nothing else; without its highest level the grid is complete."""
    rest = noise(3, 0.001)
    found = swept(folder, lambda _, lr, momentum, *__: None if lr == 0.3 else 0.8 + 0.1 * momentum + rest())
    table: Any = found.effects.set_index("term")
    assert not table.at["lr", "matters"]
    assert table.at["lr", "share"] < 0.05
    assert table.at["momentum", "share"] > 0.9
    assert found.where == "16 configurations with lr 0.03, 0.1"
    # Where all but one level break down, the rest of the grid is still one.
    (other := folder.path / "other").mkdir(parents=True)
    folder.path, folder.trials = other, []
    found = swept(folder, lambda _, lr, momentum, *__: 0.8 + 0.1 * momentum + rest() if lr == 0.1 else None)
    assert found.where == "8 configurations with lr 0.1"
    assert "lr" not in found.effects["term"].tolist()


@pytest.mark.filterwarnings("ignore::statsmodels.tools.sm_exceptions.SingularMatrixWarning")  # Of its reference.
def test_an_empty_cell_costs_its_own_pair_only(folder) -> None:
    levels = ([0.03, 0.1, 0.3], [0.0, 0.5, 0.9], [1e-5, 1e-4], [0.5, 1.0])
    rest = noise(4)

    def accuracy(_, lr, momentum, wd, gain):
        return None if (lr, momentum) == (0.3, 0.9) else 0.8 + 0.1 * ((wd > 5e-5) ^ (gain > 0.7)) + rest()

    one = candidate(folder, accuracy, list(itertools.product(*levels)))
    found = measure_importance(one)
    table: Any = found.effects.set_index("term")
    assert table.index[table["p_holm"].isna()].tolist() == ["lr:momentum"]
    assert found.said == ["lr:momentum is not tested: nothing is left with lr 0.3 and momentum 0.9."]
    assert found.where == "24 configurations with lr 0.03, 0.1"
    # The others by statsmodels, whose model has the eight cells that are left as one factor in place of the three.
    left = list_outcomes(one).query("not broke")
    left = left.assign(r=left["accuracy"].rank(), both=left["lr"].astype(str) + left["momentum"].astype(str))
    crossed = "C(both) + C(weight_decay) * C(gain) + C(lr):C(weight_decay) + C(lr):C(gain)"
    crossed += " + C(momentum):C(weight_decay) + C(momentum):C(gain)"
    full = formulas.ols(f"r ~ {crossed}", left).fit()
    less = formulas.ols(f"r ~ {crossed.replace('C(weight_decay) * C(gain)', 'C(weight_decay) + C(gain)')}", left).fit()
    p = anova_lm(less, full)["Pr(>F)"].iloc[1]
    assert table.at["weight_decay:gain", "p_holm"] == pytest.approx(9 * p, rel=1e-6)  # The smallest of nine.


def test_an_unbalanced_design_by_statsmodels_and_without_shares(folder) -> None:
    random, rest = np.random.default_rng(5), noise(5)
    grid = list(itertools.product([0.01, 0.03, 0.1], [0.0, 0.5, 0.9], [1e-5, 1e-4], [0.5, 1.0]))
    thetas = [grid[place] for place in random.permutation(36)[:30]]
    one = candidate(folder, lambda _, lr, momentum, wd, gain: 0.5 + lr + 0.05 * gain + rest(), thetas)
    found = measure_importance(one)
    expected = type_ii(list_outcomes(one), "r")
    table: Any = found.effects.set_index("term")
    assert list(table.index) == list(expected.index)
    assert table["p_holm"].tolist() == pytest.approx(multipletests(expected["PR(>F)"], method="holm")[1])
    assert found.where == ""
    assert table["share"].isna().all()
    assert found.said == [NO_SHARES]


def test_too_few_for_pairs_and_for_one_model(folder, make_folder) -> None:
    rest = noise(6, 0.001)
    found = swept(folder, lambda _, lr, *__: 0.5 + lr + rest(), ([0.03, 0.1, 0.3], [0.0, 0.5, 0.9], [0.0], [1.0]))
    assert found.effects["term"].tolist() == ["lr", "momentum"]
    assert found.said[0].startswith("Too few configurations for one model")  # Nine, less five parameters: four.
    # Of the 20 ways to deal six ranks to two learning rates, the best three to one and the worst to one are 2.
    thetas = [(0.01 * (1 + number % 2), 0.1 * (number % 3), 0, 1) for number in range(6)]
    few = measure_importance(candidate(make_folder("b"), lambda number, lr, *_: 0.5 + lr + number / 9999, thetas))
    assert few.effects.set_index("term").loc["lr", "p_holm"] == pytest.approx(2 * 2 / 20, abs=0.02)


def test_two_that_went_along_are_not_tested(folder) -> None:
    rest = noise(7)
    thetas = [(lr, 2 * lr, wd, 1.0) for lr in (0.1, 0.2, 0.3) for wd in (1e-6, 1e-5, 1e-4, 1e-3)]
    found = measure_importance(candidate(folder, lambda *_: 0.8 + rest(), thetas))
    untested = found.effects.set_index("term")["p_holm"].isna()
    assert untested[["lr", "momentum"]].all()
    assert not untested["weight_decay"]
    assert "lr is not tested: it cannot be separated from other effects here." in found.said


@pytest.mark.parametrize(
    "accuracy",
    [lambda *_: 0.5, lambda *_: None, lambda number, *_: 0.8 if number == 3 else None],
    ids=["all alike", "all broke down", "one is left"],
)
def test_nothing_to_compare_is_said(folder, accuracy) -> None:
    found = swept(folder, accuracy)
    assert not len(found.effects)
    assert found.said == ["Nothing to compare among the configurations that did not break down."]


def test_a_continuous_space_is_taken_in_bins_and_has_no_shares(folder) -> None:
    random = np.random.default_rng(5)
    thetas = [
        (float(np.round(10 ** random.uniform(-2, 0), 5)), float(np.round(random.uniform(0, 0.9), 4)), 0.0, 1.0)
        for _ in range(120)
    ]
    found = measure_importance(candidate(folder, lambda _, lr, *__: 0.9 - 0.2 * abs(np.log10(lr) + 1), thetas))
    table: Any = found.effects.set_index("term")
    assert bool(table.at["lr", "matters"])
    assert not bool(table.at["momentum", "matters"])
    assert found.where == ""


@pytest.mark.parametrize(
    "levels",
    [
        ([0.01, 0.03], [0.0], [0.0], [1.0]),
        ([0.01, 0.03, 0.1, 0.3], [0.0], [0.0], [1.0]),
        ([0.1], [0.0, 0.5], [0.0], [k / 10 for k in range(1, 10)]),
    ],
    ids=["two configurations", "one for each level", "nine levels in four bins"],
)
def test_a_grid_that_says_nothing_of_noise_has_no_shares(folder, levels) -> None:
    rest = noise(8)
    found = swept(folder, lambda *_: 0.8 + rest(), levels)
    assert found.effects["share"].isna().all()
    assert found.said[-1] == NO_SHARES


def test_two_networks_with_different_failing_cells(folder) -> None:
    rest = noise(9)
    folder.spec.update(grace_period=1)
    for name, place, level in (("conv", 1, 0.5), ("invariant", 3, 1.0)):
        for theta in itertools.product(*LEVELS):
            status = "diverged" if theta[0] == 0.3 and theta[place] == level else "stopped"
            accuracy = None if status == "diverged" else 0.8 + rest()
            folder.sweep(name, [accuracy], status, theta=Hyperparameters(*theta), status=status)
    evidence = gather([read_run(folder.write())])
    assert TABLES["breakdowns"].fill(evidence).notes[2:] == [
        "Convolutional: 4 of 24 configurations broke down, all with lr 0.3 and momentum 0.5.",
        "Invariant: 4 of 24 configurations broke down, all with lr 0.3 and gain 1.0.",
    ]
    assert TABLES["importance"].fill(evidence).notes[3:] == [
        "Convolutional, Invariant: The shares are over 16 configurations with lr 0.03, 0.1.",
        "Convolutional: lr:momentum is not tested: nothing is left with lr 0.3 and momentum 0.5.",
        "Invariant: lr:gain is not tested: nothing is left with lr 0.3 and gain 1.0.",
    ]


@pytest.fixture(scope="module")
def committed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("committed")
    with tarfile.open(ROOT / "results" / "table-1.4-mnist" / "run.tar.xz") as archive:
        archive.extractall(folder, filter="data")
    return gather([read_run(folder / "table-1.4-mnist")])


@pytest.mark.parametrize(("name", "kept"), [("invariant", 243), ("shifted-impulse", 246)])
def test_the_committed_run_by_statsmodels(committed, name, kept) -> None:
    """In both, all that broke down had lr 1 and momentum 0.9; the convolution lost too many for statsmodels."""
    (one,) = (one for one in committed.candidates if one.architecture == name)
    found = measure_importance(one)
    table: Any = found.effects.set_index("term")
    left = list_outcomes(one).query("not broke")
    assert len(left) == kept
    expected = type_ii(left, "r")
    assert table["p_holm"].tolist() == pytest.approx(multipletests(expected["PR(>F)"], method="holm")[1], rel=1e-6)
    grid = left[left["lr"] != "1.0"]
    assert found.where.startswith(f"{len(grid)} configurations with lr 0.0316, 0.1, 0.316")
    assert table["share"].tolist() == pytest.approx(type_ii(grid, "accuracy")["share"].tolist())


def test_gain_among_the_small_learning_rates_of_the_committed_run(committed, make_folder) -> None:
    """Of the 96 with lr of 0.1 or less and momentum of 0.5 or less gain explains 19.4 and 17.0 %."""
    for one, share in zip(committed.candidates[:2], (0.1939, 0.1704), strict=True):
        sweep = one.sweep.query("lr <= 0.1 and momentum <= 0.5")
        first = one.epochs.query("epoch == 5").set_index("trial_id")["val_accuracy"]
        thetas = [tuple(row) for row in sweep[list(NAMES)].to_numpy()]
        seen = first[sweep["trial_id"]].tolist()
        found = measure_importance(
            candidate(make_folder(one.architecture), lambda number, *_, seen=seen: seen[number], thetas)
        )
        assert found.where == "96 configurations"
        assert found.effects.set_index("term").loc["gain", "share"] == pytest.approx(share, abs=0.0005)


def test_tables_of_a_run_with_nothing_searched_and_of_tpe(folder, make_folder) -> None:
    folder.spec.update(samples=None)
    folder.rerun("conv", [0.9], "completed", seed=1)
    for number in ("breakdowns", "importance"):
        filled = TABLES[number].fill(gather([read_run(folder.write())]))
        assert filled.notes == ["Nothing was searched in these runs: their configurations were given."]
        assert not len(filled.cells)
    one = candidate(make_folder("t"), lambda number, *_: number / 99, list(itertools.product(*LEVELS)), search="tpe")
    for number in ("breakdowns", "importance"):
        filled = TABLES[number].fill(gather([one.run]))
        assert filled.notes[-1] == (
            "Convolutional: TPE chose where to look, so the numbers describe this sweep and not the space."
        )


def test_shares_of_words_and_truth_values_by_hand(folder) -> None:
    """Means that add 3 points for gelu and 4 for a bias, and nothing else: 9 and 16 parts of 25 of the variance."""
    folder.spec.update(grace_period=1, architectures=["conv"])
    for lr, activation, bias in itertools.product([0.03, 0.1, 0.3], ["relu", "gelu"], [False, True]):
        theta = Hyperparameters(lr=lr, momentum=0.5, weight_decay=1e-5, gain=1.0, activation=activation, bias=bias)
        folder.sweep("conv", [0.5 + 0.03 * (activation == "gelu") + 0.04 * bias], "stopped", theta=theta)
    found = measure_importance(gather([read_run(folder.write())]).candidates[0]).effects.set_index("term")
    assert list(found.index) == ["lr", "activation", "bias"]
    assert found["share"].tolist() == pytest.approx([0.0, 9 / 25, 16 / 25], abs=1e-9)
    assert found["matters"].tolist() == [False, True, True]


def test_pairs_of_many_hyperparameters_are_not_judged(folder) -> None:
    random, names = np.random.default_rng(3), [f"knob{number}" for number in range(PAIRED)]
    folder.spec.update(grace_period=1, architectures=["conv"])
    for _ in range(60):
        knobs = {name: int(random.integers(2)) for name in names}
        theta = Hyperparameters(float(random.choice([0.1, 0.3])), 0.5, 1e-5, 1.0, **knobs)
        folder.sweep("conv", [random.normal(0.8, 0.01) + 0.1 * knobs["knob3"]], "stopped", theta=theta)
    found = measure_importance(gather([read_run(folder.write())]).candidates[0])
    assert list(found.effects["term"]) == ["lr", *names]
    assert found.effects.query("matters")["term"].tolist() == ["knob3"]
    assert found.said[0] == "Pairs are not judged where more than 8 hyperparameters varied."


def test_many_terms_that_cannot_be_tested_are_named_together() -> None:
    left = pd.DataFrame({name: pd.Categorical(["x", "y"] * 2) for name in "abcdefgh"})
    alone = _explain_untested(left, ["a", "b"])
    assert alone == [f"{name} is not tested: it cannot be separated from other effects here." for name in "ab"]
    assert _explain_untested(left, [*"abcdefgh"]) == [
        "a, b, c, d, e, f, g, h are not tested: they cannot be separated from other effects here."
    ]
    # Where a has x, b never has y, and the other way round.
    assert _explain_untested(left, ["a:b"]) == [
        "a:b is not tested: nothing is left with a x and b y, or with a y and b x."
    ]
    pairs = [":".join(pair) for pair in itertools.combinations("abcde", 2)]
    (together,) = _explain_untested(left, pairs)
    assert together == f"{', '.join(pairs)} are not tested: of each, some combinations of levels are not left."
    many = pd.DataFrame(dict.fromkeys("ab", pd.Categorical([*"012345678"])))
    assert _explain_untested(many, ["a:b"])[0].endswith("a 0 and b 6, or with 66 other combinations.")


def test_many_hyperparameters_make_no_product_of_all_their_levels(folder) -> None:
    """4**29 combinations of levels fit into no memory."""
    random, rest, count = np.random.default_rng(4), noise(4), 29
    folder.spec.update(grace_period=1, architectures=["conv"])
    for number in range(64):
        knobs = {f"knob{place}": float(random.uniform()) for place in range(count)}
        theta = Hyperparameters(0.1, 0.5, 1e-5, 1.0, **knobs)
        accuracy, status = (None, "diverged") if number < 4 else (0.7 + 0.1 * knobs["knob3"] + rest(), "stopped")
        folder.sweep("conv", [accuracy], status, theta=theta, status=status)
    evidence = gather([read_run(folder.write())])
    found = measure_importance(evidence.candidates[0])
    assert len(found.effects) == count
    assert found.effects.query("matters")["term"].tolist() == ["knob3"]
    assert found.said[-1] == NO_SHARES
    assert TABLES["breakdowns"].fill(evidence).notes
