from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from search.storage.places import own_folders


def test_a_worker_s_folder_stays_while_it_lives(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    code = f"import time; from {own_folders.__name__} import *; print(make_own_folder(''), flush=True); time.sleep(60)"
    command = [sys.executable, "-c", code]
    with subprocess.Popen(command, env={**os.environ, "TMPDIR": str(tmp_path)}, stdout=subprocess.PIPE) as worker:
        assert worker.stdout is not None
        folder = Path(os.fsdecode(worker.stdout.readline().strip()))
        folder = folder.rename(folder.with_name("0-0-999999999"))  # As of a container with process ids of its own.
        own_folders.clear_dead_folders()
        assert folder.is_dir()
        worker.kill()
    own_folders.clear_dead_folders()
    assert not folder.exists()
