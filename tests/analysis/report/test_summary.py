import itertools

import numpy as np
import pytest

from analysis.evidence import gather
from analysis.records.reader import read_run
from analysis.report.summary import summarize
from analysis.tables import TABLES
from spaces import Hyperparameters

BEST = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)


def said(*folders, **options) -> str:
    return "\n".join(summarize(gather([read_run(folder.write()) for folder in folders], **options)).sentences)


def test_who_is_ahead_and_by_how_much(five) -> None:
    """92 -+ t(0.975, 4) x 2 / sqrt(5) = 2.776 x 0.894; 10 -+ t(0.975, 7.446) x sqrt(2.2) = 2.336 x 1.483."""
    text = said(five)
    assert "Convolutional has the highest mean test accuracy: 92.00 % over 5 seeds, 95 % CI 89.52 to 94.48." in text
    assert "It is better than Invariant by 10.00 points (95 % CI 6.53 to 13.47, Holm-corrected p < 0.001" in text
    assert "The published numbers are for MNIST" not in text
    assert (
        "No network can be compared with the published numbers: the chapter has no mean with a standard deviation"
        in text
    )


def test_who_cannot_be_told_apart(folder) -> None:
    for name, accuracies in (
        ("conv", (0.90, 0.94, 0.92, 0.91, 0.93)),
        ("invariant", (0.91, 0.95, 0.93, 0.92, 0.94)),
    ):
        folder.sweep(name, [0.1, 0.2, 0.3, 0.9], "completed", theta=BEST)
        for seed, accuracy in enumerate(accuracies):
            folder.rerun(name, [0.1, 0.2, 0.3, accuracy], "completed", theta=BEST, seed=seed)
    text = said(folder)
    assert "Invariant has the highest mean" in text
    assert "It does not differ significantly from Convolutional: 1.00 points" in text
    assert "these seeds would have shown" in text


def test_no_network_is_better_by_its_surviving_seeds(folder) -> None:
    """4 x 97.4, 3 x 97.3 and 3 diverged against ten seeds near 96.5: with the diverged at chance 71.2 %."""
    folder.spec.update(dataset="mnist", rerun_seeds=10, classes=10)
    for seed in range(10):
        folder.rerun("invariant", [0.1] * 3 + [0.963 + seed / 2500], "completed", theta=BEST, seed=seed)
        if seed < 7:
            folder.rerun("conv", [0.1] * 3 + [0.974 if seed < 4 else 0.973], "completed", theta=BEST, seed=seed)
        else:
            folder.rerun("conv", [None], "diverged", theta=BEST, seed=seed, status="diverged")
    text = said(folder)
    assert "Invariant has the highest mean test accuracy: 96.48 %" in text
    assert "It does not differ significantly from Convolutional: 25.33 points" in text  # Three of ten may be chance.
    assert "Hedges" not in text
    assert "better" not in text
    assert "The published 97.3 % of Convolutional was not tested" in text
    assert "The published 96.6 % of Invariant is reproduced" in text


def test_of_many_networks_the_answer_is_short_and_the_rest_by_network(folder) -> None:
    """The answer names whom the leader beats, and what became of the published means; numbers are in the details."""
    folder.spec.update(dataset="mnist", rerun_seeds=5, architectures=["conv", "invariant", "dct"])
    for name, mean in (("conv", 0.973), ("invariant", 0.95), ("dct", 0.9729)):
        for seed, shift in enumerate((-2, -1, 0, 1, 2)):
            folder.rerun(name, [0.1, 0.2, 0.3, mean + shift / 2000], "completed", theta=BEST, seed=seed)
    summary = summarize(gather([read_run(folder.write())]))
    dct = "Learned 3 DCT coeffs (e)"
    assert summary.answer[0].startswith("Convolutional has the highest mean test accuracy: 97.30 %")
    assert summary.answer[1] == f"It is better than Invariant; it does not differ significantly from {dct}."
    published = next(line for line in summary.answer if "published means" in line)
    assert published.startswith("Of the 3 published means 1 is reproduced within 0.5 points (Convolutional)")
    invariant = " ".join(summary.details["Invariant"])
    assert invariant.startswith("Convolutional is better than Invariant by 2.30")
    assert "The published 96.6 % of Invariant is not" in invariant
    assert "The published 98.1 %" in " ".join(summary.details[dct])
    assert summary.sentences[: len(summary.answer)] == summary.answer


def test_where_every_network_lost_seeds_none_is_ahead(folder) -> None:
    for name in ("conv", "invariant"):
        folder.rerun(name, [0.1, 0.2, 0.3, 0.9], "completed", theta=BEST, seed=1)
        folder.rerun(name, [0.1], "failed", theta=BEST, seed=2, status="failed", error="x")
    assert said(folder).startswith("No network has kept all its seeds, so none can be said to be ahead.")


