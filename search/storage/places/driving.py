"""A driver's hold on a run in a bucket: the lease there, and a mirror here that is its own."""

from __future__ import annotations

import sys
import time
from contextlib import suppress
from pathlib import Path

from search.errors import explain_error
from search.storage.driver import DriverLock
from search.storage.places import address
from search.storage.places.base import Conflict, Unreachable
from search.storage.places.guard import BucketGuard
from search.storage.places.lease import SECONDS, SIGN_OFF_SECONDS, Lease
from search.storage.places.mirror import Mirror
from search.storage.places.own_folders import clear_dead_folders
from search.storage.places.probe import check_conditions
from search.storage.places.urls import find_mirror
from spaces import UserError
from spaces.common.errors import make_printable
from spaces.files.sealed import ASIDE

FIRST_SECONDS = 20.0  # A store that does not answer at the start is a mistake rather than an outage.


class BucketLock:
    """As ``DriverLock``, for a run in a bucket; also keeps two drivers of one machine apart by the lock of the mirror.

    Attributes:
        token: names this driver.
        guard: how it writes.
    """

    def __init__(self, url: str):
        self.folder = find_mirror(url, "driver")
        self._local = DriverLock(self.folder)
        self.token = self._local.token
        self._place = address.open_place(url)
        self._lease = Lease(self._place, address.read_seconds(address.LEASE, SECONDS), self.token)
        self._mirror = Mirror(self._place, self.folder)
        self.guard = BucketGuard(self._place, self.token, self._lease, self._mirror, self.folder)

    def take(self, force: bool = False) -> list[str]:
        """Takes the run, and brings the mirror up to date; raises what ``DriverLock.take`` does."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self._local.take(force)
        patience, self._place.patience = self._place.patience, min(self._place.patience, FIRST_SECONDS)
        try:
            now = check_conditions(self._place)
            lines, crossed = self._lease.take(now, force, lambda text: print(text, file=sys.stderr))
            self._mirror.drop_changed()
            self.guard.refresh()
            self._refuse_foreign()
            if crossed:
                self.guard.mark()
            lines += self._set_decisions_aside()
        except Unreachable as error:
            self.release()
            raise UserError(explain_error(error)) from None
        except BaseException:
            self.release()
            raise
        self._place.patience = patience
        return lines

    def _refuse_foreign(self) -> None:
        there = any((self.folder / name).exists() for name in ("spec.json", "history.jsonl"))
        if self._mirror.foreign and not there:
            raise UserError(
                f"{self._place.url}: has objects but no spec.json, such as {make_printable(self._mirror.foreign[0])}; "
                "give --out an empty or new prefix"
            )

    def _set_decisions_aside(self) -> list[str]:
        lines = []
        for name, content in self._mirror.damaged.items():
            aside = f"{name}{ASIDE}{time.strftime('%Y%m%dT%H%M%S')}"
            with suppress(Conflict):
                self._place.create(aside, content)
            self._place.delete([name])
            lines.append(f"{self._place.url}/{name}: damaged; set aside as {Path(aside).name}")
        return lines

    def release(self) -> None:
        """Signs off."""
        clear_dead_folders()
        patience, self._place.patience = self._place.patience, min(self._place.patience, SIGN_OFF_SECONDS)
        self._lease.release()
        self._place.patience = patience
        self._local.release()
