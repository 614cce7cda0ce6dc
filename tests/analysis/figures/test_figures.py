"""The contract of every figure, and what some of them show."""

import numpy as np
import pandas as pd
import pytest

from analysis.evidence import gather
from analysis.figures import FIGURES
from analysis.figures.costs import find_front
from analysis.figures.curves import join_curves
from analysis.figures.figure import Bars, Drawing, Heat, Line, Parallel, Points
from analysis.records.reader import read_run
from analysis.tables import TABLES
from spaces import Hyperparameters

EIGHT = TABLES["1.4"].architectures


@pytest.fixture(params=["full", "empty", "two runs", "mixed"])
def evidence(request, full, folder, make_folder, mixed):
    if request.param == "mixed":
        return gather([read_run(path.write()) for path in (mixed, full)])
    full.spec["space"] |= {"lr": {"choice": [0.0316, 1.0]}}
    if request.param == "empty":
        return gather([read_run(folder.write())])
    if request.param == "full":
        return gather([read_run(full.write())])
    other = make_folder("other")
    other.spec.update(full.spec, dataset="mnist")
    other.trials = full.trials
    return gather([read_run(full.write()), read_run(other.write())])


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_draws_or_says_why_not(evidence, name) -> None:
    drawn = FIGURES[name].draw(evidence)
    if isinstance(drawn, str):
        assert drawn.endswith(".")
        assert "\n" not in drawn
        return
    assert drawn.name == name
    assert drawn.caption.endswith(".")
    assert drawn.panels
    trials = {trial for run in evidence.runs for trial in run.trials["trial_id"]}
    for panel in drawn.panels:
        assert panel.marks
        for mark in panel.marks:
            if isinstance(mark, Line | Points):
                assert len(mark.x) == len(mark.y)
                assert not mark.links or len(mark.links) == len(mark.x)
            if isinstance(mark, Line | Points | Bars):
                assert mark.group in drawn.groups
            if isinstance(mark, Heat):
                assert mark.z.shape == (len(panel.y.categories), len(panel.x.categories))
                assert panel.x.label
                assert panel.y.label
            if isinstance(mark, Parallel):
                assert {len(mark.colour)} == {len(column) for column in mark.values}
            assert set(getattr(mark, "links", ())) - {""} <= trials


def test_an_empty_run_draws_nothing(folder) -> None:
    evidence = gather([read_run(folder.write())])
    assert all(isinstance(figure.draw(evidence), str) for figure in FIGURES.values())


def test_curves_are_joined_with_gaps(full) -> None:
    epochs = read_run(full.write()).epochs.sample(frac=1, random_state=0)
    chosen = sorted(set(epochs["trial_id"]))[:2]
    x, _, links = join_curves(epochs[epochs["trial_id"].isin(chosen)], "train_loss")
    gaps = np.flatnonzero(np.isnan(x))
    assert len(gaps) == 1
    assert set(links[: gaps[0]]) == {chosen[0]}
    assert set(links[gaps[0] + 1 :]) == {chosen[1]}
    assert list(x[: gaps[0]]) == list(range(1, gaps[0] + 1))


def test_the_rungs_are_those_of_the_run(full) -> None:
    full.spec.update(grace_period=1, reduction_factor=2)
    drawn = FIGURES["sweep-curves"].draw(gather([read_run(full.write())]))
    assert isinstance(drawn, Drawing)
    assert [epoch for epoch, _ in drawn.panels[0].rungs] == [1, 2]


def test_the_heat_map_has_the_best_of_each_cell(full) -> None:
    drawn = FIGURES["surface"].draw(gather([read_run(full.write())]))
    assert isinstance(drawn, Drawing)
    panel = drawn.panels[0]
    (heat,) = panel.marks
    assert isinstance(heat, Heat)
    cells = {
        (rate, momentum): heat.z[row, column]
        for row, momentum in enumerate(panel.y.categories)
        for column, rate in enumerate(panel.x.categories)
    }
    assert cells["0.0316", "0.9"] == pytest.approx(90.0)
    assert cells["0.1", "0.5"] == pytest.approx(80.0)
    assert cells["1.0", "0.0"] == pytest.approx(95.0)  # Stopped, but it got there.
    assert np.isnan(cells["1.0", "0.9"])  # Diverged.


def test_who_lost_seeds_is_on_no_front(full) -> None:
    """The mean of the seeds that are left is of a selection: it beats nobody."""
    best = Hyperparameters(0.0316, 0.9, 3.16e-5, 1.0)
    full.rerun("conv", [0.1], "failed", theta=best, seed=4, status="failed", error="x")
    drawn = FIGURES["costs"].draw(gather([read_run(full.write())]))
    assert isinstance(drawn, Drawing)
    lines = [mark for panel in drawn.panels for mark in panel.marks if isinstance(mark, Line)]
    assert [list(line.y) for line in lines] == [[pytest.approx(82.0)]] * 2
    assert "Left out of the front, since some of their seeds were lost: Convolutional." in drawn.caption


