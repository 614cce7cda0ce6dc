from __future__ import annotations

import pickle
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from search.errors import Superseded
from search.storage import checkpoint
from search.storage.asha_decisions import Journal
from search.storage.driver import find_driver
from search.storage.invocations import history
from search.storage.json_files import read_lines
from search.storage.places import address, driving, guard, lease
from search.storage.places.bucket import BucketPlace
from search.storage.places.driving import BucketLock
from search.storage.places.guard import BucketGuard
from search.storage.places.layout import CHECKPOINT, LEASE, name_checkpoint
from search.storage.places.urls import find_mirror
from search.storage.run_folder import RunFolder
from search.storage.trial_folder import TrialFolder
from spaces import TrialSpec, UserError
from spaces.files.sealed import seal, unseal
from spaces.specs.records import Outcome

MADE_BY = {"invsearch": "0"}
EPOCH_REQUESTS, TRIAL_REQUESTS, RESUME_REQUESTS = 3, 7, 5  # Of an epoch; of a trial's start and end; of another start.


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
    assert folder.checkpoint.exists()
    folder.close()
    assert not folder.path.exists()
    mine, now = TrialFolder(lock.folder, trial, lock.guard), bucket.requests.total()
    mine.decide("completed", 3)
    assert epochs <= 3 * EPOCH_REQUESTS
    assert bucket.requests.total() - now + begun - before <= TRIAL_REQUESTS + 1  # The test's own list is one.
    assert mine.read_outcome() == "completed"
    assert mine.epoch == 3
    assert list_checkpoints(bucket) == []
    with pytest.raises(Superseded, match=r"verdict\.json was written by another process"):
        mine.decide("failed", 3)
    mine.reopen()
    assert mine.read_outcome() is None
    mine.decide("completed", 3, keep_checkpoint=True)


def test_another_worker_goes_on_and_what_is_left_of_the_first_writes_nothing(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec
) -> None:
    workers = [start_worker(lock) for _ in range(2)]
    first, second = (TrialFolder(worker.run, trial, worker) for worker in workers)
    first.open()
    commit(first, 1)
    before = bucket.requests.total()
    second.open()
    assert bucket.requests.total() - before == RESUME_REQUESTS
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
    at_work = find_driver(reader)
    assert at_work is not None
    assert at_work.lives
    lock.release()
    assert find_driver(reader) is None
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


def pause_before_cleaning(monkeypatch: pytest.MonkeyPatch, successor: TrialFolder) -> None:
    """Before the next removal of checkpoints a successor takes the trial and commits epoch 2."""
    keep_only = BucketGuard.keep_only

    def keep_late(*given: Any) -> None:
        monkeypatch.setattr(BucketGuard, "keep_only", keep_only)
        successor.open()
        commit(successor, 2)
        keep_only(*given)

    monkeypatch.setattr(BucketGuard, "keep_only", keep_late)


