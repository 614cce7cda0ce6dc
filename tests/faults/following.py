"""A run in a bucket as a folder that follows it, for what looks at folders."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from search.storage.places.address import open_place
from search.storage.places.mirror import Mirror
from tests.servers import start_seaweed

LOOK_SECONDS = 0.1


@contextmanager
def followed(url: str, folder: Path) -> Iterator[None]:
    """Within the ``with`` block a folder is a mirror of a run that is brought up to date all the time."""
    done, mirror = threading.Event(), Mirror(open_place(url, 1.0), folder)

    def follow() -> None:
        while not done.wait(LOOK_SECONDS):
            with suppress(OSError):  # The server is away.
                mirror.refresh()

    thread = threading.Thread(target=follow)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()


@contextmanager
def serving(url: str, folder: Path) -> Iterator[None]:
    """Within the ``with`` block SeaweedFS has a bucket for a run, which a folder ``run`` beside it follows."""
    server = start_seaweed(folder / "seaweed")
    os.environ.update(server.environment, INVSEARCH_MIRRORS=str(folder / "mirrors"))
    place = open_place(url)
    place.create("first", b"")  # Which makes the bucket.
    place.delete(["first"])
    try:
        with followed(url, folder / "run"):
            yield
    finally:
        server.kill()
