from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import pytest

from search.errors import Superseded
from search.storage.places import lease as lease_module
from search.storage.places.base import Conflict, Version
from search.storage.places.bucket import BucketPlace
from search.storage.places.layout import LEASE
from search.storage.places.lease import Lease, find_holder, read_lease
from spaces import UserError

ELSEWHERE = {"host": "elsewhere", "boot": "other", "pid": 7, "namespace": "x", "ticks": 1}


@pytest.fixture
def make(bucket: BucketPlace) -> Any:
    leases: list[Lease] = []

    def make_lease(token: str, seconds: float = 60.0) -> Lease:
        leases.append(Lease(bucket, seconds, token))
        return leases[-1]

    yield make_lease
    for lease in leases:
        lease._ended.set()


def told(lines: list[str]) -> Callable[[str], None]:
    return lines.append


@pytest.fixture
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "describe_process", lambda: ELSEWHERE)


def read(bucket: BucketPlace) -> dict[str, Any]:
    found = bucket.get(LEASE)
    assert found is not None
    note = read_lease(found[0])
    assert note is not None
    return note


def test_a_lease_is_taken_renewed_and_given_back(bucket: BucketPlace, make: Any) -> None:
    lease = make("one")
    assert lease.take(time.time(), False, print) == ([], False)
    first = read(bucket)
    assert (first["token"], first["driving"]) == ("one", True)
    lease.check()
    assert read(bucket) == first  # It is fresh.
    lease._until = time.monotonic()
    lease.check()
    assert read(bucket)["renewed"] != first["renewed"]
    with pytest.raises(UserError, match=r"in use by .* wait for it, or stop it: kill"):
        make("two").take(time.time(), False, print)
    lease.release()
    assert not read(bucket)["driving"]
    assert make("two").take(time.time(), False, print) == ([], False)


