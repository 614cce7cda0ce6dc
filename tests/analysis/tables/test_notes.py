from pathlib import Path

import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.tables import TABLES
from spaces import Hyperparameters
from spaces.specs.recipes import CIFAR
from tests.analysis.conftest import NET, OWN

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)


def notes_of(folder, number: str = "1.3") -> str:
    return notes_of_path(folder.write(), number)


def notes_of_path(path: Path, number: str = "1.3") -> str:
    return "\n".join(TABLES[number].build(read_run(path)).notes)


def test_data_set_and_seeds(full) -> None:
    notes = notes_of(full)
    assert "Data set: digits." in notes
    assert "after epoch 4" in notes
    assert "over the seeds that finished: Convolutional 3, Invariant 3." in notes


def test_who_is_told_apart_from_conv(five) -> None:
    # 92 against 82: t = 6.74, df = 7.45 (tests/analysis/stats/test_pairs.py): p = 0.0002.
    assert (
        "Significantly different from Convolutional at 5 % (Welch's test, Holm-corrected over 1 pair): Invariant."
        in notes_of(five)
    )


def test_who_is_not_told_apart_from_conv(folder) -> None:
    for seed, (conv, invariant) in enumerate(((0.90, 0.91), (0.94, 0.95), (0.92, 0.93), (0.91, 0.92), (0.93, 0.94))):
        folder.rerun("conv", [0.5] * 3 + [conv], "completed", seed=seed)
        folder.rerun("invariant", [0.5] * 3 + [invariant], "completed", seed=seed)
    assert "Not significantly different from Convolutional at 5 %" in notes_of(folder)


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary", "ranking", "pairs", "published"])
def test_two_seeds_that_happen_to_be_close_prove_nothing(folder, number) -> None:
    """97.50 and 97.51 against ten seeds near 96.5: Welch's p is 0.0003, at a tenth of the level it claims."""
    folder.spec["dataset"] = "mnist"
    for seed in range(10):
        if seed < 2:
            folder.rerun("conv", [0.5] * 3 + [0.9750 + seed / 10_000], "completed", seed=seed)
        folder.rerun("invariant", [0.5] * 3 + [0.963 + seed / 2500], "completed", seed=seed)
    notes = notes_of(folder, number)
    assert "a test takes 5 finished seeds" in notes or "fewer than 5 have finished" in notes
    assert "ignificantly different from Conv" not in notes
    assert "0 pairs" not in notes
    cells = TABLES[number].build(read_run(folder.path)).cells
    assert not cells.isin(["differs", "yes"]).to_numpy().any()


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary", "ranking", "pairs", "published"])
def test_a_rerun_that_learned_nothing_is_named(folder, number) -> None:
    for seed in range(5):
        folder.rerun("conv", [0.1] * 3 + [0.1 if seed == 2 else 0.95], "completed", seed=seed)
        folder.rerun("invariant", [0.5] * 3 + [0.94 + seed / 1000], "completed", seed=seed)
    notes = notes_of(folder, number)
    said = "Convolutional: of 5 finished reruns 1 collapsed (10.0 %); it counts in the mean and in every test."
    assert notes.count(said) == 1
    assert notes.count("collapsed") == 1


def test_half_of_the_best_may_be_guessing(folder) -> None:
    """Of two classes: 75 is halfway from guessing to the best."""
    folder.spec["classes"] = 2
    for seed, accuracy in enumerate((1.0, 0.76, 0.74, 0.5, 0.98)):
        folder.rerun("conv", [0.5] * 3 + [accuracy], "completed", seed=seed)
    assert "of 5 finished reruns 2 collapsed (50.0, 74.0 %); they count in the mean" in notes_of(folder)


def test_the_number_that_the_text_gives_is_not_tested_by_two_seeds(folder) -> None:
    folder.spec["dataset"] = "mnist"
    for seed in range(2):
        folder.rerun("conv", [0.5] * 3 + [0.9730 + seed / 10_000], "completed", seed=seed)
    assert "Not tested against the published mean, since a test takes 5 finished seeds: Convolutional." in notes_of(
        folder
    )


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary"])
def test_published_numbers_are_compared_on_mnist_only(full, number) -> None:
    assert "The published numbers are for MNIST; on other data they are left out." in notes_of(full, number)
    full.spec["dataset"] = "mnist"
    assert "left out" not in notes_of(full, number)


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary", "ranking", "pairs"])
def test_every_table_says_the_same_family(five, number) -> None:
    """Three networks make three pairs, also in Table 1.3, which shows two of them."""
    for seed, accuracy in ((1, 0.7), (2, 0.71), (3, 0.72), (4, 0.71), (5, 0.7)):
        five.rerun("dct", [0.1] * 3 + [accuracy], "completed", seed=seed)
    five.sweep("dct", [0.1] * 3 + [0.7], "completed")
    five.spec["architectures"].append("dct")
    assert "Holm-corrected over 3 pairs" in notes_of(five, number)


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary", "published"])
def test_the_margin_is_that_of_the_command(five, number) -> None:
    five.spec["dataset"] = "mnist"
    filled = TABLES[number].fill(gather([read_run(five.write())], margin=20.0))
    assert "20 points" in "\n".join(filled.notes)
    assert "0.5 points" not in "\n".join(filled.notes)


