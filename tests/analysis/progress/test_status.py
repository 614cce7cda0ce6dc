import csv
import io
from typing import Any

import pandas as pd
import pytest

from analysis.progress.status import build_status_table, filter_status, sort_status, summarize_progress
from analysis.records.reader import read_run
from analysis.render.spreadsheet import write_csv
from analysis.report.summary import explain_missing
from spaces import Hyperparameters, UserError
from tests.analysis.conftest import NET, OWN


@pytest.fixture
def table(full) -> pd.DataFrame:
    return build_status_table(read_run(full.write()), "sweep")


def test_columns(full) -> None:
    run = read_run(full.write())
    theta = ["lr", "momentum", "weight_decay", "gain"]
    assert list(build_status_table(run, "sweep")) == [
        *("trial_id", "architecture", *theta, "status", "epoch", "val_accuracy", "engine")
    ]
    assert list(build_status_table(run, "rerun")) == [
        *("trial_id", "architecture", *theta, "seed", "status", "epoch", "test_accuracy", "engine")
    ]
    assert len(build_status_table(run, "sweep")) == 8
    assert len(build_status_table(run, "rerun")) == 6


def test_an_unknown_phase(full) -> None:
    with pytest.raises(UserError, match="phase: 'final' is unknown; choose one of sweep, choice, rerun"):
        build_status_table(read_run(full.write()), "final")


@pytest.mark.parametrize(
    ("conditions", "expected"),
    [
        ([], 8),
        (["status=diverged"], 2),
        (["status != completed"], 4),
        (["status=diverged", "architecture=conv"], 1),
        (["val_accuracy>0.8"], 3),  # 0.9 and the two that were stopped at 0.95.
        (["val_accuracy>=0.8"], 5),
        (["val_accuracy<0.8"], 1),
        (["val_accuracy<=0.8"], 3),
        (["lr=0.0316", " weight_decay = 3.16e-5 "], 2),
        (["epoch=4", "momentum<0.9"], 2),
        (["trial_id=conv-nothing"], 0),
        (["status=failed", "architecture=conv"], 0),
    ],
)
def test_filters(table, conditions, expected) -> None:
    kept = filter_status(table, conditions)
    assert len(kept) == expected
    assert list(kept) == list(table)
    assert kept.index.tolist() == list(range(expected))


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("colour=red", "column: 'colour' is unknown; choose one of trial_id, architecture, lr"),
        ("status=dead", "status: 'dead' is unknown; choose one of completed, stopped, diverged, failed, unfinished"),
        ("architecture=convv", "architecture: 'convv' is unknown; did you mean conv? choose one of conv, invariant"),
        ("status==completed", "operator == is unknown for status; allowed are =, !="),
        ("status>completed", "operator > is unknown for status; allowed are =, !="),
        ("lr=>0.1", "operator => is unknown for lr; allowed are =, !=, <, <=, >, >="),
        ("lr=high", "'high' is not a number"),
        ("lr=nan", "'nan' is not a number"),
        ("lr=", "'' is not a number"),
        ("completed", "'completed' is not a condition"),
        ("", "'' is not a condition"),
        ("a\nb=c=d", "is not a condition"),
    ],
)
def test_filter_errors_are_one_line(table, condition, message) -> None:
    with pytest.raises(UserError) as error:
        filter_status(table, [condition])
    assert message in str(error.value)
    assert "\n" not in str(error.value)


def test_a_filter_of_an_empty_table_is_empty(folder) -> None:
    empty = build_status_table(read_run(folder.write()), "sweep")
    assert filter_status(empty, ["architecture=conv", "lr>0.1", "status=completed"]).empty


def test_a_filter_by_engine_passes_over_trials_that_have_none(folder) -> None:
    folder.sweep("conv", [0.5], "completed")
    folder.sweep("invariant", [], "failed", status="failed")
    folder.trials[0][1]["makers"] = [{"engine": "native", "engine_version": "1", "instruction_set": "avx2"}]
    table = build_status_table(read_run(folder.write()), "sweep")
    assert filter_status(table, ["engine=native 1 avx2"])["architecture"].tolist() == ["conv"]
    with pytest.raises(UserError, match="engine: 'torch' is unknown; choose one of native 1 avx2"):
        filter_status(table, ["engine=torch"])


def test_sorting(table) -> None:
    by_accuracy = sort_status(table, "val_accuracy")["val_accuracy"]
    assert by_accuracy.iloc[:6].tolist() == [0.95, 0.95, 0.9, 0.8, 0.8, 0.7]
    assert by_accuracy.iloc[6:].isna().all()
    by_lr = sort_status(table, "lr")
    assert by_lr["lr"].tolist() == [0.0316, 0.0316, 0.1, 0.1, 1.0, 1.0, 1.0, 1.0]
    assert by_lr["trial_id"].iloc[:2].tolist() == sorted(by_lr["trial_id"].iloc[:2])
    with pytest.raises(UserError, match=r"sort: column: 'test_accuracy' is unknown; .*choose one of trial_id"):
        sort_status(table, "test_accuracy")


