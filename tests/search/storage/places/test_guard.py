from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.errors import Superseded
from search.storage.asha_decisions import Journal
from search.storage.driver import driver
from search.storage.invocations import history
from search.storage.json_files import read_lines
from search.storage.places import address, driving, guard, lease
from search.storage.places.bucket import BucketPlace
from search.storage.places.driving import BucketLock
from search.storage.places.guard import BucketGuard
from search.storage.places.layout import CHECKPOINT, LEASE
from search.storage.places.urls import find_mirror
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import TrialSpec, UserError
from spaces.files.sealed import unseal

MADE_BY = {"invsearch": "0"}
EPOCH_REQUESTS, TRIAL_REQUESTS = 3, 7  # Of an epoch; of a trial's start and end together.


@pytest.fixture(autouse=True)
def in_memory(bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever opens the URL, here or in a worker, gets the same bucket."""
    for module in (address, guard, lease):
        monkeypatch.setattr(module, "open_place", lambda url, patience=None: bucket)


@pytest.fixture
def lock(bucket: BucketPlace) -> Iterator[BucketLock]:
    lock = BucketLock(bucket.url)
    lock.take()
    yield lock
    lock.release()


def start_worker(lock: BucketLock) -> BucketGuard:
    return pickle.loads(pickle.dumps(lock.guard))


def commit(folder: TrialFolder, epoch: int) -> None:
    row = {"epoch": epoch, "train_loss": 1.0 / epoch, "val_loss": 0.5, "val_accuracy": 0.9, "time": 1.0}
    folder.commit(row, "running", MADE_BY, lambda path, record: path.write_text(f"state {epoch}"))


def list_checkpoints(bucket: BucketPlace) -> list[int]:
    found = (CHECKPOINT.fullmatch(entry.name) for entry in bucket.list("trials"))
    return [int(name[2]) for name in found if name]


def take_over(bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch) -> BucketLock:
    """Another machine takes the run, whose driver still lives here."""
    monkeypatch.setenv("INVSEARCH_MIRRORS", str(find_mirror(bucket.url, "driver").parents[2] / "elsewhere"))
    monkeypatch.setattr(lease, "is_here", lambda note: False)
    lock = BucketLock(bucket.url)
    lock.take(force=True)
    return lock


def test_no_secret_and_no_folder_goes_to_the_workers(lock: BucketLock) -> None:
    state = lock.guard.__getstate__()
    assert set(state) == {"url", "token", "patience"}
    worker = start_worker(lock)
    assert worker.run != lock.folder
    assert worker.run.is_dir()


def test_a_trial_is_trained_by_a_worker_and_decided_by_the_driver(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec
) -> None:
    worker = start_worker(lock)
    folder = TrialFolder(worker.run, trial, worker)
    before = bucket.requests.total()
    folder.open()
    begun = bucket.requests.total()
    for epoch in (1, 2, 3):
        commit(folder, epoch)
    epochs = bucket.requests.total() - begun
    assert list_checkpoints(bucket) == [3]
    folder.close()
    mine, now = TrialFolder(lock.folder, trial, lock.guard), bucket.requests.total()
    mine.decide("completed", 3)
    assert epochs <= 3 * EPOCH_REQUESTS
    assert bucket.requests.total() - now + begun - before <= TRIAL_REQUESTS + 1  # The test's own list is one.
    assert mine.outcome() == "completed"
    assert mine.epoch == 3
    assert list_checkpoints(bucket) == []
    with pytest.raises(Superseded, match=r"verdict\.json was written by another process"):
        mine.decide("failed", 3)
    mine.reopen()
    assert mine.outcome() is None
    mine.decide("completed", 3, keep_checkpoint=True)


def test_another_worker_goes_on_and_what_is_left_of_the_first_writes_nothing(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec
) -> None:
    workers = [start_worker(lock) for _ in range(2)]
    first, second = (TrialFolder(worker.run, trial, worker) for worker in workers)
    first.open()
    commit(first, 1)
    second.open()
    assert second.checkpoint.read_text() == "state 1"
    for write in (lambda: commit(first, 2), lambda: first.fail("late"), lambda: first.note("late")):
        with pytest.raises(Superseded, match=r"record\.json was written by another process"):
            write()
    commit(second, 2)
    assert second.epoch == 2
    again = start_worker(lock)
    third = TrialFolder(again.run, trial, again)
    third.open()
    assert third.checkpoint.read_text() == "state 2"
    assert list_checkpoints(bucket) == [2]  # What the first has left is gone.


def test_the_worker_of_a_replaced_driver_claims_nothing(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start_worker(lock)
    other = take_over(bucket, monkeypatch)
    with pytest.raises(Superseded, match="names another driver"):
        TrialFolder(worker.run, trial, worker).open()
    lock._lease._until = 0.0
    with pytest.raises(Superseded, match="names another driver"):
        TrialFolder(lock.folder, trial, lock.guard).decide("failed", 0)
    assert not bucket.list("trials")
    other.release()


def test_a_damaged_checkpoint_is_set_aside_and_noted(lock: BucketLock, bucket: BucketPlace, trial: TrialSpec) -> None:
    worker = start_worker(lock)
    folder = TrialFolder(worker.run, trial, worker)
    folder.open()
    commit(folder, 1)
    (name,) = [entry.name for entry in bucket.list("trials") if CHECKPOINT.fullmatch(entry.name)]
    found = bucket.get(name)
    assert found is not None
    bucket.swap(name, b"garbled", found[1])
    again = start_worker(lock)
    second = TrialFolder(again.run, trial, again)
    second.open()
    assert not second.checkpoint.exists()
    assert "damaged and set aside" in second.notes[0]
    (aside,) = [entry.name for entry in bucket.list("trials") if ".damaged-" in entry.name]
    kept = bucket.get(aside)
    assert kept is not None
    assert kept[0] == b"garbled"


def test_decisions_are_numbered_and_a_replaced_driver_decides_nothing_more(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(lock.folder, [1, 3], lock.guard)
    journal.enter(trial.as_dict(), 1, 0.5, "CONTINUE")
    other = take_over(bucket, monkeypatch)
    monkeypatch.setattr(lock.guard, "check", lambda: None)  # It has looked just before.
    with pytest.raises(Superseded, match=r"decisions/00000002\.json was written by another process"):
        journal.enter(trial.as_dict(), 3, 0.5, "STOP")
    again = Journal(other.folder, [1, 3], other.guard)
    assert [(line["epoch"], line["decision"]) for line in again.entries] == [(1, "CONTINUE")]
    again.enter(trial.as_dict(), 3, 0.6, "CONTINUE")
    assert [line["number"] for line in read_lines(other.folder / "decisions.jsonl")[0]] == [1, 3]
    other.release()


def test_the_history_is_in_the_bucket(lock: BucketLock, bucket: BucketPlace) -> None:
    with history(lock.folder, "test", lock.guard):
        pass
    found = bucket.get("history.jsonl")
    assert found is not None
    assert [unseal(line)["event"] for line in found[0].splitlines()] == ["start", "end"]


def test_two_drivers_of_one_machine(bucket: BucketPlace) -> None:
    lock = BucketLock(bucket.url)
    lock.take()
    with pytest.raises(UserError, match="in use by"):
        BucketLock(bucket.url).take()
    reader = find_mirror(bucket.url, "reader")
    at_work = driver(reader)
    assert at_work is not None
    assert at_work.lives
    lock.release()
    assert driver(reader) is None
    found = bucket.get(LEASE)
    assert found is not None
    assert not unseal(found[0])["driving"]


def test_a_prefix_with_other_things_in_it_is_refused(bucket: BucketPlace) -> None:
    bucket.create("holiday.jpeg", b"x")
    with pytest.raises(UserError, match=r"has objects but no spec.json, such as holiday.jpeg"):
        BucketLock(bucket.url).take()
    assert not unseal((bucket.get(LEASE) or (b"",))[0])["driving"]


def test_a_decision_that_is_damaged_is_set_aside_by_the_next_driver(bucket: BucketPlace) -> None:
    bucket.create("decisions/00000001.json", b"garbled")
    lock = BucketLock(bucket.url)
    (line,) = lock.take()
    assert "decisions/00000001.json: damaged; set aside as 00000001.json.damaged-" in line
    assert sorted(entry.name for entry in bucket.list("decisions"))[0].startswith("decisions/00000001.json.damaged-")
    lock.release()


def test_a_run_folder_of_a_mirror_is_driven_in_the_bucket(bucket: BucketPlace) -> None:
    run = RunFolder(find_mirror(bucket.url, "reader"))
    assert isinstance(run.guard, BucketGuard)
    assert run.path != run.given
    assert not isinstance(RunFolder(Path("run")).guard, BucketGuard)


def test_a_store_that_does_not_answer_at_the_start_is_bad_input(
    bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*given: Any) -> Any:
        raise driving.Unreachable(bucket.url, "the store cannot be reached")

    monkeypatch.setattr(driving, "check_conditions", refuse)
    with pytest.raises(UserError, match="s3://bucket/run: the store cannot be reached"):
        BucketLock(bucket.url).take()