@pytest.mark.parametrize("number", ["ranking", "pairs", "published"])
def test_lost_seeds_are_counted_and_the_row_stays(full, number) -> None:
    full.spec.update(dataset="mnist", rerun_seeds=4)
    full.rerun("conv", [0.1], "failed", theta=BEST, seed=4, status="failed", error="x")
    filled = TABLES[number].build(read_run(full.write()))
    row = filled.cells[(filled.cells.iloc[:, :2] == "Convolutional").any(axis=1)].iloc[0]
    assert "3 of 4" in row["n"]
    assert {"groups": "-", "differs": "-", "conclusion": "not tested"}.items() & row.to_dict().items()


def test_published_means_on_mnist(folder) -> None:
    folder.spec["dataset"] = "mnist"
    ours = ((0.972, 0.90), (0.973, 0.91), (0.974, 0.90), (0.973, 0.91), (0.973, 0.90))
    for seed, (conv, invariant) in enumerate(ours, start=1):
        folder.rerun("conv", [0.5] * 3 + [conv], "completed", seed=seed)
        folder.rerun("invariant", [0.5] * 3 + [invariant], "completed", seed=seed)
    notes = notes_of(folder)
    assert "The published mean is reproduced within 0.5 points (TOST at 5 %): Convolutional." in notes
    assert "Ours differs from the published mean (Welch's test at 5 %): Invariant." in notes


def test_a_run_of_other_networks_is_not_told_to_go_on(folder) -> None:
    folder.spec["architectures"] = ["ref"]
    folder.rerun("ref", [0.5] * 4, "completed", seed=1)
    assert "Data set: digits. None of these networks is in the run; invsearch table summary has" in notes_of(folder)


def test_where_the_text_has_no_number_of_tables_1_3_and_1_4_none_is_spoken_of(folder) -> None:
    folder.spec.update(architectures=["ref"], dataset="cifar10", recipe=CIFAR.as_dict(), samples=None)
    for seed in (1, 2):
        folder.rerun("ref", [0.5] * 4, "completed", seed=seed)
    notes = notes_of(folder, "summary")
    assert "MNIST" not in notes
    assert "Reduced settings: 3 rerun seeds (published: 5), 4 epochs per rerun (published: 120)." in notes


def test_what_the_mean_leaves_out(full) -> None:
    full.spec["rerun_seeds"] = 10
    full.rerun("conv", [None], "diverged", theta=BEST, seed=4, status="diverged")
    full.rerun("conv", [0.1], None, theta=BEST, seed=5)
    full.rerun("conv", [0.1] * 4, "completed", seed=1)
    notes = notes_of(full)
    assert "Convolutional: the mean leaves out 1 unfinished, 5 not started." in notes
    said = (
        "of 4 ended reruns 1 diverged and counts as 0 %, as the classes are not recorded, in the mean and in every test"
    )
    assert f"Convolutional: {said}; the mean of the 3 that succeeded is 92.00 %." in notes
    assert "Convolutional: reruns of other configurations than the incumbent's are not counted: 1." in notes


def test_reduced_settings_are_named(full) -> None:
    assert (
        "Reduced settings: 4 epochs per configuration (published: 20), 3 rerun seeds (published: 10), "
        "4 epochs per rerun (published: 20)."
    ) in notes_of(full).splitlines()
    full.spec.update(samples=16, max_epochs=20, rerun_seeds=10, rerun_epochs=20)
    assert "Reduced settings: 16 configurations per architecture (published: 256)." in notes_of(full)
    full.spec.update(samples=1, grace_period=1, max_epochs=1, rerun_seeds=1, rerun_epochs=1)
    assert (
        "Reduced settings: 1 configuration per architecture (published: 256), 1 epoch per configuration "
        "(published: 20), 1 rerun seed (published: 10), 1 epoch per rerun (published: 20)."
    ) in notes_of(full)
    full.spec.update(samples=256, max_epochs=20, rerun_seeds=10, rerun_epochs=20)
    assert "Reduced" not in notes_of(full)


def test_damaged_files_are_counted(full) -> None:
    path = full.write()
    next(path.glob("trials/*/record.json")).write_text("{")
    assert "left out: 1." in notes_of_path(path)