def test_a_network_of_which_all_seeds_diverged_is_not_forgotten(folder) -> None:
    for seed in range(3):
        folder.rerun("invariant", [0.1] * 3 + [0.96 + seed / 1000], "completed", theta=BEST, seed=seed)
        folder.rerun("conv", [None], "diverged", theta=BEST, seed=seed, status="diverged")
    text = said(folder)
    assert "nothing to compare it with" not in text
    assert "It is 96.10 points ahead of Convolutional, but the two were not tested" in text
    assert "Convolutional: of 3 ended reruns 3 diverged and count as 0 %" in text


@pytest.mark.parametrize(
    ("accuracies", "expected"),
    [
        ((0.973, 0.9725, 0.9735, 0.973, 0.973), "is reproduced within 0.5 points (ours minus published +0.00"),
        ((0.95, 0.9505, 0.9495, 0.95, 0.95), "is not reproduced: ours differs (ours minus published -2.30"),
        (
            (0.95, 0.99, 0.97, 0.955, 0.985),
            "is neither reproduced nor refuted within 0.5 points; if this difference lasts, more seeds of ours would",
        ),
        ((0.973, 0.9731), "was not tested, since a test takes 5 finished seeds (ours minus published +0.01, 2 of 3"),
    ],
)
def test_the_published_number(folder, accuracies, expected) -> None:
    folder.spec.update(dataset="mnist", architectures=["conv"])
    for seed, accuracy in enumerate(accuracies):
        folder.rerun("conv", [0.1, 0.2, 0.3, accuracy], "completed", theta=BEST, seed=seed)
    assert f"The published 97.3 % of Convolutional {expected}" in said(folder)
    if expected.startswith("is reproduced"):
        assert "within 0.7 points" in said(folder, margin=0.7)


def test_where_the_published_spread_is_too_wide_no_seeds_of_ours_would_tell(folder) -> None:
    """Random kernels: 95.8 with a std of 1.01 over ten seeds is known to -+ 0.585 only."""
    folder.spec.update(dataset="mnist", architectures=["random"], rerun_seeds=10)
    for seed in range(10):
        folder.rerun("random", [0.1, 0.2, 0.3, 0.956 + seed / 2500], "completed", theta=BEST, seed=seed)
    text = said(folder)
    assert "more seeds" not in text
    assert (
        "no number of seeds of ours would settle this difference at 0.5 points, since the published mean rests on 10 "
        "seeds with a std of 1.01" in text
    )


def test_diverged_seeds_count_in_the_difference_from_the_published_number(folder) -> None:
    folder.spec.update(dataset="mnist", architectures=["conv"], rerun_seeds=2)
    for seed, accuracy in ((0, 0.973), (1, None)):
        status = "diverged" if accuracy is None else "running"
        rows = [0.1, 0.2, 0.3, accuracy]
        folder.rerun(
            "conv", rows, "diverged" if accuracy is None else "completed", theta=BEST, seed=seed, status=status
        )
    assert (
        "The published 97.3 % of Convolutional was not tested, since a test takes 5 finished seeds (ours minus "
        "published -48.65, 2 of 2 seeds ended)." in said(folder)
    )


def test_nothing_has_finished(folder) -> None:
    assert said(folder).startswith("No rerun has finished, so nothing can be said about accuracy yet.")


def test_two_data_sets_do_not_compare(full, make_folder) -> None:
    other = make_folder("other")
    other.spec["dataset"] = "mnist"
    for seed, accuracy in enumerate((0.9, 0.91, 0.92)):
        other.rerun("conv", [0.1, 0.2, 0.3, accuracy], "completed", theta=BEST, seed=seed)
    text = said(full, other)
    assert text.startswith("The runs are on different data, so only networks on the same data are compared.")
    assert "On digits, full: Convolutional has the highest mean test accuracy" in text
    assert "On mnist, other: Convolutional reaches 91.00 %" in text
    assert "than other" not in text


def test_the_same_name_and_other_content_are_different_data(full, make_folder) -> None:
    other = make_folder("other")
    other.spec["data_hash"] = "e" * 10
    other.rerun("conv", [0.1, 0.2, 0.3, 0.9], "completed", theta=BEST, seed=1)
    text = said(full, other)
    assert "On digits dddddd, full: Convolutional" in text
    assert "On digits eeeeee, other: Convolutional reaches 90.00 % over 1 of 3 seeds" in text


def test_lost_reruns_are_named(full) -> None:
    for seed in range(4, 8):
        full.rerun("conv", [None], "diverged", theta=BEST, seed=seed, status="diverged")
    full.spec["architectures"].append("dct")
    full.sweep("dct", [0.1, 0.2, 0.3, 0.8], "completed", theta=BEST)
    full.rerun("dct", [None], "diverged", theta=BEST, seed=1, status="diverged")
    text = said(full)
    assert "Convolutional: of 7 ended reruns 4 diverged and count as" in text
    assert "Learned 3 DCT coeffs (e): of 1 ended rerun 1 diverged and counts as" in text


