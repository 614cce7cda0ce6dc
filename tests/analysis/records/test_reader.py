import hashlib
import json
import math
from pathlib import Path

import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from analysis.incumbents import find_incumbents
from analysis.records.reader import read_run
from analysis.records.schema import EPOCHS, TRIALS
from analysis.reruns import find_reruns
from spaces import UserError


def test_columns_and_values_of_a_trial(folder) -> None:
    swept = folder.sweep("conv", [0.5, 0.75], "completed", loss=0.4)
    rerun = folder.rerun("conv", [0.6], None, seed=7)
    run = read_run(folder.write())

    assert list(run.trials.columns) == list(TRIALS)
    assert list(run.epochs.columns) == list(EPOCHS)
    assert {name: str(dtype) for name, dtype in run.trials.dtypes.items()} == TRIALS
    trials = run.trials.set_index("trial_id")
    first = trials.loc[swept]
    assert (first["phase"], first["architecture"], first["dataset"]) == ("sweep", "conv", "digits")
    assert tuple(first[["lr", "momentum", "weight_decay", "gain"]]) == (0.1, 0.5, 1e-5, 1.5)
    assert (first["seed"], first["split_seed"], first["batch_size"], first["epoch"]) == (0, 0, 16, 2)
    assert (first["train_loss"], first["val_loss"], first["val_accuracy"]) == (0.25, 0.4, 0.75)
    assert math.isnan(first["test_accuracy"])
    assert first["seconds"] == 1.0
    assert pd.isna(first["error"])
    second = trials.loc[rerun]
    assert second["test_accuracy"] == 0.6
    assert math.isnan(second["val_accuracy"])
    assert pd.isna(second["split_seed"])
    assert run.epochs.set_index("trial_id").loc[swept, "val_accuracy"].tolist() == [0.5, 0.75]
    assert run.damaged == []
    assert run.costs["conv"][0]["params"] == 63


@pytest.mark.parametrize(
    ("record", "outcome", "status"),
    [
        ("running", None, "unfinished"),
        ("diverged", None, "diverged"),
        ("failed", None, "failed"),
        ("running", "completed", "completed"),
        ("running", "stopped", "stopped"),
        ("diverged", "diverged", "diverged"),
        ("failed", "stopped", "stopped"),
    ],
)
def test_the_outcome_comes_before_the_record(folder, record, outcome, status) -> None:
    folder.sweep("conv", [0.5], outcome, status=record)
    assert read_run(folder.write()).trials["status"].tolist() == [status]


def test_a_failed_trial_may_have_no_rows(folder) -> None:
    folder.sweep("conv", [], "failed", status="failed", error="Traceback\nValueError: boom")
    run = read_run(folder.write())
    trial = run.trials.iloc[0]
    assert trial["epoch"] == 0
    assert trial["seconds"] == 0.0
    assert math.isnan(trial["val_accuracy"])
    assert trial["error"] == "Traceback\nValueError: boom"
    assert run.epochs.empty


@pytest.mark.parametrize(
    ("made_by", "engine"),
    [
        ({"engine": "native", "engine_version": "1", "instruction_set": "avx2", "host": "h"}, "native 1 avx2"),
        ({"host": "h"}, None),  # From before there were engines.
        ({"engine": "native", "engine_version": "\ud800", "instruction_set": 5}, "native ? 5"),
    ],
)
def test_the_engine_of_a_trial(folder, made_by, engine) -> None:
    folder.sweep("conv", [0.5], "completed")
    folder.trials[0][1]["makers"] = [made_by]
    (found,) = read_run(folder.write()).trials["engine"]
    assert found == engine or (engine is None and pd.isna(found))


def test_null_is_nan(folder) -> None:
    folder.sweep("conv", [0.5, None], "diverged", status="diverged")
    run = read_run(folder.write())
    assert run.trials["epoch"].tolist() == [2]
    assert run.epochs["val_accuracy"].isna().tolist() == [False, True]


def test_a_run_without_trials_has_typed_empty_tables(folder) -> None:
    run = read_run(folder.write())
    assert run.trials.empty
    assert str(run.trials["lr"].dtype) == "float64"
    assert str(run.epochs["epoch"].dtype) == "int64"


def test_what_is_not_a_trial_yet_is_left_alone(folder) -> None:
    path = folder.write()
    (path / "trials" / "conv-0000000000").mkdir(parents=True)
    (path / "trials" / ".scratch").mkdir()
    (path / "trials" / "note.txt").write_text("hello")
    run = read_run(path)
    assert run.trials.empty
    assert run.damaged == []


def _seal(content: dict | str) -> bytes:
    """Any JSON object with a checksum that fits it, also one that invsearch would not write."""
    text = content if isinstance(content, str) else json.dumps(content)
    rest = text.encode()[1:]
    return b'{"checksum": "' + hashlib.sha256(rest).hexdigest()[:16].encode() + b'", ' + rest


def _edit(path: Path, change) -> None:
    content = json.loads(path.read_text())
    del content["checksum"]
    change(content)
    path.write_bytes(_seal(content))


def _edit_plain(path: Path) -> None:
    """The same content, without its checksum."""
    content = json.loads(path.read_text())
    del content["checksum"]
    path.write_text(json.dumps(content))


def _head(path: Path, rest: bytes) -> None:
    """A right checksum before bytes that are no JSON."""
    path.write_bytes(b'{"checksum": "' + hashlib.sha256(rest).hexdigest()[:16].encode() + b'", ' + rest)


def _flip(path: Path) -> None:
    path.write_text(path.read_text().replace("0.6", "0.7"))


