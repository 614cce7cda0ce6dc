"""The command line finds its own packages, whatever lies in the current folder or on PYTHONPATH."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
PACKAGES = ("spaces", "models", "search", "analysis")
COMMAND = "import sys; from invsearch_start import main; sys.exit(main())"  # As the installed script does.


def listed(folder: Path, *call: str, path: str = ".") -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": f"{path}:{ROOT}"}
    return subprocess.run(
        [sys.executable, *call, "list"],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        # A shell's background job, as this may be, ignores Ctrl-C, and so would what it starts.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    )


@pytest.mark.parametrize("call", [("-c", COMMAND), ("-m", "search")], ids=["script", "module"])
@pytest.mark.parametrize("kind", ["folder", "package", "module"])
def test_names_of_ours_do_not_hide_the_packages(tmp_path: Path, call: tuple[str, ...], kind: str) -> None:
    """``python -m search`` is Python's own choice where the current folder has a package of that name."""
    for name in PACKAGES if call[0] == "-c" or kind == "folder" else set(PACKAGES) - {"search"}:
        if kind == "module":
            (tmp_path / f"{name}.py").write_text("raise RuntimeError('not ours')\n")
            continue
        (tmp_path / name).mkdir()
        if kind == "package":
            (tmp_path / name / "__init__.py").write_text("raise RuntimeError('not ours')\n")
    done = listed(tmp_path, *call)
    assert (done.returncode, done.stderr) == (0, "")
    assert "invariant" in done.stdout


def test_in_a_deleted_folder_it_says_so(tmp_path: Path) -> None:
    code = f"import os; os.rmdir(os.getcwd()); {COMMAND}"
    (tmp_path / "gone").mkdir()
    done = listed(tmp_path / "gone", "-c", code, path=str(ROOT))
    assert done.returncode == 2
    assert done.stderr.startswith("invsearch: the current folder cannot be used (No such file or directory); cd to")
    assert done.stderr.count("\n") == 1


def test_ctrl_c_at_the_very_start_is_no_traceback(tmp_path: Path) -> None:
    (tmp_path / "yaml.py").write_text("import os, signal\nos.kill(os.getpid(), signal.SIGINT)\n")
    done = listed(tmp_path, "-c", COMMAND)
    assert (done.returncode, done.stderr) == (-signal.SIGINT, "")
