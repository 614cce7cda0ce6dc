import subprocess
import sys
from pathlib import Path

import pytest

from search.storage.file_lock import Lock

HOLD = "import sys; from search.storage.file_lock import Lock; lock = Lock(__import__('pathlib').Path(sys.argv[1])); "
HOLD += "assert lock.acquire(); lock.write(b'the other'); print('held', flush=True); sys.stdin.read()"


def test_one_holder_at_a_time_and_death_releases(tmp_path: Path) -> None:
    path = tmp_path / "lock"
    root = Path(__file__).resolve().parents[3]
    command = [sys.executable, "-c", HOLD, str(path)]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        mine = Lock(path)
        assert not mine.acquire()
        assert not mine.is_free()
        assert mine.path.read_text() == "the other"
        other.kill()
        assert mine.acquire(wait_seconds=10)
    mine.release()
    assert mine.is_free()


def test_a_lock_that_never_was_is_free_and_stays_unwritten(tmp_path: Path) -> None:
    lock = Lock(tmp_path / "lock")
    assert lock.is_free()
    assert not lock.path.exists()


def test_a_file_that_was_removed_meanwhile_is_no_lock(tmp_path: Path) -> None:
    """Its holder keeps a lock on what has no name any more; the new file is somebody else's."""
    first, second = Lock(tmp_path / "lock"), Lock(tmp_path / "lock")
    assert first.acquire()
    first.path.unlink()
    assert second.acquire()
    third = Lock(tmp_path / "lock")
    assert not third.acquire()


def test_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "precious").write_text("precious")
    (tmp_path / "lock").symlink_to(tmp_path / "precious")
    with pytest.raises(OSError, match="symbolic"):
        Lock(tmp_path / "lock").acquire()
    assert Lock(tmp_path / "lock").is_free()
