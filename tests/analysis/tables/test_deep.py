"""Tables 1.6 and 1.7, on runs written by hand."""

import math

import pytest

from analysis.published.deep import ABLATION, HYBRIDS, OTHERS, find_swap
from analysis.records.reader import read_run
from analysis.render.formats import FORMATS
from analysis.tables import TABLES
from spaces import Hyperparameters
from spaces.specs.recipes import CIFAR

THETA = Hyperparameters(0.5, 0.85, 1e-4, 1.0)

CHAPTER = """
reference | 92.6 | - | - | 72.0 | - | - | 59.3 | - | -
invA | 92.3 | 92.4 | 92.3 | 71.4 | 71.4 | 70.7 | 60.0 | 60.5 | 59.2
invB | 93.4 | 93.2 | 93.4 | 73.4 | 72.9 | 72.3 | 61.3 | 60.7 | 61.0
invC | 93.7 | 93.2 | 93.4 | 73.7 | 73.5 | 73.0 | 61.7 | 62.0 | 61.0
invD | 92.7 | 92.6 | 92.8 | 72.5 | 72.4 | 72.1 | 61.5 | 61.2 | 59.7
invE | 91.8 | 92.2 | 92.5 | 71.1 | 71.7 | 71.8 | 60.7
invF | 92.4 | 92.9 | 92.7 | 70.3 | 71.1 | 71.7 | 59.8 | 59.9 | 58.6
invA, invB | 92.6 | 91.8 | 92.4 | 71.1 | 71.2 | 70.2 | 58.9 | 60.4 | 59.3
invB, invC | 92.2 | 91.8 | 92.3 | 71.3 | 70.9 | 70.5 | 59.6 | 59.2 | 59.3
invC, invD | 92.5 | 92.0 | 92.9 | 72.1 | 72.2 | 72.2 | 60.7 | 61.4 | 60.0
invD, invE | 90.4 | 91.2 | 91.9 | 68.6 | 69.7 | 70.5 | 58.9 | 59.1 | 58.1
invA, invC | 92.2 | 92.0 | 92.5 | 71.7 | 71.0 | 70.7 | 59.4 | 59.6 | 60.1
invB, invD | 92.8 | 92.3 | 82.8 | 73.0 | 72.3 | 71.8 | 61.4 | 60.8 | 59.5
invC, invE | 91.5 | 92.0 | 92.3 | 70.9 | 71.7 | 72.4 | 61.2
"""
"""The lines of Table 1.6 as the chapter prints them."""


def trained(folder, dataset, accuracies, epochs=4):
    folder.spec.update(dataset=dataset, architectures=list(accuracies), samples=None, rerun_seeds=2)
    folder.costs = {
        name: [("conv", 1_000_000, 30_000_000, 0), ("invariant", 500_000, 5_000_000, 600_000)] for name in accuracies
    }
    for name, values in accuracies.items():
        for seed, value in enumerate(values, start=1):
            folder.rerun(name, [0.1] * (epochs - 1) + [value], "completed", theta=THETA, seed=seed)
    return read_run(folder.write())


def row_of(frame, column, name):
    return frame[frame[column] == name].iloc[0]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("ref", ("ref", "A", None)),
        ("invC-B", ("invC", "B", None)),
        ("invB+invC-C-w16", ("invB+invC", "C", 16)),
        ("invAll-w8", ("invAll", "A", 8)),
        ("scatnetD-w16", ("scatnetD", "A", 16)),
        ("conv", None),
        ("invG", None),
        ("invC-D", None),
        ("", None),
    ],
)
def test_names_say_their_place(name, expected) -> None:
    assert find_swap(name) == expected


