"""Tables 1.6 and 1.7, on runs written by hand."""

import math

import pytest

from analysis.formats import FORMATS
from analysis.published_deep import ABLATION, HYBRIDS, OTHERS, swap_of
from analysis.records import read_run
from analysis.tables import TABLES
from spaces import Hyperparameters

THETA = Hyperparameters(0.5, 0.85, 1e-4, 1.0)


def trained(folder, dataset, accuracies, epochs=4):
    folder.spec.update(dataset=dataset, architectures=list(accuracies), samples=None, space=None, rerun_seeds=2)
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
    assert swap_of(name) == expected


def test_the_published_numbers_are_those_of_the_text() -> None:
    """Spot checks of corners, blanks and the suspicious cell against the chapter."""
    assert ABLATION["ref"]["cifar100"] == (72.0, None, None)
    assert ABLATION["invC"]["tiny-imagenet"] == (61.7, 62.0, 61.0)
    assert ABLATION["invB+invD"]["cifar10"] == (92.8, 92.3, 82.8)
    assert ABLATION["invE"]["tiny-imagenet"] == (60.7, None, None)
    assert ABLATION["invC+invE"] == {
        "cifar10": (91.5, 92.0, 92.3), "cifar100": (70.9, 71.7, 72.4), "tiny-imagenet": (61.2, None, None),
    }  # fmt: skip
    assert sum(value is not None for row in ABLATION.values() for cells in row.values() for value in cells) == 116
    assert (HYBRIDS["scatnetC"].params, HYBRIDS["scatnetC"].mults) == (3.7, 251)
    assert HYBRIDS["scatnetD"].accuracies == {"cifar10": 93.0, "cifar100": 73.5, "tiny-imagenet": 62.1}
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
    assert (inv["cifar10_a_mean"], inv["cifar10_c_mean"]) == pytest.approx((94.0, 81.0))
    assert inv["cifar10_c_std"] == pytest.approx(math.sqrt(2))
    assert math.isnan(inv["cifar10_b_mean"])
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
    assert "folder-mine is a data set of its own" in notes
    assert "width 16" in notes
    assert "4 epochs, 2 seeds (published: 5)" in notes
    assert "CIFAR-10 A" in FORMATS["latex"](table)


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