def test_each_data_set_has_a_front_of_its_own(full, make_folder) -> None:
    other = make_folder("other")
    other.spec.update(full.spec, dataset="mnist")
    other.trials = full.trials
    drawn = FIGURES["costs"].draw(gather([read_run(full.write()), read_run(other.write())]))
    assert isinstance(drawn, Drawing)
    assert [panel.title for panel in drawn.panels] == ["digits", "digits", "mnist", "mnist"]
    for panel in drawn.panels:
        names = {mark.texts[0].split(":")[0] for mark in panel.marks if isinstance(mark, Points)}
        assert names == {"full" if panel.title == "digits" else "other"}
        assert len([mark for mark in panel.marks if isinstance(mark, Line)]) == 1


def test_the_captions_say_what_is_left_out_and_who_goes_on(full) -> None:
    full.spec.update(scheduler="halving", grace_period=1, reduction_factor=2)
    evidence = gather([read_run(full.write())])
    parallel, curves = (FIGURES[name].draw(evidence) for name in ("parallel", "sweep-curves"))
    assert isinstance(parallel, Drawing)
    assert isinstance(curves, Drawing)
    assert "configurations that diverged have none and are left out" in parallel.caption
    assert "of all configurations, counting those that broke down before" in curves.caption


def test_the_pareto_front_is_cheapest_first_and_ever_better() -> None:
    points = pd.DataFrame({"group": list("abcde"), "mults": [5, 1, 3, 3, 9], "mean": [90.0, 80.0, 85.0, 86.0, 88.0]})
    assert find_front(points, "mults")["group"].tolist() == ["b", "d", "a"]


def test_diverged_configurations_without_an_accuracy_are_left_out_of_parallel_coordinates(full) -> None:
    full.sweep("conv", [None], "diverged", theta=Hyperparameters(2.0, 0.9, 1e-4, 2), status="diverged")
    drawn = FIGURES["parallel"].draw(gather([read_run(full.write())]))
    assert isinstance(drawn, Drawing)
    (mark,) = drawn.panels[0].marks
    assert isinstance(mark, Parallel)
    assert sorted(mark.colour) == pytest.approx([80.0, 90.0, 95.0])


@pytest.fixture
def eight(folder):
    """Eight networks with 20 epochs each: the last accuracies of three trained configurations, and two reruns."""
    folder.spec["architectures"] = list(EIGHT)
    for place, name in enumerate(EIGHT):
        rise = [0.5, 0.9, *[0.93 + place / 1000] * 16]
        for number, last in enumerate((0.94, 0.95, 0.96)):
            folder.sweep(name, [*rise, last, last], "completed", theta=Hyperparameters(0.01 * (number + 1), 0, 1e-5, 1))
        folder.sweep(name, [0.11], "stopped", theta=Hyperparameters(1, 0, 1e-5, 1))
        for seed in (1, 2):
            folder.rerun(name, [*rise, 0.96, 0.96], "completed", theta=Hyperparameters(0.03, 0, 1e-5, 1), seed=seed)
    return gather([read_run(folder.write())])


def test_curves_begin_where_trained_configurations_are(eight) -> None:
    """A quarter of 20 epochs lies at 0.93 or below; the first network has the lowest curves."""
    drawn = FIGURES["sweep-curves"].draw(eight)
    assert isinstance(drawn, Drawing)
    assert {panel.y.focus for panel in drawn.panels} == {93}
    assert {(panel.y.low, panel.y.high) for panel in drawn.panels} == {(0, 100)}
    assert "What lies below 93 % is cut off" in drawn.caption


def test_many_networks_have_a_panel_each(eight, full) -> None:
    drawn, few = (FIGURES["rerun-curves"].draw(one) for one in (eight, gather([read_run(full.write())])))
    assert isinstance(drawn, Drawing)
    assert isinstance(few, Drawing)
    assert [panel.title for panel in drawn.panels] == list(eight.groups)
    assert len({(panel.y.low, panel.y.high, panel.y.focus) for panel in drawn.panels}) == 1
    assert len(few.panels) == 1


def test_the_bands_of_many_networks_are_left_out(eight, full) -> None:
    for one, bands in ((eight, False), (gather([read_run(full.write())]), True)):
        drawn = FIGURES["budget"].draw(one)
        assert isinstance(drawn, Drawing)
        lines = [mark for panel in drawn.panels for mark in panel.marks if isinstance(mark, Line)]
        assert {mark.bounds is not None for mark in lines} == {bands}
        assert ("5 % to 95 % range" in drawn.caption) is bands