def test_the_published_numbers_are_those_of_the_text() -> None:
    """All of Table 1.6 as the chapter has it, copied line by line, then spot checks of Table 1.7."""
    rows = [line.split(" | ") for line in CHAPTER.strip().splitlines()]
    names = [name.replace(", ", "+").replace("reference", "ref") for name, *_ in rows]
    assert names == list(ABLATION)
    for name, (_, *cells) in zip(names, rows, strict=True):
        numbers = [None if cell == "-" else float(cell) for cell in cells]
        found = [value for group in ABLATION[name].values() for value in group]
        assert numbers + [None] * (9 - len(numbers)) == found, name
    assert ABLATION["ref"]["cifar100"] == (72.0, None, None)
    assert ABLATION["invC"]["tiny-imagenet"] == (61.7, 62.0, 61.0)
    assert ABLATION["invB+invD"]["cifar10"] == (92.8, 92.3, 82.8)
    assert ABLATION["invE"]["tiny-imagenet"] == (60.7, None, None)
    assert ABLATION["invC+invE"] == {
        "cifar10": (91.5, 92.0, 92.3), "cifar100": (70.9, 71.7, 72.4), "tiny-imagenet": (61.2, None, None),
    }  # fmt: skip
    assert sum(value is not None for row in ABLATION.values() for cells in row.values() for value in cells) == 116
    assert (HYBRIDS["scatnetC"].params, HYBRIDS["scatnetC"].mults) == (3.7, 251)
    assert HYBRIDS["scatnetD"].accuracies == (93.0, 73.5, 62.1)
    assert [other.title for other in OTHERS if "mults" in other.estimated] == [
        "All Conv",
        "VGG16",
        "ResNet-1001",
        "WRN-28-10",
    ]


def test_ours_stand_beside_the_published(folder, make_folder) -> None:
    first = trained(folder, "cifar10", {"ref": [0.92, 0.93], "invC": [0.93, 0.95], "invC-C-w16": [0.80, 0.82]})
    second = trained(make_folder("own"), "folder-mine", {"invB+invC-B": [0.5, 0.6]})
    table = TABLES["1.6"].build(first, second)
    ref, inv = row_of(table.frame, "swap", "ref"), row_of(table.frame, "swap", "invC")
    assert (ref["cifar10_a_mean"], ref["cifar10_a_n"], ref["cifar10_a_published"]) == pytest.approx((92.5, 2, 92.6))
    narrow = row_of(table.frame, "swap", "invC, C = 16")
    assert (inv["cifar10_a_mean"], narrow["cifar10_c_mean"]) == pytest.approx((94.0, 81.0))
    assert narrow["cifar10_c_std"] == pytest.approx(math.sqrt(2))
    assert math.isnan(inv["cifar10_b_mean"])
    assert math.isnan(inv["cifar10_c_mean"])
    assert math.isnan(narrow["cifar10_c_published"])  # Published are networks of width 64.
    assert (inv["cifar10_a_epochs"], inv["cifar10_a_run"]) == (4, "run")
    cells = table.cells.set_index("")
    assert cells.loc["ref", "CIFAR-10 A"] == "92.5 (92.6)"
    assert cells.loc["invC", "CIFAR-10 B"] == "(93.2)"
    assert cells.loc["ref", "CIFAR-10 B"] == ""
    assert cells.loc["invB+invD", "CIFAR-10 C"] == "(82.8?)"
    assert cells.loc["invB+invC", "folder-mine B"] == "55.0"
    assert list(table.cells)[1:] == [
        *(f"{title} {mixing}" for title in ("CIFAR-10", "CIFAR-100", "Tiny ImgNet", "folder-mine") for mixing in "ABC")
    ]
    notes = " ".join(table.notes)
    assert "folder-mine is not a data set of the chapter" in notes
    assert "width 16 (published: 64)" in notes
    assert "4 epochs (published: 120), 2 seeds (published: 5)" in notes
    assert "55.0" in FORMATS["latex"](table)


@pytest.mark.parametrize(
    ("number", "name", "row"), [("1.6", "invC-w16", "invC, C = 16"), ("1.7", "scatnetB", "ScatNet B")]
)
def test_on_other_data_the_published_numbers_are_left_out(folder, number, name, row) -> None:
    table = TABLES[number].build(trained(folder, "folder-mine", {name: [0.5, 0.6]}))
    assert list(table.cells.iloc[:, 0]) == [row]
    assert [heading for heading in map(str, table.cells) if "CIFAR" in heading or "ImgNet" in heading] == []
    text = FORMATS["md"](table)
    assert "55.0" in text
    assert "folder-mine is not a data set of the chapter: published numbers are left out." in text
    assert not [word for word in ("CIFAR-10 A", "in brackets", "82.8", "estimated", "(2.7)", "VGG16") if word in text]