def test_a_worker_that_was_paused_after_its_claim_leaves_the_checkpoints_of_the_next_one(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, paused, after = (TrialFolder(worker.run, trial, worker) for worker in (start_worker(lock) for _ in range(3)))
    begun.open()
    commit(begun, 1)
    pause_before_cleaning(monkeypatch, after)
    paused.open()
    assert list_checkpoints(bucket) == [2]


def test_a_driver_that_was_paused_after_its_verdict_leaves_the_checkpoints_of_the_next_one(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = (TrialFolder(worker.run, trial, worker) for worker in (start_worker(lock) for _ in range(2)))
    first.open()
    commit(first, 1)
    pause_before_cleaning(monkeypatch, second)
    TrialFolder(lock.folder, trial, lock.guard).decide("completed", 1)
    assert list_checkpoints(bucket) == [2]


def test_a_replaced_driver_drops_no_checkpoint(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker = start_worker(lock)
    folder = TrialFolder(worker.run, trial, worker)
    folder.open()
    commit(folder, 1)
    act, others = bucket.list, []

    def list_late(prefix: str = "") -> Any:
        monkeypatch.setattr(bucket, "list", act)
        others.append(take_over(bucket, monkeypatch))
        lock._lease._until = 0.0  # It was asleep meanwhile.
        return act(prefix)

    monkeypatch.setattr(bucket, "list", list_late)
    with pytest.raises(Superseded, match="names another driver"):
        TrialFolder(lock.folder, trial, lock.guard).drop_checkpoint()
    assert list_checkpoints(bucket) == [1]
    others[0].release()


def test_of_two_checkpoints_of_an_epoch_the_one_of_the_record_counts(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec
) -> None:
    worker = start_worker(lock)
    folder = TrialFolder(worker.run, trial, worker)
    folder.open()
    commit(folder, 1)
    for text in (b"a", b"b", b"c", b"d"):  # Of leftovers; some digests are lower, some higher.
        bucket.create(name_checkpoint(f"trials/{trial.trial_id}/checkpoint-1.safetensors", text), text)
    TrialFolder(lock.folder, trial, lock.guard).read()
    again = start_worker(lock)
    second = TrialFolder(again.run, trial, again)
    second.open()
    assert second.checkpoint.read_text() == "state 1"
    assert list_checkpoints(bucket) == [1]
    second.save_again(1, lambda path, record: path.write_text("state 1, trained again"))
    assert list_checkpoints(bucket) == [1]
    third = TrialFolder((last := start_worker(lock)).run, trial, last)
    third.open()
    assert third.checkpoint.read_text() == "state 1, trained again"


def test_a_verdict_that_a_replaced_driver_was_just_in_time_to_write_is_taken_over(
    lock: BucketLock, bucket: BucketPlace, trial: TrialSpec
) -> None:
    worker = start_worker(lock)
    folder = TrialFolder(worker.run, trial, worker)
    folder.open()
    commit(folder, 1)
    verdict = Outcome("completed", 1, 1.0, folder.record()).as_dict()
    bucket.create(f"trials/{trial.trial_id}/verdict.json", seal({**verdict, "writer": "old"}))
    mine = TrialFolder(lock.folder, trial, lock.guard)
    with pytest.raises(Superseded, match=r"verdict\.json was written by another process"):
        mine.decide("stopped", 1)
    mine.decide("completed", 1)
    assert mine.read_outcome() == "completed"
    assert list_checkpoints(bucket) == []


def test_a_damaged_record_is_restored_from_the_checkpoint_in_the_bucket(bucket: BucketPlace, trial: TrialSpec) -> None:
    run = RunFolder(find_mirror(bucket.url, "reader"))
    with run.taken():
        worker = pickle.loads(pickle.dumps(run.guard))
        folder = TrialFolder(worker.run, trial, worker)
        folder.open()
        for epoch in (1, 2):
            row = {"epoch": epoch, "train_loss": 1.0, "val_loss": 0.5, "val_accuracy": 0.9, "time": 1.0}
            state = {"trial_id": trial.trial_id, "epoch": epoch}
            folder.commit(
                row, "running", MADE_BY, lambda path, record, state=state: checkpoint.save(path, state, record)
            )
    name = f"trials/{trial.trial_id}/record.json"
    found = bucket.get(name)
    assert found is not None
    bucket.swap(name, found[0][:-9], found[1])
    run = RunFolder(find_mirror(bucket.url, "reader"))
    with run.taken() as lines:
        assert lines[-1].endswith("restored from checkpoint-2.safetensors, nothing is lost")
        worker = pickle.loads(pickle.dumps(run.guard))
        folder = TrialFolder(worker.run, trial, worker)
        folder.open()
        assert folder.epoch == 2
        assert folder.checkpoint.is_file()
        assert not list(run.path.glob("trials/*/checkpoint-*"))
    assert list_checkpoints(bucket) == [2]


def test_the_mirror_of_a_driver_that_was_killed_does_not_overrule_the_bucket(
    bucket: BucketPlace, trial: TrialSpec
) -> None:
    """Not even where the prefix was emptied, or another machine took the verdict back."""
    run = RunFolder(find_mirror(bucket.url, "reader"))
    with run.taken():
        TrialFolder(run.path, trial, run.guard).fail("no memory")
        TrialFolder(run.path, trial, run.guard).decide("failed", 0)  # Neither is in the index yet.
    (run.path / "ray_sessions.jsonl").touch()
    bucket.delete([entry.name for entry in bucket.list()])
    again = RunFolder(find_mirror(bucket.url, "reader"))
    with again.taken():
        assert not list(again.path.glob("trials/*/*.json"))
    assert [entry.name for entry in bucket.list()] == [LEASE]


def test_who_signs_off_waits_only_shortly(bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    lock, seen = BucketLock(bucket.url), []
    lock.take()
    bucket.patience = 300.0

    def fail(*given: Any) -> Any:
        seen.append(bucket.patience)
        raise driving.Unreachable(bucket.url, "the store cannot be reached")

    monkeypatch.setattr(bucket, "swap", fail)
    lock.release()
    assert (seen, bucket.patience) == ([lease.SIGN_OFF_SECONDS], 300.0)
