"""Two runs of one command: copies of a run, changed in one place by hand."""

import copy
import math

import pytest

from analysis.comparison import compare_runs
from analysis.exactness import compare_exactly, list_departures
from analysis.records.reader import Run, read_run
from search.cli import main
from spaces.specs.predictions import Predictions
from tests.analysis.conftest import RunFolder, keep_predictions


@pytest.fixture
def twin(full, make_folder) -> RunFolder:
    other = make_folder("twin")
    other.spec, other.trials = full.spec, copy.deepcopy(full.trials)
    return other


def compare(full: RunFolder, twin: RunFolder) -> tuple[bool, str, Run, Run]:
    runs = read_run(full.write()), read_run(twin.write())
    same, lines = compare_exactly(*runs, [])
    return same, "\n".join(lines), *runs


def record_of(folder: RunFolder, phase: str, place: int) -> dict:
    return [record for trial, record, _ in folder.trials if trial.phase == phase][place]


def test_times_and_hosts_do_not_count(full, twin) -> None:
    for _, record, _ in twin.trials:
        record["makers"][0]["host"] = "elsewhere"
        for row in record["rows"]:
            row["time"] += 1000.0
            row["seconds"] *= 2
    same, text, *_ = compare(full, twin)
    assert same
    # 2 x (4 + 4 + 1 + 1) epochs of the sweep and 6 x 4 of the reruns.
    counted = "8 sweep trials, 6 rerun trials, 44 epochs"
    assert text == f"The same to the bit, apart from times and hosts: {counted}, and every outcome."


def test_one_bit_is_found_and_named(full, twin) -> None:
    record = record_of(twin, "sweep", 1)
    record["makers"][0]["instruction_set"] = "avx512"
    record["rows"][2]["val_accuracy"] = math.nextafter(0.3, 1.0)
    name = record["trial"]["trial_id"]
    same, text, *runs = compare(full, twin)
    assert not same
    found = list_departures(*runs)
    assert found.to_numpy().tolist() == [["numbers", "sweep", 3, name, "val_accuracy", 0.3, 0.30000000000000004]]
    assert (
        f"- 1 trial with other numbers, first sweep trial {name}, epoch 3: val_accuracy 0.3 in A, "
        "0.30000000000000004 in B; made by native 1 avx2 and native 1 avx512" in text
    )
    assert "- the same incumbents" in text


def test_minus_zero_is_not_zero_and_nan_is_nan(full, twin) -> None:
    """The diverged trials have NaN in both."""
    record_of(full, "rerun", 0)["rows"][0]["test_accuracy"] = 0.0
    record_of(twin, "rerun", 0)["rows"][0]["test_accuracy"] = -0.0
    *_, first, second = compare(full, twin)
    assert list_departures(first, second)[["phase", "epoch", "field"]].to_numpy().tolist() == [
        ["rerun", 1, "test_accuracy"]
    ]


def test_the_earliest_epoch_of_the_earliest_phase_comes_first(full, twin) -> None:
    changed = [record_of(twin, "rerun", 0), record_of(twin, "sweep", 0), record_of(twin, "sweep", 4)]
    for record, epoch, field in zip(changed, (1, 4, 2), ("test_loss", "val_loss", "train_loss"), strict=True):
        record["rows"][epoch - 1][field] = 0.75
    *_, first, second = compare(full, twin)
    assert list_departures(first, second)[["phase", "epoch", "field", "first"]].to_numpy().tolist() == [
        ["sweep", 2, "train_loss", 0.25],
        ["sweep", 4, "val_loss", 0.5],
        ["rerun", 1, "test_loss", 0.5],
    ]


def test_another_outcome_another_choice_and_trials_of_one_run(full, twin) -> None:
    """The best of conv is stopped one epoch early in the twin, and its last rerun is not there."""
    trial, record, outcome = twin.trials[1]
    record["rows"].pop()
    outcome.update(status="stopped", epoch=3)
    lost = twin.trials.pop()[0].trial_id
    same, text, *_ = compare(full, twin)
    assert not same
    ends = "completed after epoch 4 in A, stopped after epoch 3 in B"
    assert f"- 1 trial ended otherwise, first sweep trial {trial.trial_id}: {ends}" in text
    assert f"- 1 trial only in A, first rerun trial {lost}" in text
    assert "- another incumbent of conv" in text
    assert "numbers" not in text


def test_the_comparison_begins_with_it(full, twin) -> None:
    assert "The same to the bit" in compare_runs(read_run(full.write()), read_run(twin.write()))
    twin.spec = full.spec | {"seed": 7}
    text = compare_runs(read_run(full.path), read_run(twin.write()))
    assert "Not the same was asked of both: seed.\nAll 8 sweep trials, 6 rerun trials are the same to the bit." in text


def test_runs_without_trials(make_folder) -> None:
    one, other = (read_run(make_folder(name).write()) for name in ("one", "other"))
    assert compare_exactly(one, other, []) == (True, ["Neither run has a trial yet."])


def test_the_exit_code_of_exact(full, twin, capsys: pytest.CaptureFixture[str]) -> None:
    places = str(full.write()), str(twin.write())
    assert main(["compare", "--exact", *places]) == 0
    assert capsys.readouterr().out.startswith("The same to the bit")
    record_of(twin, "sweep", 0)["rows"][0]["val_loss"] = 0.25
    twin.write()
    assert main(["compare", "--exact", *places]) == 3
    assert main(["compare", *places]) == 0
    assert "val_loss 0.5 in A, 0.25 in B" in capsys.readouterr().out


def test_predictions_count_where_both_have_kept_them(full, twin) -> None:
    keep_predictions(full)
    keep_predictions(twin)
    assert compare(full, twin)[0]
    kept = next(record for trial, record, _ in twin.trials if "predictions" in record)
    wrong = [3 if number else 0 for number in Predictions.from_dict(kept["predictions"]).unpack()]
    predicted = [max(0, number - 1) for number in wrong]  # Another class for each image, at the same accuracy.
    kept["predictions"] = vars(Predictions.pack(predicted, [0] * len(wrong), 10))
    same, text, *runs = compare(full, twin)
    assert not same
    assert list_departures(*runs)["field"].tolist() == ["predictions"]
    count = sum(number > 0 for number in wrong)
    assert f"predictions 'wrong in {count} images' in A, 'wrong in {count} images' in B" in text