def test_a_diverged_seed_counts_as_chance_and_that_is_said(folder) -> None:
    trained(folder, "cifar10", {"ref": [], "invC": [0.9, 0.92]})
    for name, seed in (("ref", 1), ("ref", 2), ("invC", 3)):
        folder.rerun(name, [None], "diverged", theta=THETA, seed=seed, status="diverged")
    folder.spec["classes"] = 10
    run = read_run(folder.write())
    cells = TABLES["1.6"].build(run).cells.set_index("")
    assert cells.loc["invC", "CIFAR-10 A"] == "64.0 (93.7)"  # 90, 92 and 10.
    assert cells.loc["ref", "CIFAR-10 A"] == "10.0 (92.6)"
    notes = TABLES["1.6"].build(run).notes
    assert [note[:40] for note in notes if "diverged" in note] == [
        "ref: of 2 ended reruns 2 diverged and co",
        "invC: of 3 ended reruns 1 diverged and c",
    ]


def test_costs_of_what_ran_stand_beside_the_published(folder) -> None:
    table = TABLES["1.7"].build(trained(folder, "cifar100", {"scatnetB": [0.7, 0.72]}))
    row = row_of(table.frame, "title", "ScatNet B")
    assert (row["params_millions"], row["mults_millions"], row["cifar100_mean"]) == pytest.approx((1.5, 35.6, 71.0))
    cells = table.cells.set_index("Arch. Name")
    assert list(cells.loc["ScatNet B"]) == ["6", "1.5 (2.7)", "36 (167)", "(91.1)", "71.0 (70.7)", "(59.6)"]
    assert list(cells.loc["VGG16"]) == ["16", "(138*)", "(313*)", "(91.6)", "", ""]


def test_multiplies_of_larger_images_do_not_stand_there(folder) -> None:
    table = TABLES["1.7"].build(trained(folder, "tiny-imagenet", {"scatnetB": [0.5, 0.52]}))
    assert table.cells.set_index("Arch. Name").loc["ScatNet B", "#Mmults"] == "(167)"


def test_multiplies_of_other_data_do_not_stand_beside_the_published(folder, make_folder) -> None:
    """Its images may be of any size; alone in the table they stand there, and no size is named."""
    own = make_folder("own")
    own.spec["data_hash"] = "bbbbbbbbbb"
    runs = trained(folder, "cifar10", {"scatnetA": [0.9, 0.92]}), trained(own, "folder-mine", {"scatnetB": [0.5, 0.52]})
    both = TABLES["1.7"].build(*runs)
    assert both.cells.set_index("Arch. Name").loc["ScatNet B", "#Mmults"] == "(167)"
    assert "multiplies per 32x32 image" in " ".join(both.notes)
    alone = TABLES["1.7"].build(runs[1])
    assert alone.cells.set_index("Arch. Name").loc["ScatNet B", "#Mmults"] == "36"
    assert "multiplies per image" in " ".join(alone.notes)


def test_multiplies_of_two_contents_of_the_larger_images_do_not_stand_there(folder, make_folder) -> None:
    other = make_folder("other")
    other.spec["data_hash"] = "bbbbbbbbbb"
    runs = [trained(each, "tiny-imagenet", {"scatnetB": [0.5, 0.52]}) for each in (folder, other)]
    cells = TABLES["1.7"].build(*runs).cells.set_index("Arch. Name")
    assert cells.loc["ScatNet B", "#Mmults"] == "(167)"


def test_another_width_is_another_row_with_costs_of_its_own(folder) -> None:
    run = trained(folder, "cifar100", {"scatnetB": [0.7, 0.72], "scatnetB-w16": [0.3, 0.32]})
    run.costs["scatnetB-w16"] = [{"params": 100_000, "mults": 2_000_000, "transform_mults": 0}]
    cells = TABLES["1.7"].build(run).cells.set_index("Arch. Name")
    assert list(cells.loc["ScatNet B"]) == ["6", "1.5 (2.7)", "36 (167)", "(91.1)", "71.0 (70.7)", "(59.6)"]
    assert list(cells.loc["ScatNet B, C = 16"]) == ["6", "0.1", "2", "", "31.0", ""]


