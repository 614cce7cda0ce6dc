"""A bucket as a place, by obstore: conditional writes, what may pass is tried again, and no secret is ever said.

A write that got no answer may have won. So where the next try finds the name taken, what is there is read back: every
writer's bytes carry a token of its own, and if they are ours, the first try had won.
"""

from __future__ import annotations

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any, TypeVar
from urllib.parse import urlsplit

from search.storage.places.base import Conflict, Entry, Unreachable, Version

Answer = TypeVar("Answer")
PATIENCE_SECONDS = 300.0  # A server that restarts, or a network that is mended, is back by then.
REQUEST_SECONDS = 30.0  # Without a byte of the answer; what is sent has a second for each of its megabytes besides.
LARGE = 1_000_000
FIRST_WAIT, LONGEST_WAIT = 0.1, 10.0
PASSING = {408, 409, 425, 429, *range(500, 600)}  # Statuses after which the same request may succeed.
STATUS = re.compile(r"status code: (\d{3})")
CODE = re.compile(r"<Code>([A-Za-z]{1,60})</Code>")
# Where machines have their own credentials.
INSTANCE = ("169.254.169.254", "169.254.170.2", "metadata.google.internal")
CREDENTIALS = {
    "s3": "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, AWS_PROFILE, or the machine's",
    "gs": "GOOGLE_APPLICATION_CREDENTIALS, or the machine's",
    "az": "AZURE_STORAGE_ACCOUNT_NAME and AZURE_STORAGE_ACCOUNT_KEY, or the machine's",
}
NO_BUCKET = ("NoSuchBucket", "ContainerNotFound")
OTHER_REGION = ("incorrectly configured region", "PermanentRedirect", "AuthorizationHeaderMalformed")