def test_progress(full) -> None:
    full.sweep("conv", [0.5], None, theta=Hyperparameters(0.3, 0, 0, 1))
    full.sweep("conv", [], "failed", theta=Hyperparameters(0.4, 0, 0, 1), status="failed")
    counts: Any = summarize_progress(read_run(full.write())).set_index(["architecture", "phase"])
    statuses = ["completed", "stopped", "diverged", "failed", "unfinished"]
    assert list(counts) == ["planned", *statuses, "incumbent_val_accuracy"]
    assert counts.loc[("conv", "sweep"), statuses].tolist() == [2, 1, 1, 1, 1]
    assert counts.loc[("invariant", "sweep"), statuses].tolist() == [2, 1, 1, 0, 0]
    assert counts.loc[("conv", "rerun"), statuses].tolist() == [3, 0, 0, 0, 0]
    assert counts.loc[("conv", "sweep"), "incumbent_val_accuracy"] == 0.9
    assert counts.loc[("invariant", "sweep"), "incumbent_val_accuracy"] == 0.8
    assert pd.isna(counts.loc[("conv", "rerun"), "incumbent_val_accuracy"])


def test_reruns_of_a_former_incumbent_are_not_counted(full) -> None:
    """Another configuration of conv has won since, and is not rerun yet."""
    full.sweep("conv", [0.1, 0.2, 0.3, 0.99], "completed", theta=Hyperparameters(0.3, 0, 0, 1))
    run = read_run(full.write())
    counts: Any = summarize_progress(run).set_index(["architecture", "phase"])
    assert counts.loc[("conv", "rerun"), ["planned", "completed"]].tolist() == [3, 0]
    assert counts.loc[("invariant", "rerun"), ["planned", "completed"]].tolist() == [3, 3]
    assert "conv: 0 of 3 reruns ended." in explain_missing(run)


def test_where_no_rerun_is_counted_the_phase_is_still_shown(full) -> None:
    full.spec["architectures"] = ["conv"]
    full.trials = [kept for kept in full.trials if kept[0].architecture == "conv"]
    full.sweep("conv", [0.1, 0.2, 0.3, 0.99], "completed", theta=Hyperparameters(0.3, 0, 0, 1))
    (row,) = summarize_progress(read_run(full.write())).query("phase == 'rerun'").to_dict("records")
    assert (row["planned"], row["completed"]) == (3, 0)


def test_progress_says_what_is_planned(full) -> None:
    planned = summarize_progress(read_run(full.write())).groupby("phase")["planned"].unique()
    assert list(planned["sweep"]) == [256]
    assert list(planned["rerun"]) == [3]


def test_progress_before_the_first_trial(folder) -> None:
    counts = summarize_progress(read_run(folder.write()))
    assert counts["architecture"].tolist() == ["conv", "invariant"]
    assert counts["unfinished"].tolist() == [0, 0]


def test_further_hyperparameters_have_columns(mixed) -> None:
    table = build_status_table(read_run(mixed.write()), "sweep")
    assert list(table)[2:9] == ["lr", "momentum", "weight_decay", "gain", "activation", "bias", "width"]
    rows = list(csv.DictReader(io.StringIO(write_csv(table))))
    shown = {row["architecture"]: (row["gain"], row["activation"], row["bias"], row["width"]) for row in rows}
    assert shown["conv"] == ("1.0", "", "", "")
    assert shown[NET] == ("", "relu", "", "")
    assert shown[OWN][-1] == "64"
    assert {row["bias"] for row in rows if row["architecture"] == OWN} == {"True", "False"}


@pytest.mark.parametrize(
    ("condition", "expected"),
    [
        ("activation=gelu", 2),
        ("activation!=gelu", 4),
        ("bias=true", 2),
        ("bias!=true", 4),
        ("width>=64", 4),
        ("width!=64", 2),
        ("gain<2", 5),
    ],
)
def test_filters_of_words_and_truth_values(mixed, condition, expected) -> None:
    """What is missing meets only !=; 6 trials, of which 4 have a bias and a width and 5 a gain."""
    assert len(filter_status(build_status_table(read_run(mixed.write()), "sweep"), [condition])) == expected


@pytest.mark.parametrize(
    ("condition", "message"),
    [
        ("activation=gelo", "'gelo' is unknown; did you mean gelu? choose one of gelu, relu"),
        ("bias=1", "'1' is unknown; choose one of false, true"),
        ("activation>a", "operator > is unknown for activation; allowed are =, !="),
        ("width=wide", "'wide' is not a number"),
    ],
)
def test_what_no_word_can_be(mixed, condition, message) -> None:
    with pytest.raises(UserError) as error:
        filter_status(build_status_table(read_run(mixed.write()), "sweep"), [condition])
    assert message in str(error.value)


def test_architectures_that_take_fewer_hyperparameters_have_fewer_configurations(mixed) -> None:
    """Of 300 asked for: conv has 4^4 = 256, and the network, without a gain, 4^3 times two activations."""
    planned: dict[Any, int] = (
        summarize_progress(read_run(mixed.write()))
        .query("phase == 'sweep'")
        .set_index("architecture")["planned"]
        .to_dict()
    )
    assert planned == {"conv": 256, OWN: 300, NET: 128}