def test_a_driver_elsewhere_that_does_not_renew_it_is_waited_for_and_replaced(
    bucket: BucketPlace, make: Any, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make("one", 0.3)
    monkeypatch.setattr(lease_module.threading.Thread, "start", lambda self: None)  # It hangs.
    first.take(time.time(), False, print)
    said: list[str] = []
    lines, crossed = make("two").take(time.time(), False, told(said))
    assert crossed
    assert said[0].startswith("s3://bucket/run: elsewhere pid 7 since ")
    assert lines[0].endswith("has not renewed its lease; taken over, what is left of it writes nothing more")
    first._until = 0.0
    for _ in range(2):
        with pytest.raises(Superseded, match="names another driver"):
            first.check()
    first.release()
    assert read(bucket)["token"] == "two"


def test_one_that_renews_it_meanwhile_keeps_it(
    bucket: BucketPlace, make: Any, elsewhere: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = make("one", 2.0)
    monkeypatch.setattr(lease_module, "LOOK_SECONDS", 0.01)
    first.take(time.time(), False, print)
    with pytest.raises(UserError, match=r"in use by elsewhere .* wait for it, or stop it there"):
        make("two").take(time.time(), False, lambda text: first._renew())


def test_force_does_not_wait(bucket: BucketPlace, make: Any, elsewhere: None) -> None:
    make("one").take(time.time(), False, print)
    lines, crossed = make("two").take(time.time(), True, print)
    assert crossed
    assert "taken over from elsewhere pid 7" in lines[0]


def test_of_two_that_take_it_at_once_one_has_it(
    bucket: BucketPlace, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = make("one"), make("two")
    look = first._read

    def read_late() -> Any:
        found = look()
        monkeypatch.setattr(first, "_read", look)
        second.take(time.time(), False, print)
        return found

    monkeypatch.setattr(first, "_read", read_late)
    with pytest.raises(UserError, match="in use by"):
        first.take(time.time(), False, print)
    assert read(bucket)["token"] == "two"


def test_a_renewal_without_an_answer_that_won_is_no_loss(bucket: BucketPlace, make: Any) -> None:
    lease = make("one")
    lease.take(time.time(), False, print)
    found = bucket.get(LEASE)
    assert found is not None
    bucket.swap(LEASE, lease._write(True), found[1])  # As the try that was given up.
    lease._until = 0.0
    lease.check()
    assert lease._until > time.monotonic()


def test_readers_see_who_drives(bucket: BucketPlace, make: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lease_module, "open_place", lambda url: bucket)
    assert find_holder(bucket.url) is None
    lease = make("one")
    lease.take(time.time(), False, print)
    holder = find_holder(bucket.url)
    assert holder is not None
    assert holder.lives
    lease.release()
    assert find_holder(bucket.url) is None


def test_what_is_no_lease_binds_nobody(bucket: BucketPlace, make: Any) -> None:
    bucket.create(LEASE, b'{"checksum": "0", "garbled"')
    assert make("one").take(time.time(), False, print) == ([], False)
    assert read(bucket)["token"] == "one"


def test_a_second_that_the_store_does_not_count_is_waited_for(bucket: BucketPlace, make: Any, elsewhere: None) -> None:
    """The time of writing was rounded down: 0.3 seconds ago is not surely 0.2 seconds ago."""
    make("one", 0.2)._place.create(LEASE, make("one", 0.2)._write(True))
    entry = bucket.look(LEASE)
    assert entry is not None
    said: list[str] = []
    make("two").take(entry.modified + 0.3, False, told(said))
    assert "waiting to see whether it renews it" in said[0]


def test_time_in_which_the_machine_slept_counts(
    bucket: BucketPlace, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = make("one")
    lease.take(time.time(), False, print)
    before, read_time = read(bucket)["renewed"], time.clock_gettime
    slept = {time.CLOCK_BOOTTIME: 3600.0}  # CLOCK_MONOTONIC stood still.
    monkeypatch.setattr(time, "clock_gettime", lambda clock: read_time(clock) + slept.get(clock, 0.0))
    lease.check()
    assert read(bucket)["renewed"] != before


def test_a_renewal_that_meets_another_of_its_own_tries_again(
    bucket: BucketPlace, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    lease = make("one")
    lease.take(time.time(), False, print)
    swap, left = bucket.swap, 2

    def swap_after_mine(name: str, content: bytes, version: Version) -> Version:
        nonlocal left
        if left:
            left -= 1
            found = bucket.get(LEASE)
            assert found is not None
            swap(LEASE, lease._write(True), found[1])
            raise Conflict(name)
        return swap(name, content, version)

    monkeypatch.setattr(bucket, "swap", swap_after_mine)
    lease._until = 0.0
    lease.check()
    assert lease._until > time.monotonic()


def test_who_signed_off_does_not_renew_it_and_may_take_it_again(bucket: BucketPlace, make: Any) -> None:
    lease = make("one")
    lease.take(time.time(), False, print)
    thread = lease._thread
    lease._ended.set()  # From here on, and after its release, the thread may be about to renew it.
    for _ in range(2):
        with pytest.raises(Superseded, match="has signed off"):
            lease._renew()
        lease.release()
    assert not read(bucket)["driving"]
    assert lease.take(time.time(), False, print) == ([], False)
    assert lease._thread is not thread
    thread.join()
    lease._renew()
    assert lease._thread.is_alive()
    assert read(bucket)["driving"]


def test_signing_off_waits_for_no_renewal_without_an_answer(
    bucket: BucketPlace, make: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(lease_module, "SIGN_OFF_SECONDS", 0.01)
    lease, held, answered = make("one"), threading.Event(), threading.Event()
    lease.take(time.time(), False, print)

    def renew_without_answer() -> None:
        with lease._lock:
            held.set()
            answered.wait(5)
            answered.set()

    thread = threading.Thread(target=renew_without_answer)
    thread.start()
    held.wait()
    lease.release()
    assert not answered.is_set()
    answered.set()
    thread.join()
