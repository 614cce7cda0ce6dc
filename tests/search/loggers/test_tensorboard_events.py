"""What TensorBoard itself reads of our files, whatever happened while they were written."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from search.loggers.tensorboard_events import NAME, TensorboardLogger, list_events
from spaces import Hyperparameters, TrialSpec

loader = pytest.importorskip("tensorboard.backend.event_processing.event_file_loader")
hparams = pytest.importorskip("tensorboard.plugins.hparams.plugin_data_pb2")


@pytest.fixture
def logger(tmp_path: Path) -> TensorboardLogger:
    return TensorboardLogger(tmp_path)


@pytest.fixture
def path(tmp_path: Path, trial: TrialSpec) -> Path:
    return tmp_path / trial.trial_id / NAME


def scalars(path: Path) -> dict[tuple[str, int], tuple[float, float]]:
    """(tag, step) -> value and time, as TensorBoard reads them; fails if one is there twice."""
    found = [
        ((value.tag, event.step), (value.simple_value, event.wall_time))
        for event in loader.LegacyEventFileLoader(str(path)).Load()
        for value in event.summary.value
        if value.HasField("simple_value")
    ]
    assert not [key for key, count in Counter(key for key, _ in found).items() if count > 1]
    return dict(found)


def plugin_data(path: Path) -> dict[str, Any]:
    """Tag -> content for the HPARAMS page."""
    found = {}
    for event in loader.LegacyEventFileLoader(str(path)).Load():
        for value in event.summary.value:
            if value.metadata.plugin_data.plugin_name == "hparams":
                found[value.tag] = hparams.HParamsPluginData.FromString(value.metadata.plugin_data.content)
    return found


def test_what_tensorboard_reads(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(3, "completed"))
    expected = {}
    for epoch in (1, 2, 3):
        for tag, value in (("loss/train", 1 / epoch), ("loss/val", 0.5 / epoch), ("accuracy/val", 1 - 0.5**epoch)):
            expected[tag, epoch] = (pytest.approx(value, rel=1e-6), 1.79e9 + epoch)
    assert scalars(path) == expected


def test_hyperparameters(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(1, "diverged"))
    found = plugin_data(path)
    start = found["_hparams_/session_start_info"].session_start_info.hparams
    numbers = {name: value.number_value for name, value in start.items() if value.HasField("number_value")}
    assert numbers == {"lr": 0.05, "momentum": 0.5, "weight_decay": 1e-4, "gain": 1.0, "seed": 0}
    assert (start["architecture"].string_value, start["phase"].string_value) == ("conv", "sweep")
    assert start["dataset"].string_value == "digits"
    assert found["_hparams_/session_end_info"].session_end_info.status == 2  # STATUS_FAILURE of api.proto.


def test_further_hyperparameters(logger: TensorboardLogger, tmp_path: Path, grown: Any) -> None:
    recorded = grown(1)
    theta = Hyperparameters(0.1, 0, 0, kernel=3, activation="relu", skip=False)
    spec = replace(recorded.spec, theta=theta)
    logger.log(replace(recorded, spec=spec))
    found = plugin_data(tmp_path / spec.trial_id / NAME)["_hparams_/session_start_info"].session_start_info.hparams
    assert (found["kernel"].number_value, found["activation"].string_value) == (3, "relu")
    assert found["skip"].HasField("bool_value")
    assert not found["skip"].bool_value
    assert "gain" not in found


def test_it_grows_in_place_and_nothing_is_written_twice(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(1))
    inode, before = path.stat().st_ino, path.read_bytes()
    logger.log(grown(3))
    assert path.stat().st_ino == inode  # TensorBoard keeps reading the open file.
    assert path.read_bytes().startswith(before)
    time = path.stat().st_mtime_ns
    TensorboardLogger(path.parent.parent).log(grown(3))  # Another invocation.
    assert path.stat().st_mtime_ns == time
    assert len(scalars(path)) == 9


def test_a_kill_at_any_byte(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(4, "completed"))
    whole = path.read_bytes()
    for end in range(0, len(whole), 7):
        path.write_bytes(whole[:end])
        logger.log(grown(4, "completed"))
        assert path.read_bytes() == whole
    assert len(scalars(path)) == 12


def test_a_trial_that_was_trained_anew_replaces_its_file(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(4, "completed"))
    logger.log(grown(2))
    assert path.read_bytes() == list_events(grown(2))
    assert len(scalars(path)) == 6


def test_a_trial_that_goes_on_after_its_end(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    logger.log(grown(2, "completed"))
    logger.log(grown(4))
    assert {step for _, step in scalars(path)} == {1, 2, 3, 4}


def test_numbers_that_were_not_finite_are_left_out(logger: TensorboardLogger, path: Path, grown: Any) -> None:
    diverged = grown(1, "diverged")
    diverged.rows[0].update(train_loss=None, val_loss=None, val_accuracy=None)
    logger.log(diverged)
    assert scalars(path) == {}


@pytest.mark.parametrize("where", ["file", "folder"])
def test_nothing_is_written_through_a_link(
    where: str, logger: TensorboardLogger, path: Path, grown: Any, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    if where == "folder":
        path.parent.symlink_to(outside)
    else:
        path.parent.mkdir()
        (outside / "file").touch()
        path.symlink_to(outside / "file")
    with pytest.raises(OSError):  # noqa: PT011 - the system's own words.
        logger.log(grown(1))
    assert all(file.stat().st_size == 0 for file in outside.iterdir())