def test_a_reduced_run_says_so_beside_the_published(full) -> None:
    full.spec["dataset"] = "mnist"
    text = said(full)
    assert "These runs fall short of the published protocol. Reduced settings: 4 epochs per configuration" in text


LEVELS = (0.1, 1.0), (0.0, 0.5), (1e-5, 1e-4), (0.5, 1.0, 1.5, 2.0)


def searched(folder, accuracy, levels=LEVELS) -> str:
    """What mattered in a sweep of a grid, of which None diverged."""
    folder.spec.update(grace_period=1, architectures=["conv"])
    for number, theta in enumerate(itertools.product(*levels)):
        value = accuracy(number, *theta)
        status = "diverged" if value is None else "stopped"
        folder.sweep("conv", [value], status, theta=Hyperparameters(*theta), status=status)
    return said(folder)


def test_what_mattered_and_what_did_not(folder) -> None:
    assert searched(folder, lambda number, lr, *_: 0.5 + 0.3 * lr + number % 3 / 1000).endswith(
        "Convolutional: among the 32 configurations that did not break down, validation accuracy depends on lr; "
        "shares of its variance over 32 configurations: lr 100 %. "
        "No effect of momentum, weight_decay, gain was found."
    )


def test_what_breaks_down_is_another_question(folder) -> None:
    """With lr 1 all diverge; of the rest gain is all that matters, and momentum was not varied."""
    text = searched(
        folder,
        lambda number, lr, _, wd, gain: None if lr == 1 else 0.9 - gain / 10 + number % 3 / 1e4,
        ((0.01, 0.1, 1.0), (0.5,), (1e-5, 1e-4), (0.5, 1.0, 1.5, 2.0)),
    )
    assert text.splitlines()[-2:] == [
        "Convolutional: 8 of 24 configurations broke down, all with lr 1.0; that depends on lr (0.01: 0/8, "
        "0.1: 0/8, 1.0: 8/8), as the chapter says.",
        "Convolutional: among the 16 configurations that did not break down, validation accuracy depends on gain; "
        "shares of its variance over 16 configurations with lr 0.01, 0.1: gain 100 %. "
        "No effect of weight_decay was found.",
    ]


def test_no_effect_is_not_said_of_what_could_not_be_tested(folder) -> None:
    """With lr 1 and momentum 0.5 all diverge, so lr with momentum has no test."""
    text = searched(
        folder,
        lambda number, lr, momentum, wd, gain: (
            None if (lr, momentum) == (1, 0.5) else 0.9 - gain / 10 + number % 3 / 1e4
        ),
    )
    assert text.endswith("No effect of weight_decay was found.")


def test_nothing_mattered(folder) -> None:
    random = np.random.default_rng(1)
    assert searched(folder, lambda *_: 0.9 + random.normal(0, 0.001)).endswith(
        "among the 32 configurations that did not break down, no effect on validation accuracy was found."
    )


def test_two_with_the_same_mean_are_both_named(five) -> None:
    """All at 100 %: nobody is ahead, and equal seeds are no test."""
    five.trials = [kept for kept in five.trials if kept[0].phase == "sweep"]
    for name in ("conv", "invariant"):
        for seed in range(5):
            five.rerun(name, [0.1, 0.2, 0.3, 1.0], "completed", theta=BEST, seed=seed)
    text = said(five)
    assert (
        "Convolutional has the highest mean test accuracy, which Invariant also reaches: 100.00 % over 5 seeds." in text
    )
    assert "It is level with Invariant, but the two were not tested, since seeds that are all alike" in text


@pytest.mark.parametrize("number", ["ranking", "pairs"])
def test_a_copy_of_a_run_is_no_second_sample(five, make_folder, number) -> None:
    copy = make_folder("copy")
    copy.spec, copy.trials = five.spec, five.trials
    evidence = gather([read_run(five.write()), read_run(copy.write())])
    left = "copy: Invariant shares trials with full: Invariant, with the same results"
    assert left in "\n".join(summarize(evidence).sentences)
    filled = TABLES[number].fill(evidence)
    assert left in "\n".join(filled.notes)
    assert "Holm-corrected over 1 pair" in "\n".join(filled.notes)
    assert "copy" not in filled.cells.to_string()


def test_seeds_that_are_still_to_come_are_counted(five) -> None:
    five.spec["rerun_seeds"] = 10
    assert "Convolutional has the highest mean test accuracy: 92.00 % over 5 of 10 seeds" in said(five)


def test_an_edge_of_the_incumbent_alone_is_its_own(five) -> None:
    five.spec["space"] = {"name": "mine", "gain": {"choice": [1.0, 2.0]}} | {
        name: {"choice": [value]} for name, value in (("lr", 0.0316), ("momentum", 0.9), ("weight_decay", 3.16e-5))
    }
    assert "no other configuration came as close" in said(five)
    assert "; it lies on the edge of the searched range: gain = 1.0 (lowest)." in said(five)
