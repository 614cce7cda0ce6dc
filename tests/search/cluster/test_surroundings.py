from __future__ import annotations

import os
import pwd
import resource
import shutil
import socket
import subprocess
import sys
from contextlib import suppress
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import ray
from ray.util.client import ray as client

from search.cluster import surroundings
from search.cluster.resources import Resources
from search.cluster.surroundings import (
    check_utf8,
    choose_temporary_folder,
    code_of,
    find_address,
    limit_object_store,
    prepare_python,
    restored_environment,
    set_environment,
)
from search.storage.provenance import ROOT
from spaces import UserError

SOCKET = "/ray/session_2026-01-31_12-30-59_123456_1234567/sockets/plasma_store"


@pytest.fixture
def clear(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    for name in ("RAY_TMPDIR", "TMPDIR"):
        monkeypatch.delenv(name, raising=False)
    return monkeypatch


def test_ray_goes_where_the_environment_says(clear: pytest.MonkeyPatch) -> None:
    assert choose_temporary_folder() == "/tmp"
    clear.setenv("TMPDIR", "/var/tmp")
    assert choose_temporary_folder() == "/var/tmp"
    clear.setenv("RAY_TMPDIR", "/dev/shm")
    assert choose_temporary_folder() == "/dev/shm"


@pytest.mark.parametrize("folder", ["x" * 75, "/proc/nowhere", "tmp", ".", "/etc/hostname", "", "/tmp/\udcff"])
def test_where_ray_cannot_be_it_goes_to_the_usual_folder(
    clear: pytest.MonkeyPatch, tmp_path: Path, folder: str
) -> None:
    (tmp_path / ("x" * 75)).mkdir()
    (tmp_path / "tmp").mkdir()
    clear.chdir(tmp_path)
    clear.setenv("TMPDIR", str(tmp_path / folder) if folder.startswith("x") else folder)
    assert choose_temporary_folder() == "/tmp"


def test_the_kernel_takes_the_longest_socket_and_no_longer_one(clear: pytest.MonkeyPatch) -> None:
    root = Path("/tmp") / ("i" * (surroundings.LONGEST - len("/tmp/")))
    longer = root.with_name(root.name + "i")
    try:
        for folder in (root, longer):
            Path(f"{folder}{SOCKET}").parent.mkdir(parents=True)
        clear.setenv("TMPDIR", str(root))
        assert choose_temporary_folder() == str(root)
        with socket.socket(socket.AF_UNIX) as short:
            short.bind(f"{root}{SOCKET}")
        clear.setenv("TMPDIR", str(longer))
        assert choose_temporary_folder() == "/tmp"
        with socket.socket(socket.AF_UNIX) as long, pytest.raises(OSError, match="too long"):
            long.bind(f"{longer}{SOCKET}")
    finally:
        for folder in (root, longer):
            shutil.rmtree(folder, ignore_errors=True)


def test_no_folder_at_all(clear: pytest.MonkeyPatch, tmp_path: Path) -> None:
    clear.setattr(surroundings, "USUAL", (str(tmp_path / "nowhere"),))
    clear.setenv("TMPDIR", "here")
    with pytest.raises(UserError, match=r"here, .*nowhere; name one with RAY_TMPDIR .* at most \d+ bytes"):
        choose_temporary_folder()


def test_a_folder_of_ray_that_cannot_be_written_is_not_used(clear: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Another user's /tmp/ray, say."""
    clear.setattr(surroundings, "LONGEST", 1000)
    (tmp_path / "ray").write_text("no folder")
    clear.setenv("TMPDIR", str(tmp_path))
    assert choose_temporary_folder() == "/tmp"


def test_a_user_without_a_home_gets_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/somebody")
    prepare_python()
    assert os.environ["HOME"] == "/home/somebody"

    def unknown(uid: int) -> pwd.struct_passwd:
        raise KeyError(f"getpwuid(): uid not found: {uid}")

    monkeypatch.setattr(pwd, "getpwuid", unknown)
    monkeypatch.delenv("HOME")
    prepare_python()
    assert Path.home() == Path("/")


def test_ray_starts_in_the_folder_of_the_code(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    with code_of(local=True):
        assert Path.cwd() == ROOT
        assert (Path.cwd() / "models" / "__init__.py").exists()
    with code_of(local=False):
        assert list(Path.cwd().iterdir()) == []
    assert Path.cwd() == tmp_path


def test_settings_of_python_that_ray_does_not_survive(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error")
    prepare_python()
    assert "PYTHONWARNINGS" not in os.environ
    code = "from search.cluster.surroundings import prepare_python; prepare_python()"
    done = subprocess.run([sys.executable, "-OO", "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert "UserError: PYTHONOPTIMIZE=2 and python -OO: Ray cannot run with them" in done.stderr.splitlines()[-1]


def test_the_environment_is_left_as_it_was(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"TUNE_RESULT_DIR": "x", "PYTHONWARNINGS": "error", "RAY_AUTH_MODE": "disabled"}.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("RAY_TMPDIR", raising=False)
    before = dict(os.environ)
    with suppress(ValueError), restored_environment():
        set_environment(Resources())
        assert len(os.environ["RAY_AUTH_TOKEN"]) == 64
        assert before.items() - os.environ.items() == {("TUNE_RESULT_DIR", "x"), ("PYTHONWARNINGS", "error")}
        os.environ.update(
            TUNE_MAX_PENDING_TRIALS_PG="2",
            RAY_AUTH_MODE="token",
            MLFLOW_ALLOW_FILE_STORE="true",
            INVSEARCH_TEMPLATE="x",
        )
        monkeypatch.setenv("THEIRS", "set by another thread")
        raise ValueError
    assert dict(os.environ) == before | {"THEIRS": "set by another thread"}


@pytest.fixture
def with_ray(monkeypatch: pytest.MonkeyPatch) -> str:
    """A program that has Ray already; returns the address of that."""
    context = SimpleNamespace(gcs_address="10.0.0.1:6379")
    monkeypatch.setattr(ray, "is_initialized", lambda: True)
    monkeypatch.setattr(ray, "get_runtime_context", lambda: context)
    return context.gcs_address


def test_the_ray_of_the_program_is_used_and_no_other(with_ray: str, monkeypatch: pytest.MonkeyPatch) -> None:
    assert [find_address(asked) for asked in (None, "auto", with_ray)] == [with_ray] * 3
    with pytest.raises(UserError, match=rf"^address 10\.0\.0\.2:6379: this program has Ray already, at {with_ray}; "):
        find_address("10.0.0.2:6379")
    monkeypatch.setattr(client, "is_connected", lambda: True)
    with pytest.raises(UserError, match="Ray Client"):
        find_address(None)


def test_a_program_without_ray_uses_what_was_asked_for() -> None:
    assert [find_address(asked) for asked in (None, "auto", "10.0.0.2:6379")] == [None, "auto", "10.0.0.2:6379"]


def test_what_the_rays_of_programs_were_started_with_holds(with_ray: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["run\udcff"])  # No Ray of ours writes it down.
    monkeypatch.setattr(os, "environ", {"HOME": "/root"})
    set_environment(Resources(address=with_ray))
    assert not {"RAY_TMPDIR", "RAY_AUTH_TOKEN", "RAY_AUTH_MODE", *surroundings.HERE_ONLY} & os.environ.keys()
    assert os.environ["TUNE_DISABLE_SIGINT_HANDLER"] == "1"


def test_the_token_of_a_ray_that_has_ended_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    """As in a notebook that has had a Ray of its own: with that one's token our own would let nobody in."""
    loader: Any = import_module("ray._raylet").AuthenticationTokenLoader.instance()
    loader.reset_cache()
    monkeypatch.setenv("RAY_AUTH_TOKEN", "theirs")
    assert loader.get_raw_token(ignore_auth_mode=True) == "theirs"
    monkeypatch.delenv("RAY_AUTH_TOKEN")
    with restored_environment():
        set_environment(Resources())
        assert loader.get_raw_token(ignore_auth_mode=True) == os.environ["RAY_AUTH_TOKEN"] != "theirs"


def test_names_that_ray_cannot_carry() -> None:
    check_utf8("run", "größe", "实验", "run folder")
    with pytest.raises(UserError, match=r"^'run\\udcff': not UTF-8, which Ray needs; give it another name$"):
        check_utf8("run", os.fsdecode(b"run\xff"))


@pytest.mark.parametrize(("gibibytes", "share"), [(8, 2), (7.5, 1.875), (10**5, None)])
def test_the_object_store_fits_the_limit_of_addresses(
    monkeypatch: pytest.MonkeyPatch, gibibytes: float, share: float | None
) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (int(gibibytes * 2**30), resource.RLIM_INFINITY))
    most = psutil.virtual_memory().total * 3 // 10
    assert limit_object_store() == {"object_store_memory": most if share is None else min(share * 2**30, most)}


def test_no_limit_or_one_too_low(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(resource, "getrlimit", lambda which: (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    assert limit_object_store() == {}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (2**30, resource.RLIM_INFINITY))
    with pytest.raises(UserError, match=r"^ulimit -v: 1048576 leaves Ray no room; give it at least \d+"):
        limit_object_store()
