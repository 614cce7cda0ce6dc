"""``invsearch reproduce --replicates``: run folders within a folder, one after the other."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import invsearch
from analysis.records.reader import read_runs
from search import options
from search.cli import main
from search.errors import NothingToChoose
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from search.tuning.events import Event
from search.tuning.policy import Policy
from spaces import UserError
from spaces.specs.replicates import read_count
from spaces.specs.run import read_spec

LINE = ["reproduce", "1.3", "--samples", "4", "--epochs", "6", "--seeds", "2"]


@pytest.fixture
def trained(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, int, int]]:
    """Folder, seed and split seed of what was to be trained; it gets its folder and the record of one trial."""
    found: list[tuple[str, int, int]] = []

    def train(request: options.Request, on_event: Any = None, command: str | None = None) -> int:
        spec = request.spec
        with RunFolder(request.path).driven(spec, command=command) as whole:
            TrialFolder(request.path, whole.sweep_trial("conv", whole.list_points("conv")[0])).fail("x")
        found.append((request.path.name, spec.seed, spec.split_seed))
        if on_event is not None:
            on_event(Event("ended", "sweep", "conv", "conv-1", 6, 0.5, "completed", 1, 8))
        return 0

    monkeypatch.setattr(options.Request, "train", train)
    return found


FOUR = [
    ("replicate-01", 0, 0),
    ("replicate-02", 200_000, 1),
    ("replicate-03", 400_000, 2),
    ("replicate-04", 600_000, 3),
]


def test_each_has_a_folder_and_seeds_of_its_own_and_more_may_follow(
    tmp_path: Path, trained: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run")]
    assert main([*LINE, *out, "--replicates", "2"]) == 0
    assert trained == FOUR[:2]
    shown = capsys.readouterr()
    assert f"replicate 2 of 2: {tmp_path}/run/replicate-02 (seed 200000, split seed 1)" in shown.err
    assert "**Table replicates.**" in shown.out
    assert "replicate-02 (conv: 0 of 2)" in shown.out
    trained.clear()
    assert main([*LINE, *out, "--replicates", "4"]) == 0
    assert trained == FOUR
    trained.clear()
    assert main([*LINE, *out, "--replicates", "3"]) == 0
    assert trained == FOUR
    assert "already asks for 4 replicates, so not 3" in capsys.readouterr().err
    trained.clear()
    assert main([*LINE, *out]) == 0
    assert trained == FOUR
    assert "already asks for 4 replicates, and goes on with them" in capsys.readouterr().err


def test_one_with_nothing_to_choose_from_does_not_end_the_others(
    tmp_path: Path, trained: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    train = options.Request.train

    def find_nothing(request: options.Request, *given: Any) -> int:
        train(request, *given)
        if request.path.name == "replicate-01":
            raise NothingToChoose("no trial of conv was trained to the end")
        return 0

    monkeypatch.setattr(options.Request, "train", find_nothing)
    assert main([*LINE, "--out", str(tmp_path / "run"), "--replicates", "2"]) == 3
    assert trained == FOUR[:2]
    shown = capsys.readouterr()
    assert "replicate 1: no trial of conv was trained to the end\n" in shown.err
    assert "**Table replicates.**" in shown.out
    assert read_count(tmp_path / "run") == 2


def test_no_further_one_begins_when_the_time_budget_is_used_up(
    tmp_path: Path, trained: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(Policy, "is_time_up", lambda policy: len(trained) > 1)
    assert main([*LINE, "--out", str(tmp_path / "run"), "--replicates", "3"]) == 3
    assert trained == FOUR[:2]
    assert (
        "the time budget is used up before replicate 3 of 3; to resume: invsearch reproduce" in capsys.readouterr().err
    )


def test_one_that_cannot_be_read_does_not_hide_the_others(
    tmp_path: Path, trained: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    assert main([*LINE, "--out", str(run), "--replicates", "3"]) == 0
    specs = [run / f"replicate-0{number}" / "spec.json" for number in (1, 2, 3)]
    specs[1].write_bytes(b"x" + specs[1].read_bytes())
    found = read_runs([run])
    assert [one.path.name for one in found] == ["replicate-01", "replicate-03"]
    assert [path for path, _ in found[0].damaged] == [specs[1]]
    capsys.readouterr()
    assert main(["table", "replicates", str(run)]) == 3
    shown = capsys.readouterr()
    assert "**Table replicates.**" in shown.out
    assert shown.err.count(f"{specs[1]}: damaged") == 1
    for spec in specs[::2]:
        spec.write_bytes(b"")
    with pytest.raises(UserError, match=r"spec\.json"):
        read_runs([run])


def test_what_contradicts_one_of_them_changes_nothing(
    tmp_path: Path, trained: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run"), "--replicates"]
    assert main([*LINE, *out, "2"]) == 0
    before = {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.json")}
    trained.clear()
    capsys.readouterr()
    assert main([*LINE, "--seed", "1", *out, "3"]) == 2
    message = capsys.readouterr().err
    assert "replicate-01: the run folder holds another run: seed is 0 there and 1 here" in message
    assert message.count("\n") == 1
    assert trained == []
    assert {path: path.read_bytes() for path in (tmp_path / "run").rglob("*.json")} == before


def read_specs(folder: Path) -> list[dict[str, Any]]:
    found = [read_spec(path) for path in sorted(folder.glob("replicate-*"))]
    return [{name: value for name, value in spec.items() if name not in ("seed", "split_seed")} for spec in found]


def test_a_new_one_gets_all_that_the_others_were_ever_asked_for(
    tmp_path: Path, trained: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run"), "--replicates"]
    small, large = tmp_path / "small.yaml", tmp_path / "large.yaml"
    values = "momentum: {choice: [0.9]}, weight_decay: {choice: [0.00001]}, gain: {choice: [1.0]}"
    small.write_text(f"{{lr: {{choice: [0.1]}}, {values}}}")
    large.write_text(f"{{lr: {{choice: [0.1, 0.2]}}, {values}}}")
    assert main([*LINE, *out, "2", "--space", str(small)]) == 0
    assert main([*LINE, *out, "2", "--space", str(large), "--seeds", "5"]) == 0
    (tmp_path / "run" / "replicate-02" / "trials").rename(tmp_path / "trials")  # As if it had been lost.
    capsys.readouterr()
    assert main([*LINE, *out, "4", "--space", str(large), "--finalists", "7"]) == 0
    first, *others = read_specs(tmp_path / "run")
    assert (first["rerun_seeds"], first["samples"], first["finalists"], len(first["earlier"])) == (5, 2, 12, 1)
    assert others[1:] == [first] * 2
    assert f"{tmp_path}/run already asks for 5 seeds, so not 2" in capsys.readouterr().err


@pytest.mark.parametrize("count", ["", "{}"])
def test_a_number_that_was_lost_or_damaged_is_given_again(
    tmp_path: Path, trained: list[Any], count: str, capsys: pytest.CaptureFixture[str]
) -> None:
    out = ["--out", str(tmp_path / "run"), "--replicates"]
    assert main([*LINE, *out, "4"]) == 0
    (tmp_path / "run" / "replicates.json").write_text(count)
    capsys.readouterr()
    assert main([*LINE, *out, "2"]) == 2
    assert "remove it and give the same command with --replicates again" in capsys.readouterr().err
    (tmp_path / "run" / "replicates.json").unlink()
    assert main(["table", "replicates", str(tmp_path / "run")]) == 2
    assert "replicates.json: missing; give the command that made it again, with --repl" in capsys.readouterr().err
    assert main([*LINE, *out, "2"]) == 0
    assert "already asks for 4 replicates, so not 2" in capsys.readouterr().err
    assert read_count(tmp_path / "run") == 4


def test_a_refused_start_binds_nobody(
    tmp_path: Path, trained: list[Any], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    train = options.Request.train

    def refuse(*_: object) -> int:
        raise UserError("engine: refused")

    monkeypatch.setattr(options.Request, "train", refuse)
    assert main([*LINE, "--out", str(run), "--replicates", "3"]) == 2
    assert "engine: refused" in capsys.readouterr().err
    assert not run.exists()
    monkeypatch.setattr(options.Request, "train", train)
    assert main([*LINE, "--out", str(run), "--replicates", "2"]) == 0
    monkeypatch.setattr(options.Request, "train", refuse)
    assert main([*LINE, "--out", str(run), "--replicates", "9"]) == 2
    assert read_count(run) == 2


@pytest.mark.parametrize("more", [[], ["--replicates", "2"]])
def test_a_file_is_no_folder(tmp_path: Path, more: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    where = tmp_path / "file"
    where.write_text("mine")
    assert main([*LINE, "--out", str(where), *more]) == 2
    message = capsys.readouterr().err
    assert "damaged" not in message
    assert message.count("\n") == 1
    assert main(["table", "1.3", str(where)]) == 2
    assert "not a run folder" in capsys.readouterr().err
    assert where.read_text() == "mine"


@pytest.mark.parametrize(
    ("table", "count", "words"),
    [
        ("1.3", "1", "replicates: 1 is not allowed; give a whole number from 2 to 99"),
        ("1.3", "100", "replicates: 100 is not allowed"),
        ("1.3", "two", "--replicates: 'two' is not a whole number"),
        ("1.6", "3", "replicates: Table 1.6 searches nothing"),
    ],
)
def test_numbers_and_tables_without_replicates(
    tmp_path: Path, table: str, count: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["reproduce", table, "--replicates", count, "--out", str(tmp_path / "run")]) == 2
    message = capsys.readouterr().err
    assert words in message
    assert message.count("\n") == 1
    assert not (tmp_path / "run").exists()


def test_a_seed_that_leaves_no_room_for_the_last_one(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = [*LINE, "--seed", str(2**62 - 300_000), "--replicates", "3", "--out", str(tmp_path / "run")]
    assert main(line) == 2
    assert "replicate 3 would have the seed: 4611686018427487904 is not allowed" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("spec.json", "holds an ordinary run; give another --out, or leave --replicates out"),
        ("thesis.tex", "has files but no replicates.json; give --out an empty or new folder"),
    ],
)
def test_a_folder_with_something_else(
    tmp_path: Path, name: str, words: str, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / name).write_text("{}")
    assert main([*LINE, "--replicates", "2", "--out", str(tmp_path)]) == 2
    assert words in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_other_commands_name_the_replicates(
    tmp_path: Path, trained: list[Any], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([*LINE, "--replicates", "2", "--out", str(tmp_path / "run")]) == 0
    for command in ("status", "check", "best", "watch"):
        capsys.readouterr()
        assert main([command, str(tmp_path / "run")]) == 2
        message = capsys.readouterr().err
        assert "holds replicates, each a run of its own; give one of them, such as" in message
        alone = main([command, str(tmp_path / "run" / "replicate-02"), *["--once"] * (command == "watch")])
        assert alone == 0
    capsys.readouterr()
    assert main(["table", "outcomes", str(tmp_path / "run")]) == 0


def test_a_dry_run_counts_them_and_makes_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "run"
    assert main([*LINE, "--replicates", "5", "--dry-run", "--out", str(out)]) == 0
    assert "for 5 replicates of this in new run folders; nothing was run" in capsys.readouterr().out
    assert not out.exists()


def test_from_python(tmp_path: Path, trained: list[Any]) -> None:
    told: list[Event] = []
    keywords: Any = {"samples": 4, "epochs": 6, "seeds": 2, "on_event": told.append}
    run = invsearch.reproduce("1.3", tmp_path / "run", replicates=2, **keywords)
    assert trained == FOUR[:2]
    assert [event.replicate for event in told] == [1, 2]
    assert [each.path.name for each in run.replicates] == ["replicate-01", "replicate-02"]
    assert [each.spec.split_seed for each in run.replicates] == [0, 1]
    assert run.replicates[0].replicates == []
    assert "replicate-02 (conv: 0 of 2)" in " ".join(run.table("replicates").notes)
    assert [each.path for each in invsearch.open_run(tmp_path / "run").replicates] == [
        each.path for each in run.replicates
    ]
    with pytest.raises(invsearch.UserError, match="holds replicates"):
        _ = run.trials