class BucketPlace:
    """See ``Place``.

    Args:
        url: such as ``s3://bucket/run``.
        store: obstore's, with that prefix and without retries of its own.
        patience: seconds for which a request is tried again.
        endpoint: of the store, where it is not the usual one.
        connect: makes such a store that waits for an answer for so many seconds; None: ``store`` sends large ones too.

    Attributes:
        requests: how many of each kind were sent.
    """

    def __init__(
        self,
        url: str,
        store: Any,
        patience: float = PATIENCE_SECONDS,
        endpoint: str = "",
        connect: Callable[[float], Any] | None = None,
    ):
        self.url, self.patience, self._store, self._endpoint = url, patience, store, endpoint
        self._connect = connect
        self.requests: Counter[str] = Counter()
        self._gave_up = False  # Then one try is enough until there is an answer again.

    def describe(self) -> str:
        """The host of the store."""
        parts = urlsplit(self._endpoint)
        return f" at {parts.hostname}:{parts.port or (80 if parts.scheme == 'http' else 443)}" if parts.hostname else ""

    def get(self, name: str) -> tuple[bytes, Version] | None:
        """What an object holds."""
        import obstore

        def ask() -> tuple[bytes, Version]:
            found = obstore.get(self._store, name)
            return bytes(found.bytes()), _make_version(found.meta)

        return self._ask_for("get", name, ask)

    def look(self, name: str) -> Entry | None:
        """That an object is there."""
        import obstore

        return self._ask_for("head", name, lambda: _make_entry(obstore.head(self._store, name)))

    def list(self, prefix: str = "") -> list[Entry]:
        """All objects below a prefix."""
        import obstore

        def ask() -> list[Entry]:
            return [_make_entry(meta) for chunk in obstore.list(self._store, prefix or None) for meta in chunk]

        return sorted(self._repeat("list", prefix, ask))

    def delete(self, names: Iterable[str]) -> None:
        """Removes objects."""
        import obstore

        if paths := list(names):
            self._ask_for("delete", paths[0], lambda: obstore.delete(self._store, paths))

    def create(self, name: str, content: bytes) -> Version:
        """Writes a new object."""
        return self._put(name, content, "create")

    def swap(self, name: str, content: bytes, version: Version) -> Version:
        """Replaces an object."""
        known = {"e_tag": version.tag, "version": version.generation}
        return self._put(name, content, {key: value for key, value in known.items() if value is not None})

    def _put(self, name: str, content: bytes, mode: Any) -> Version:
        import obstore
        from obstore.exceptions import AlreadyExistsError, PreconditionError

        tried, store = 0, self._find_store(len(content))

        def ask() -> Version:
            nonlocal tried
            tried += 1
            try:
                put = obstore.put(store, name, content, mode=mode, use_multipart=False)
                return Version(put["e_tag"], put["version"])
            except FileNotFoundError as error:
                if mode == "create" or _lacks_bucket(error):
                    raise
                raise Conflict(name) from None  # What was to be replaced is gone.
            except (AlreadyExistsError, PreconditionError) as error:
                if _find_status(error) != 409 and tried == 1:
                    raise Conflict(name) from None
                there = self.get(name)
                if there is not None and there[0] == content:
                    return there[1]
                if there is None or (mode != "create" and there[1] == Version(mode.get("e_tag"), mode.get("version"))):
                    raise  # Another request was under way: 409 asks to try again.
                raise Conflict(name) from None

        return self._repeat("put", name, ask)

    def _find_store(self, size: int) -> Any:
        """What sends so many bytes; their time is rounded up to a power of two, so that there are few."""
        if self._connect is None or size <= LARGE:
            return self._store
        return self._connect(REQUEST_SECONDS + 2 ** (size // LARGE).bit_length())

    def _ask_for(self, kind: str, name: str, ask: Callable[[], Answer]) -> Answer | None:
        """The answer to a request; None where the object is not there."""

        def ask_or_none() -> Answer | None:
            try:
                return ask()
            except FileNotFoundError as error:
                if _lacks_bucket(error):
                    raise
                return None

        return self._repeat(kind, name, ask_or_none)

    def _repeat(self, kind: str, name: str, ask: Callable[[], Answer]) -> Answer:
        """Sends a request, and again after what may pass, each time after a longer while drawn at random."""
        from obstore.exceptions import BaseError

        wait, give_up = FIRST_WAIT, time.monotonic() + (0.0 if self._gave_up else self.patience)
        while True:
            self.requests[kind] += 1
            try:
                answer = ask()
            except (BaseError, OSError, ValueError) as error:
                if isinstance(error, Unreachable):
                    raise
                left = give_up - time.monotonic()
                if not _may_pass(error) or left <= 0:
                    self._gave_up = _may_pass(error)
                    tried = f" after {self.patience:g} seconds" if _may_pass(error) and self.patience else ""
                    place = f"{self.url}/{name}".rstrip("/")
                    raise Unreachable(place, f"{explain(error, self.url)}{tried}") from None
                time.sleep(min(random.uniform(wait / 2, wait), left))
                wait = min(2 * wait, LONGEST_WAIT)
                continue
            self._gave_up = False
            return answer


def _may_pass(error: BaseException) -> bool:
    """Whether the same request may succeed later."""
    from obstore.exceptions import AlreadyExistsError, GenericError, PreconditionError

    if isinstance(error, AlreadyExistsError | PreconditionError):
        return True  # Others were answered.
    if any(text in str(error) for text in OTHER_REGION):
        return False
    if "<Code>RequestTimeout</Code>" in str(error):
        return True  # With the status 400.
    status = _find_status(error)
    return isinstance(error, GenericError) and (status is None or status in PASSING)


def _lacks_bucket(error: BaseException) -> bool:
    return any(code in str(error) for code in NO_BUCKET)


def _find_status(error: BaseException) -> int | None:
    found = STATUS.search(str(error))
    return int(found[1]) if found else None


def explain(error: BaseException, url: str) -> str:
    """What a person is told of an answer: no text of the server or of the client, which may quote credentials."""
    from obstore.exceptions import PermissionDeniedError, UnauthenticatedError

    text = str(error)
    code, status = CODE.search(text), _find_status(error)
    known = " ".join([*([str(status)] if status else []), *([code[1]] if code else [])])
    if any(address in text for address in INSTANCE):
        return f"no credentials were found ({CREDENTIALS[url.partition(':')[0]]})"
    if any(each in text for each in OTHER_REGION):
        return f"the bucket is in another region ({known or 'redirected'}); name it in AWS_REGION"
    if status in (401, 403) or isinstance(error, PermissionDeniedError | UnauthenticatedError):
        return f"the store refuses these credentials ({known or 'permission denied'})"
    if isinstance(error, FileNotFoundError) or _lacks_bucket(error):
        return "there is no such bucket; make it first"
    if status is not None:
        return f"the store answers with an error ({known})"
    if "timed out" in text or "Timeout" in text:
        return "the store does not answer in time"
    if "Connect" in text or "error sending request" in text:
        return "the store cannot be reached"
    return f"the store cannot be used ({type(error).__name__})"


def _make_version(meta: Any) -> Version:
    return Version(meta["e_tag"], meta["version"])


def _make_entry(meta: Any) -> Entry:
    return Entry(meta["path"], _make_version(meta), meta["size"], meta["last_modified"].timestamp())
