"""Logs are brought up to the records, and trouble with them reaches nobody."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from search import options
from search.cli import main
from search.loggers import LOGGERS, Logger, Recorded
from search.loggers import exporter as under_test
from search.loggers.exporter import Exporter, check_installed, logged
from search.storage.trial_folder import TrialFolder
from spaces import TrialSpec, UserError


class Listing(Logger):
    """Keeps what it is given; the trouble it has goes away when ``trouble`` is emptied."""

    MODULE = "json"
    INSTALL = "nothing"

    def __init__(self, folder: Path) -> None:
        self.told: list[tuple[str, int, str | None]] = []
        self.trouble: list[Exception] = []

    def log(self, trial: Recorded) -> None:
        if self.trouble:
            raise self.trouble[0]
        self.told.append((trial.spec.trial_id, len(trial.rows), trial.status))


@pytest.fixture
def folder(tmp_path: Path, trial: TrialSpec) -> TrialFolder:
    folder = TrialFolder(tmp_path, trial)
    folder.open()
    return folder


def add_epoch(folder: TrialFolder) -> None:
    row = {"epoch": folder.epoch + 1, "val_loss": 0.5, "time": 1.79e9}
    folder.commit(row, "running", {}, lambda path, record: path.write_text(""))


def waited_for(condition: Any) -> bool:
    end = time.monotonic() + 30
    while not condition() and time.monotonic() < end:
        time.sleep(0.01)
    return condition()


def test_before_meanwhile_and_at_the_end(tmp_path: Path, folder: TrialFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "INTERVAL_SECONDS", 0.01)
    logger = Listing(tmp_path)
    name = folder.spec.trial_id
    add_epoch(folder)
    with Exporter(tmp_path, {"listing": logger}).running():
        assert waited_for(lambda: logger.told == [(name, 1, None)])
        add_epoch(folder)
        assert waited_for(lambda: logger.told[1:] == [(name, 2, None)])
        monkeypatch.setattr(under_test, "INTERVAL_SECONDS", 1000)
        time.sleep(0.1)
        folder.decide("stopped", 2)
    assert logger.told[-1] == (name, 2, "stopped")


def test_what_has_not_changed_is_not_read_again(tmp_path: Path, folder: TrialFolder) -> None:
    add_epoch(folder)
    logger = Listing(tmp_path)
    exporter = Exporter(tmp_path, {"listing": logger})
    exporter.catch_up()
    exporter.catch_up()
    assert len(logger.told) == 1


def test_trouble_is_said_once_and_made_good(
    tmp_path: Path, folder: TrialFolder, capsys: pytest.CaptureFixture[str]
) -> None:
    good, bad = Listing(tmp_path), Listing(tmp_path)
    bad.trouble.append(OSError("the disk\nis full"))
    exporter = Exporter(tmp_path, {"bad": bad, "good": good})
    for _ in range(3):
        add_epoch(folder)
        exporter.catch_up()
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert error.startswith("invsearch: log bad: OSError: the disk is full; the run continues")
    assert len(good.told) == 3
    bad.trouble.clear()
    exporter.catch_up()
    assert [rows for _, rows, _ in bad.told] == [3]


def test_a_damaged_record_is_no_trouble_for_the_others(
    tmp_path: Path, folder: TrialFolder, trial: TrialSpec, capsys: pytest.CaptureFixture[str]
) -> None:
    add_epoch(folder)
    other = tmp_path / "trials" / "aaa-1"
    other.mkdir()
    (other / "record.json").write_text("{")
    logger = Listing(tmp_path)
    Exporter(tmp_path, {"listing": logger}).catch_up()
    assert [name for name, _, _ in logger.told] == [trial.trial_id]
    assert "Damaged" in capsys.readouterr().err


def test_the_end_of_a_run_is_not_hidden(tmp_path: Path, folder: TrialFolder) -> None:
    add_epoch(folder)
    logger = Listing(tmp_path)
    with pytest.raises(KeyboardInterrupt), Exporter(tmp_path, {"listing": logger}).running():
        raise KeyboardInterrupt
    assert len(logger.told) == 1


def test_a_logger_that_cannot_be_made_is_done_without(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Broken(Listing):
        def __init__(self, folder: Path) -> None:
            raise ImportError("half installed")

    monkeypatch.setitem(LOGGERS, "tensorboard", Broken)
    with logged(tmp_path, ["tensorboard"]):
        pass
    assert "ImportError: half installed; the run continues without it" in capsys.readouterr().err


def test_without_a_name_nothing_is_made(tmp_path: Path) -> None:
    with logged(tmp_path, []):
        pass
    assert list(tmp_path.iterdir()) == []


def test_a_link_is_not_followed(
    tmp_path: Path, folder: TrialFolder, capsys: pytest.CaptureFixture[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    outside = tmp_path_factory.mktemp("outside")
    add_epoch(folder)
    (tmp_path / "log").symlink_to(outside)
    with logged(tmp_path, ["tensorboard"]):
        pass
    assert "not a folder of its own" in capsys.readouterr().err
    assert list(outside.iterdir()) == []


@pytest.mark.parametrize(
    ("given", "names"),
    [
        ([], ()),
        (["tensorboard"], ("tensorboard",)),
        (["tensorboard,mlflow", "tensorboard"], ("tensorboard", "mlflow")),
        (["mlflow", "tensorboard"], ("mlflow", "tensorboard")),
    ],
)
def test_names(given: list[str], names: tuple[str, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(under_test, "check_installed", lambda names: None)
    from search.cli import make_parser

    arguments = [part for name in given for part in ("--log", name)]
    assert options.parse_logs(make_parser().parse_args(["sweep", "--out", "x", *arguments])) == names


@pytest.mark.parametrize(
    "command",
    [
        ["sweep", "--out", "OUT"],
        ["rerun", "OUT"],
        ["train", "conv", "--out", "OUT"],
        ["reproduce", "1.3", "--out", "OUT"],
    ],
    ids=lambda command: command[0],
)
def test_an_unknown_logger_is_one_line(command: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = str(tmp_path / "run")
    assert main([*(out if part == "OUT" else part for part in command), "--log", "wandb"]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "wandb" in error
    assert "tensorboard, mlflow" in error
    assert not Path(out).exists()


def test_a_missing_library_is_named_with_the_way_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(LOGGERS["mlflow"], "MODULE", "no_such_module")
    with pytest.raises(UserError, match="pip install mlflow-skinny"):
        check_installed(["mlflow"])


def test_every_logger_brings_a_log_up_to_date(name_of_logger: str, tmp_path: Path, folder: TrialFolder) -> None:
    """The contract: twice the same is once, for each of ``LOGGERS``."""
    own = tmp_path / "log" / name_of_logger
    for _ in range(2):
        add_epoch(folder)
        with logged(tmp_path, [name_of_logger]):
            pass
        before = {path: path.read_bytes() for path in own.rglob("*") if path.is_file()}
        assert before
        with logged(tmp_path, [name_of_logger]):
            pass
        assert {path: path.read_bytes() for path in own.rglob("*") if path.is_file()} == before


@pytest.fixture(params=list(LOGGERS))
def name_of_logger(request: pytest.FixtureRequest) -> str:
    pytest.importorskip(LOGGERS[request.param].MODULE)
    return request.param