def test_config_ids_of_the_earlier_form_are_those_of_today(full) -> None:
    """A run begun with them goes on: its reruns, recorded later, belong to the incumbent of its sweep."""
    now = read_run(full.write()).trials["config_id"]
    for path in full.path.glob("trials/*/record.json"):
        if path.parent.name in {trial.trial_id for trial, *_ in full.trials if trial.phase == "sweep"}:
            _edit(path, lambda record: record["trial"].update(config_id=record["trial"]["config_id"][1:]))
    run = read_run(full.path)
    assert run.damaged == []
    assert list(run.trials["config_id"]) == list(now)
    assert all(name[0].isalpha() for name in now)
    best = find_incumbents(run)["config_id"]
    assert {name: find_reruns(run, name, best[name]).finished for name in best.index} == {"conv": 3, "invariant": 3}


DAMAGE = {
    "cut off": lambda folder: (folder / "record.json").write_text('{"format": 1, "tri'),
    "not UTF-8": lambda folder: _head(folder / "record.json", b'"\xff": 1}'),
    "a list": lambda folder: (folder / "record.json").write_text("[]"),
    "deep": lambda folder: _head(folder / "record.json", b'"a": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"),
    "without its checksum": lambda folder: _edit_plain(folder / "record.json"),
    "one digit changed": lambda folder: _flip(folder / "record.json"),
    "other format": lambda folder: _edit(folder / "record.json", lambda record: record.update(format=1)),
    "unknown maker": lambda folder: _edit(folder / "record.json", lambda record: record["rows"][0].update(maker=-1)),
    "no trial": lambda folder: _edit(folder / "record.json", lambda record: record.pop("trial")),
    "edited lr": lambda folder: _edit(folder / "record.json", lambda record: record["trial"].update(lr=0.2)),
    "edited config": lambda folder: _edit(folder / "record.json", lambda record: record["trial"].update(config_id="x")),
    "copied folder": lambda folder: folder.rename(folder.with_name("conv-copy")),
    "text for a number": lambda folder: _edit(folder / "record.json", lambda r: r["rows"][0].update(val_loss="low")),
    "accuracy in percent": lambda folder: _edit(folder / "record.json", lambda r: r["rows"][0].update(val_accuracy=98)),
    "missing epoch": lambda folder: _edit(folder / "record.json", lambda r: r["rows"].pop(0)),
    "huge integer": lambda folder: _edit(folder / "record.json", lambda r: r["rows"][0].update(seconds=10**400)),
    "garbled outcome": lambda folder: (folder / "verdict.json").write_text("{"),
    "unknown outcome": lambda folder: _edit(folder / "verdict.json", lambda outcome: outcome.update(status="fine")),
    "outcome only": lambda folder: (folder / "record.json").unlink(),
}


@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_record_is_reported_and_left_out(folder, damage) -> None:
    bad = folder.sweep("conv", [0.5, 0.6], "completed")
    good = folder.sweep("invariant", [0.5, 0.6], "completed")
    path = folder.write()
    DAMAGE[damage](path / "trials" / bad)
    run = read_run(path)
    assert run.trials["trial_id"].tolist() == [good]
    assert run.epochs["trial_id"].unique().tolist() == [good]
    ((where, reason),) = run.damaged
    assert where.parent == path / "trials"
    assert reason
    assert "\n" not in reason


@pytest.mark.parametrize("text", ["{", "[]", '{"conv": 5}', '{"conv": [{"kind": "conv", "params": "many"}]}'])
def test_damaged_costs_are_reported(folder, text) -> None:
    path = folder.write()
    (path / "costs.json").write_bytes(_seal(text))
    run = read_run(path)
    assert run.costs == {}
    assert [where.name for where, _ in run.damaged] == ["costs.json"]


def test_missing_costs_are_no_damage(folder) -> None:
    path = folder.write()
    (path / "costs.json").unlink()
    run = read_run(path)
    assert (run.costs, run.damaged) == ({}, [])


def test_not_a_run_folder(tmp_path) -> None:
    with pytest.raises(UserError, match="not a run folder"):
        read_run(tmp_path)
    with pytest.raises(UserError, match="not a run folder"):
        read_run(tmp_path / "nowhere")
    (tmp_path / "spec.json").write_text("{}")
    with pytest.raises(UserError, match=r"spec.json: not a run folder"):
        read_run(tmp_path / "spec.json")


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"format": 3}',
        '{"format": 2}',
        '{"format": 2, "dataset": "digits", "architectures": "conv"}',
        '{"format": 2, "dataset": "digits", "architectures": ["conv"], "max_epochs": "20"}',
    ],
)
@pytest.mark.parametrize("sealed", [True, False])
def test_a_damaged_spec_is_an_error_of_one_line(tmp_path, text, sealed) -> None:
    (tmp_path / "spec.json").write_bytes(_seal(text) if sealed else text.encode())
    with pytest.raises(UserError, match=r"spec\.json") as error:
        read_run(tmp_path)
    assert "\n" not in str(error.value)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
def test_any_json_in_any_place_is_a_trial_or_damage(folder, data) -> None:
    if not folder.trials:
        folder.sweep("conv", [0.5, 0.6], None)
    path = folder.write()
    (record_path,) = path.glob("trials/*/record.json")
    record = json.loads(record_path.read_text())
    del record["checksum"]
    place = data.draw(st.sampled_from([record, record["trial"], record["rows"][0]]))
    place[data.draw(st.sampled_from(sorted(place)))] = data.draw(JSON)
    record_path.write_bytes(_seal(record))
    run = read_run(path)
    assert len(run.trials) + len(run.damaged) == 1
