"""Standard error and output that are lost, as a log reader or a terminal is."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
RUN = """
import sys
from pathlib import Path
from search import cli, streams
from search.storage import invocations
def run(args):
    with invocations.history(Path(sys.argv[1])):
        for _ in range(3):
            print("progress", file=sys.stderr, flush=True)
    streams.show("complete")
    return 3
cli.COMMANDS["list"].run = run
sys.exit(cli.main(["list", "spaces"]))
"""


def line(tmp_path: Path) -> list[str]:
    return [sys.executable, "-c", RUN, str(tmp_path)]


def end(run: Path) -> dict[str, str]:
    return json.loads((run / "history.jsonl").read_text().splitlines()[-1])


def no_reader() -> int:
    reader, writer = os.pipe()
    os.close(reader)
    return writer


def no_terminal() -> int:
    leader, follower = os.openpty()
    os.close(leader)
    return follower


@pytest.mark.parametrize("lost", [no_reader, no_terminal])
def test_the_run_goes_on_and_its_history_tells(tmp_path: Path, lost: object) -> None:
    handle = lost()  # type: ignore[operator]
    done = subprocess.run(line(tmp_path), cwd=ROOT, stdout=handle, stderr=handle, start_new_session=True)
    os.close(handle)
    assert done.returncode == 3  # What the command said.
    assert end(tmp_path)["outcome"] == "done"
    assert end(tmp_path)["lost"].startswith("standard error: ")


def test_a_full_disk_under_the_log_is_no_trouble_with_the_run(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(line(tmp_path), cwd=ROOT, stdout=subprocess.PIPE, stderr=full, text=True)
    assert (done.returncode, done.stdout) == (3, "complete\n")
    assert "No space left" in end(tmp_path)["lost"]


def test_a_result_that_was_not_written_is_no_success(tmp_path: Path) -> None:
    with open("/dev/full", "w") as full:
        done = subprocess.run(line(tmp_path), cwd=ROOT, stdout=full, stderr=subprocess.PIPE, text=True)
    assert done.returncode == 2
    assert done.stderr.splitlines()[-1] == "invsearch: No space left on device"


def test_closed_handles_are_not_given_to_files_of_the_run(tmp_path: Path) -> None:
    """Else what others write to handle 2 would go into the first file that the run opens."""
    ask = (
        "from search import streams, cli; import os, sys; streams.open_handles(); print(os.readlink('/proc/self/fd/2'))"
    )
    done = subprocess.run(
        ["sh", "-c", 'exec "$0" "$@" 2>&-', sys.executable, "-c", ask], cwd=ROOT, stdout=subprocess.PIPE
    )
    assert done.stdout == b"/dev/null\n"
    done = subprocess.run(["sh", "-c", 'exec "$0" "$@" 2>&- >&-', *line(tmp_path)], cwd=ROOT)
    assert done.returncode == 3
    assert "lost" not in end(tmp_path)


def test_what_is_told_to_a_closed_standard_error_is_not_told_to_standard_output(tmp_path: Path) -> None:
    call = ["sh", "-c", 'exec "$0" "$@" 2>&-', *line(tmp_path)]
    done = subprocess.run(call, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    assert (done.returncode, done.stdout) == (3, "complete\n")


FRAMES = """
import time
from analysis.progress.left import Limits
from search.tuning.progress import Progress
from search.streams import guarded
with guarded():
    progress = Progress("sweep", {"conv": 4}, Limits(1), [])
    with progress.shown():
        time.sleep(1)
"""


@pytest.mark.parametrize("colour", [{}, {"FORCE_COLOR": "1"}, {"TTY_COMPATIBLE": "1", "TTY_INTERACTIVE": "1"}])
def test_a_file_gets_no_frames(tmp_path: Path, colour: dict[str, str]) -> None:
    with (tmp_path / "log").open("w") as log:
        call = [sys.executable, "-c", FRAMES]
        subprocess.run(call, cwd=ROOT, stderr=log, env=os.environ | colour, check=True)
    assert (tmp_path / "log").read_text() == "sweep 0:00:00 elapsed | 0/4 ended\n"
