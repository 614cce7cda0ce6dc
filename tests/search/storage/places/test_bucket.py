from __future__ import annotations

from collections.abc import Callable
from typing import Any

import obstore
import pytest
from obstore.exceptions import AlreadyExistsError, GenericError, PermissionDeniedError

from search.errors import explain_error
from search.storage.places import bucket as bucket_module
from search.storage.places.base import Conflict, Unreachable
from search.storage.places.bucket import BucketPlace

SECRET = "canary-secret"
BUSY = f"Server returned non-2xx status code: 503 Service Unavailable: <Code>SlowDown</Code> {SECRET}"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bucket_module, "FIRST_WAIT", 0.001)


def fail_first(monkeypatch: pytest.MonkeyPatch, name: str, *errors: Exception, after: bool = False) -> list[int]:
    """The first calls of a function of obstore fail, ``after`` they had their effect; returns how many were made."""
    act: Callable[..., Any] = getattr(obstore, name)
    calls: list[int] = []

    def wrapped(*given: Any, **more: Any) -> Any:
        calls.append(1)
        if len(calls) <= len(errors):
            if after:
                act(*given, **more)
            raise errors[len(calls) - 1]
        return act(*given, **more)

    monkeypatch.setattr(obstore, name, wrapped)
    return calls


def test_a_write_without_an_answer_that_won_is_known_by_what_is_there(
    bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls = fail_first(monkeypatch, "put", GenericError("operation timed out"), after=True)
    version = bucket.create("a", b"token of mine")
    assert bucket.get("a") == (b"token of mine", version)
    assert len(calls) == 2
    monkeypatch.undo()
    fail_first(monkeypatch, "put", GenericError("operation timed out"), after=True)
    second = bucket.swap("a", b"another of mine", version)
    assert bucket.get("a") == (b"another of mine", second)


def test_a_write_without_an_answer_that_lost_is_a_conflict(
    bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = obstore.put

    def lose(store: Any, path: str, content: bytes, **more: Any) -> Any:
        monkeypatch.undo()
        put(store, path, b"of somebody else")
        raise GenericError("operation timed out")

    monkeypatch.setattr(obstore, "put", lose)
    with pytest.raises(Conflict):
        bucket.create("a", b"mine")
    found = bucket.get("a")
    assert found is not None
    monkeypatch.setattr(obstore, "put", lose)
    with pytest.raises(Conflict):
        bucket.swap("a", b"mine", found[1]._replace(tag="older"))


def test_what_may_pass_is_tried_again(bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    busy = [GenericError(BUSY), GenericError(BUSY.replace("503", "429")), GenericError("error sending request")]
    conflict = AlreadyExistsError("Server returned non-2xx status code: 409 Conflict")
    calls = fail_first(monkeypatch, "put", *busy, conflict)
    version = bucket.create("a", b"1")
    assert len(calls) == 5
    monkeypatch.undo()
    fail_first(monkeypatch, "put", conflict)
    bucket.swap("a", b"2", version)
    calls = fail_first(monkeypatch, "get", *busy)
    found = bucket.get("a")
    assert found is not None
    assert found[0] == b"2"
    assert len(calls) == 4


def test_the_limit_ends_with_one_line_without_secrets_and_then_one_try_is_enough(
    bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket.patience = 0.5
    calls = fail_first(monkeypatch, "get", *[GenericError(BUSY)] * 1000)
    with pytest.raises(Unreachable) as caught:
        bucket.get("a")
    assert explain_error(caught.value) == (
        "s3://bucket/run/a: the store answers with an error (503 SlowDown) after 0.5 seconds"
    )
    assert caught.value.__cause__ is None
    before = len(calls)
    assert before > 1
    with pytest.raises(Unreachable):
        bucket.get("a")
    assert len(calls) == before + 1


def test_what_does_not_pass_is_said_at_once(bucket: BucketPlace, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = "status code: 403 Forbidden: <Code>InvalidAccessKeyId</Code><AWSAccessKeyId>canary-secret</AWSAccessKeyId>"
    instance = "Error performing PUT http://169.254.169.254/latest/api/token: canary-secret"
    missing = "status code: 404 Not Found: <Code>NoSuchBucket</Code> canary-secret"
    for error, told in (
        (PermissionDeniedError(denied), "the store refuses these credentials (403 InvalidAccessKeyId)"),
        (GenericError("status code: 400 Bad Request: canary-secret"), "the store answers with an error (400)"),
        (FileNotFoundError(missing), "there is no such bucket; make it first"),
        (
            FileNotFoundError("status code: 404 Not Found: <Code>ContainerNotFound</Code>"),
            "there is no such bucket; make it first",
        ),
        (FileNotFoundError("status code: 404 Not Found"), "there is no such bucket; make it first"),
    ):
        calls = fail_first(monkeypatch, "put", error)
        with pytest.raises(Unreachable) as caught:
            bucket.create("a", b"1")
        assert explain_error(caught.value) == f"s3://bucket/run/a: {told}"
        assert len(calls) == 1
        monkeypatch.undo()
    bucket.patience = 0.0
    fail_first(monkeypatch, "get", GenericError(instance))
    with pytest.raises(Unreachable, match="no credentials were found") as caught:
        bucket.get("a")
    assert SECRET not in str(caught.value)
