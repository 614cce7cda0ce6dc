"""How many requests a run in a bucket sends, as the store counts them: SeaweedFS, on this machine."""

from __future__ import annotations

import re
import tempfile
from collections import Counter
from pathlib import Path
from urllib.request import urlopen

from benchmarks.growth.nodes import measure_alone
from tests.servers import BIN, free_ports, start_seaweed

TRIALS = 16
COUNTED = re.compile(r'^SeaweedFS_s3_request_total\{bucket="counted",.*type="([A-Z]+)"\} (\S+)$', re.MULTILINE)


def is_here() -> bool:
    """Whether SeaweedFS is installed."""
    return (BIN / "weed").exists()


def count_requests(epochs: int) -> dict[str, int]:
    """A sweep of so many epochs in a bucket of its own.

    Returns:
        The epochs that were recorded, the decisions, the requests of the driver, and those of the driver and the
        workers by kind.
    """
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (port,) = free_ports(1)
        server = start_seaweed(folder / "seaweed", f"-metricsPort={port}")
        try:
            more = server.environment | {"INVSEARCH_MIRRORS": str(folder / "mirrors")}
            found = measure_alone(f"requests.sweep_counted({epochs})", more)
            text = urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
        finally:
            server.kill()
    kinds: Counter[str] = Counter()
    for kind, count in COUNTED.findall(text):
        kinds[kind] += int(float(count))
    return found | kinds


def sweep_counted(epochs: int) -> dict[str, int]:
    """The sweep, in this process."""
    from benchmarks.growth.untrained import sweep_untrained
    from search.storage.json_files import read_lines
    from search.storage.places.address import open_place
    from search.storage.places.bucket import BucketPlace
    from search.storage.places.guard import BucketGuard
    from search.storage.places.urls import find_mirror

    url = "s3://counted/run"
    place = open_place(url)
    place.create("first", b"")  # Which makes the bucket.
    place.delete(["first"])
    run = sweep_untrained(find_mirror(url, "reader"), TRIALS, epochs)[0]
    assert isinstance(run.guard, BucketGuard)
    assert isinstance(run.guard.place, BucketPlace)
    recorded = sum(len(folder.rows) for folder in run.list_recorded("sweep"))
    return {
        "epochs": recorded,
        "decisions": len(read_lines(run.path / "decisions.jsonl")[0]),
        "driver": run.guard.place.requests.total() + place.requests.total(),
    }
