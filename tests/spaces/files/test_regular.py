import os
from pathlib import Path

import pytest

from spaces import UserError, read_space
from spaces.files.regular import open_regular


def test_a_regular_file_is_opened_through_a_link_too(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"


def test_a_pipe_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "zero").symlink_to("/dev/zero")
    for name in ("pipe", "zero"):
        with pytest.raises(OSError, match="not a regular file"), open_regular(tmp_path / name):
            pass
        with pytest.raises(UserError, match=f"space file .*{name}: not a regular file; give a readable YAML file"):
            read_space(tmp_path / name)


def test_nothing_stays_open(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    before = len(os.listdir("/proc/self/fd"))
    for path in (tmp_path / "pipe", tmp_path, tmp_path / "none"):
        with pytest.raises(OSError, match=r"not a regular|directory|No such"), open_regular(path):
            pass
    assert len(os.listdir("/proc/self/fd")) == before