def test_of_two_runs_of_a_cell_the_last_counts_and_the_other_is_named(folder, make_folder) -> None:
    first = trained(folder, "cifar10", {"ref": [0.5, 0.6]})
    second = trained(make_folder("again"), "cifar10", {"ref": [0.7, 0.8]})
    table = TABLES["1.6"].build(first, second)
    assert row_of(table.frame, "swap", "ref")["cifar10_a_mean"] == pytest.approx(75.0)
    assert row_of(table.frame, "swap", "ref")["cifar10_a_run"] == "again"
    assert "ref of run is left out, because again has it too and is used." in table.notes


def test_data_of_one_name_and_different_content_are_two_columns(folder, make_folder) -> None:
    folder.spec["data_hash"] = "aaaaaaaaaa"
    first = trained(folder, "folder-Mine", {"ref": [0.5, 0.6]})
    other = make_folder("other")
    other.spec["data_hash"] = "bbbbbbbbbb"
    cells = TABLES["1.6"].build(first, trained(other, "folder-Mine", {"ref": [0.1, 0.2]})).cells.set_index("")
    assert cells.loc["ref", "folder-Mine aaaaaa A"] == "55.0"
    assert cells.loc["ref", "folder-Mine bbbbbb A"] == "15.0"


@pytest.mark.parametrize(("number", "other"), [("1.6", "scatnetB"), ("1.7", "invC")])
def test_networks_of_the_other_table_have_no_place(folder, number, other) -> None:
    notes = TABLES[number].build(trained(folder, "cifar10", {other: [0.5, 0.6]})).notes
    assert notes[0].startswith("No network of this table was trained")


def test_what_was_asked_otherwise_than_by_the_text_is_said(folder) -> None:
    folder.spec.update(batch_size=8, thetas={"ref": {"lr": 0.1, "momentum": 0.5, "weight_decay": 0.0, "gain": 2.0}})
    notes = " ".join(TABLES["1.6"].build(trained(folder, "tiny-imagenet", {"ref": [0.5, 0.6]})).notes)
    assert "4 epochs (published: 45), 2 seeds (published: 5), batches of 8 (published: 128)" in notes
    theta = "lr 0.5, momentum 0.85, weight decay 1e-4, gain 1.0"
    assert f"other lr, momentum, weight decay or gain (published: {theta})" in notes
    assert "recipe: constant lr, images as they are (published: lr x 0.2 after epochs 18, 30, 40 of 45, " in notes


def test_batches_are_those_of_the_configurations(folder) -> None:
    """The run's own batch size is that of the published ones, and no trial's."""
    theta = Hyperparameters.from_mapping(THETA.as_dict() | {"batch_size": 32})
    folder.spec.update(
        batch_size=128, thetas={"ref": theta.as_dict()}, rerun_seeds=1, architectures=["ref"], samples=None
    )
    folder.rerun("ref", [0.1] * 3 + [0.5], "completed", theta=theta)
    notes = " ".join(TABLES["1.6"].build(read_run(folder.write())).notes)
    assert "batches of 32 (published: 128)" in notes
    assert "other lr" not in notes


@pytest.mark.parametrize("number", ["1.6", "1.7"])
def test_a_sweep_without_reruns_says_so(folder, number) -> None:
    folder.spec.update(architectures=["ref", "scatnetA"], dataset="folder-own", rerun_seeds=None, rerun_epochs=None)
    folder.sweep("ref", [0.5] * 4, "completed")
    notes = " ".join(TABLES[number].build(read_run(folder.write())).notes)
    assert "run: folder-own, searched and not rerun yet (invsearch rerun does), batches of 16 (published: 128)" in notes


def test_a_run_by_the_book_has_nothing_to_say(folder) -> None:
    folder.spec.update(batch_size=128, rerun_epochs=120, recipe=CIFAR.as_dict(), thetas={"ref": THETA.as_dict()})
    run = trained(folder, "cifar10", {"ref": [0.5, 0.6, 0.5, 0.6, 0.5]}, epochs=120)
    run.spec["rerun_seeds"] = 5
    notes = TABLES["1.6"].build(run).notes
    assert notes[1] == "run: cifar10, 120 epochs, 5 seeds."
    assert "published:" not in " ".join(notes)
