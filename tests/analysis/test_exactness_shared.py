"""``check --against``: copies of a run and parts of it, changed in one place by hand."""

import copy
import math
import tarfile
from pathlib import Path

import pytest

from search.cli import main
from tests.analysis.conftest import RunFolder


@pytest.fixture
def twin(full: RunFolder, make_folder) -> RunFolder:
    other = make_folder("twin")
    other.spec, other.trials = dict(full.spec), copy.deepcopy(full.trials)
    return other


def pack(run: Path, path: Path) -> str:
    with tarfile.open(path, "w:xz") as archive:
        archive.add(run, "some-run")
    return str(path)


def check(capsys: pytest.CaptureFixture[str], *arguments: str) -> tuple[int, list[str]]:
    code = main(["check", *arguments])
    return code, capsys.readouterr().out.splitlines()


def test_a_run_against_its_archive(full: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = full.write()
    archive = pack(path, tmp_path / "run.tar.xz")
    code, lines = check(capsys, "--against", archive, str(path))
    assert code == 0
    # 2 x (4 + 4 + 1 + 1) epochs of the sweep and 6 x 4 of the reruns.
    counted = "8 sweep trials (conv, invariant), 6 rerun trials (conv, invariant), 44 epochs"
    assert lines == [
        f"A: {archive}",
        f"B: {path}",
        f"The same to the bit, apart from times and hosts: {counted}.",
        "Both made by native 1 avx2.",
    ]


def test_a_run_of_one_architecture_is_compared_with_its_part(
    full: RunFolder, twin: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    twin.spec["architectures"] = ["invariant"]
    twin.trials = [one for one in twin.trials if one[0].architecture == "invariant" and one[0].phase == "sweep"]
    code, lines = check(capsys, "--against", str(full.write()), str(twin.write()))
    assert code == 0
    assert lines[2] == "The same to the bit, apart from times and hosts: 4 sweep trials (invariant), 10 epochs."
    assert lines[3] == "Only in A: 4 sweep trials (conv), 6 rerun trials (conv, invariant)."
    assert lines[4] == "Asked differently: architectures."
    assert len(lines) == 6


def test_one_bit_is_found_in_an_archive_and_the_engines_are_named(
    full: RunFolder, twin: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    archive = pack(full.write(), tmp_path / "run.tar.xz")
    record = twin.trials[1][1]
    record["makers"][0]["instruction_set"] = "avx512"
    record["rows"][2]["val_accuracy"] = math.nextafter(0.3, 1.0)
    code, lines = check(capsys, "--against", archive, str(twin.write()))
    assert code == 3
    assert lines[2].startswith("Compared: 8 sweep trials")
    assert lines[3] == "Not the same to the bit:"
    name = record["trial"]["trial_id"]
    assert lines[4] == (
        f"- 1 trial with other numbers, first sweep trial {name}, epoch 3: val_accuracy 0.3 in A, "
        "0.30000000000000004 in B; made by native 1 avx2 and native 1 avx512"
    )
    assert lines[5] == "Made by native 1 avx2 in A, native 1 avx2, native 1 avx512 in B."


def test_another_outcome_is_a_difference_and_an_unfinished_trial_is_none(
    full: RunFolder, twin: RunFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    trial, record, outcome = twin.trials[1]
    record["rows"].pop()
    assert outcome is not None
    outcome.update(status="stopped", epoch=3)
    place = str(full.write())
    code, lines = check(capsys, "--against", place, str(twin.write()))
    assert code == 3
    ends = "completed after epoch 4 in A, stopped after epoch 3 in B"
    assert f"- 1 trial ended otherwise, first sweep trial {trial.trial_id}: {ends}" in lines
    twin.trials[1] = (trial, record, None)
    (twin.path / "trials" / trial.trial_id / "verdict.json").unlink()
    code, lines = check(capsys, "--against", place, str(twin.write()))
    assert code == 0
    assert "Not ended in one of them, and compared as far as it is there: 1 trial." in lines


def test_runs_that_share_no_trial(full: RunFolder, twin: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    twin.trials = []
    code, lines = check(capsys, "--against", str(full.write()), str(twin.write()))
    assert code == 3
    assert lines[2] == "They share no trial, so nothing could be compared."


def test_a_damaged_record_is_named(full: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = full.write()
    name = full.trials[0][0].trial_id
    record = path / "trials" / name / "record.json"
    whole = record.read_bytes()
    record.write_bytes(whole.replace(b"0.5", b"0.6"))
    archive = pack(path, tmp_path / "run.tar.xz")
    record.write_bytes(whole)
    assert main(["check", "--against", archive, str(path)]) == 3
    seen = capsys.readouterr()
    assert seen.err.startswith(f"invsearch: {archive}: trials/{name}: ")
    assert f"Only in B: 1 sweep trial ({full.trials[0][0].architecture})." in seen.out


def test_what_is_refused_is_one_line(full: RunFolder, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = str(full.write())
    assert main(["check", path, "--against", path, "--repair"]) == 2
    assert "--against and --repair cannot be combined" in capsys.readouterr().err
    assert main(["check", path, "--against", str(tmp_path / "none")]) == 2
    assert "not a run folder" in capsys.readouterr().err