def test_cost_notes(full) -> None:
    assert "Rows marked *: on the built network a cost differs" in notes_of(full, "1.4")
    full.costs = {}
    assert "The costs are blank" in notes_of(full, "1.4")
    assert "*" not in notes_of(full, "1.4")


def test_an_incomplete_sweep_is_named(full) -> None:
    full.spec["samples"] = 4
    assert "incomplete" not in notes_of(full)
    assert "Searched: 4 configurations of each network." in notes_of(full)
    full.spec["samples"] = 5
    full.sweep("conv", [0.5], None, theta=Hyperparameters(0.5, 0, 0, 1))
    full.sweep("invariant", [], "failed", theta=Hyperparameters(0.5, 0, 0, 1), status="failed", error="a bug")
    said = notes_of(full)
    assert "Searched" not in said
    assert (
        "The sweep is incomplete, counting configurations that ended: conv 4 of 5, invariant lost 1 to failures."
    ) in said


def test_engines_are_named(full) -> None:
    assert "All epochs were trained by native 1 avx2." in notes_of(full)
    _, record, _ = full.trials[0]
    record["makers"].append({"engine": "native", "engine_version": "1", "instruction_set": "avx512", "host": "h"})
    record["rows"][-1]["maker"] = 1
    assert "Trained by several engines: 43 epochs by native 1 avx2, 1 epoch by native 1 avx512." in notes_of(full)
    del record["makers"][1]["engine"]
    assert "43 epochs by native 1 avx2, 1 epoch by an engine that is not on record." in notes_of(full)


@pytest.mark.parametrize("number", ["1.3", "1.4", "summary"])
def test_reruns_that_all_diverged_are_not_to_be_trained(folder, number) -> None:
    folder.spec["classes"] = 10
    for seed in range(3):
        folder.rerun("conv", [None], "diverged", seed=seed, status="diverged")
    notes = notes_of(folder, number)
    assert (
        "Convolutional: of 3 ended reruns 3 diverged and count as chance (10.0 %) in the mean and in every test."
        in notes
    )
    assert "invsearch rerun" not in notes


@pytest.mark.parametrize("number", ["search", "importance", "breakdowns"])
def test_a_search_that_has_not_begun_was_not_given_its_configurations(folder, number) -> None:
    assert notes_of(folder, number) == "No configuration of the search has begun yet."
    folder.spec.update(samples=None)
    assert notes_of(folder, number).startswith("Nothing was searched in these runs")


@pytest.mark.parametrize("number", ["ranking", "pairs"])
def test_where_nothing_was_tested_no_family_is_named(full, number) -> None:
    """Three seeds each: not "Holm-corrected over 0 pairs"."""
    notes = notes_of(full, number)
    assert "0 pairs" not in notes
    assert "No pair was tested" in notes
    assert "Not tested, since a test takes 5 finished seeds: Convolutional, Invariant." in notes


@pytest.mark.parametrize("number", ["1.3", "summary", "ranking"])
def test_a_search_that_found_nothing_is_not_told_to_rerun(folder, number) -> None:
    folder.spec.update(samples=1)
    for name in ("conv", "invariant"):
        assert "No rerun has finished yet; invsearch rerun trains them." in notes_of(folder, number)
        folder.sweep(name, [None], "diverged", status="diverged")
    assert "There is nothing to rerun: no configuration of the search was trained to the end." in notes_of(
        folder, number
    )


def test_the_sweep_of_each_architecture_is_held_against_its_own_plan(mixed) -> None:
    said = "counting configurations that ended: conv 1 of 256, {} 4 of 300, {} 1 of 128."
    assert said.format(OWN, NET) in notes_of(mixed, "summary")


def test_a_table_says_where_the_other_networks_of_the_run_stand(full) -> None:
    full.spec["architectures"] += ["dct", "ref", "invA-B-w16", "scatnetA", "Mine-1"]
    deep = (
        "ref, invA-B-w16 (in Table 1.6); scatnetA (in Table 1.7); Mine-1 (not in the chapter). Table summary has every"
    )
    assert f"Of the run, not in this table: dct (in Table 1.4); {deep} network of the run." in notes_of(full, "1.3")
    assert f"Of the run, not in this table: {deep} network of the run." in notes_of(full, "1.4")
    assert "not in this table" not in notes_of(full, "summary")
    full.rerun("ref", [0.5] * 4, "completed", seed=1)
    said = "Of the run, not in this table: conv, invariant, dct (in Table 1.4); scatnetA (in Table 1.7); Mine-1 (not in"
    assert said in notes_of(full, "1.6")
    full.spec["architectures"] = ["conv", "invariant"]
    assert "not in this table" not in notes_of(full, "1.3")
