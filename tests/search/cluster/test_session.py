from __future__ import annotations

import os
import socket
import sys
from pathlib import Path

import pytest

from search.cluster import forking, session
from search.cluster.session import Resources, check_reachable, ray_session, set_environment, shared_session
from spaces import UserError


@pytest.mark.parametrize(
    ("asked", "cpus", "gpus", "slots"),
    [
        (Resources(), 2, 0, 2),
        (Resources(cpus_per_trial=0.5), 2, 0, 4),
        (Resources(cpus_per_trial=4), 2, 0, 0),
        (Resources(cpus_per_trial=1, gpus_per_trial=0.25), 16, 1, 4),
        (Resources(cpus_per_trial=8, gpus_per_trial=0.25), 16, 1, 2),
        (Resources(gpus_per_trial=1), 16, 0, 0),
        (Resources(gpus_per_trial=0.4), 16, 2, 4),  # Two on each GPU, and a fifth of each stays free.
    ],
)
def test_slots(asked: Resources, cpus: float, gpus: float, slots: int) -> None:
    assert asked.count_slots(cpus, gpus) == slots


@pytest.mark.parametrize(
    ("cpus", "gpus"),
    [(0, 0), (-1, 0), (float("nan"), 0), (float("inf"), 0), (1, -1), (1, float("nan")), (1, 1.5), (1, float("inf"))],
)
def test_amounts_that_make_no_sense(cpus: float, gpus: float) -> None:
    with pytest.raises(UserError, match=r"per-trial: .* is not allowed; give"):
        Resources(cpus, gpus)


def test_threads_and_device() -> None:
    assert [Resources(cpus).threads for cpus in (0.5, 1, 2.5)] == [1, 1, 2]
    assert (Resources().device, Resources(gpus_per_trial=0.1).device) == ("cpu", "cuda")


@pytest.mark.parametrize("address", ["127.0.0.1:9", "127.0.0.1:x", "127.0.0.1:99999", ":"])
def test_nobody_there(address: str) -> None:
    with pytest.raises(UserError, match="no Ray cluster there"):
        check_reachable(address)


def test_somebody_there_or_ray_finds_out() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        check_reachable(f"127.0.0.1:{server.getsockname()[1]}")
    check_reachable("auto")


def test_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {})
    set_environment(Resources())
    assert os.environ["RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER"] == "0"  # Loopback only.
    assert os.environ["RAY_USAGE_STATS_ENABLED"] == "0"
    assert "RAY_AUTH_MODE" not in os.environ  # Ray's own default, which is on for a new local cluster.
    assert len(os.environ["RAY_AUTH_TOKEN"]) == 64  # Nothing is read or written below HOME.


@pytest.mark.parametrize("token", [True, False])
def test_a_cluster_gets_the_token_if_there_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, token: bool) -> None:
    if token:
        (tmp_path / ".ray").mkdir()
        (tmp_path / ".ray" / "auth_token").write_text("secret")
    monkeypatch.setattr(os, "environ", {"HOME": str(tmp_path)})
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    set_environment(Resources(address="10.0.0.1:6379"))
    assert ("RAY_AUTH_MODE" in os.environ) == token
    assert "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER" not in os.environ  # Nodes could not meet.


def test_a_job_of_a_cluster_starts_no_ray_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"RAY_JOB_CONFIG_JSON_ENV_VAR": "{}"})
    with pytest.raises(UserError, match="add --address auto"), ray_session(Resources()):
        pass


def test_what_the_environment_says_of_tune_counts_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """RAY_AIR_LOCAL_CACHE_DIR, and TUNE_RESULT_DIR of old, end Tune with a deprecation."""
    before = dict(os.environ)
    for name in ("RAY_AIR_LOCAL_CACHE_DIR", "TUNE_RESULT_DIR", "TUNE_DISABLE_SIGINT_HANDLER", "RAY_AIR_NEW_OUTPUT"):
        monkeypatch.setenv(name, "0")
    try:
        set_environment(Resources())
        found = {name: value for name, value in os.environ.items() if name.startswith(("TUNE_", "RAY_AIR_"))}
        assert not {"RAY_AIR_LOCAL_CACHE_DIR", "TUNE_RESULT_DIR"} & found.keys()
        assert found["TUNE_DISABLE_SIGINT_HANDLER"] == "1"
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.parametrize(("given", "used"), [(None, "token"), ("disabled", "disabled")])
def test_how_a_cluster_knows_its_drivers_may_be_said(
    monkeypatch: pytest.MonkeyPatch, given: str | None, used: str
) -> None:
    before = dict(os.environ)
    try:
        os.environ.pop("RAY_AUTH_MODE", None)
        os.environ.update({"RAY_AUTH_TOKEN": "0" * 64} | ({} if given is None else {"RAY_AUTH_MODE": given}))
        set_environment(Resources(address="auto"))
        assert os.environ["RAY_AUTH_MODE"] == used
    finally:
        os.environ.clear()
        os.environ.update(before)


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (ImportError("No module named 'nosuch'"), "No module named 'nosuch'"),  # RAY_RUNTIME_ENV_HOOK=nosuch.hook
        (RuntimeError("first line.\nsecond"), "first line"),
        (ValueError(""), "ValueError"),
    ],
)
def test_why_ray_did_not_start_is_one_line(monkeypatch: pytest.MonkeyPatch, error: Exception, reason: str) -> None:
    import ray

    def fail(**options: object) -> None:
        raise error

    monkeypatch.setattr(ray, "init", fail)
    with (
        pytest.raises(UserError, match=rf"^Ray did not start on this machine: {reason}; see "),
        ray_session(Resources()),
    ):
        pass


@pytest.mark.parametrize("error", [RuntimeError("no room"), KeyboardInterrupt()])
def test_where_ray_does_not_start_no_template_stays(monkeypatch: pytest.MonkeyPatch, error: BaseException) -> None:
    import ray

    there: list[bool] = []

    def fail(**options: object) -> None:
        there.append(forking.find_template() is not None)
        raise error

    make = forking.Template
    monkeypatch.setattr(forking, "Template", lambda environment: make(environment, ["random"]))
    monkeypatch.setattr(ray, "init", fail)
    with pytest.raises((UserError, KeyboardInterrupt)), ray_session(Resources()):
        pass
    assert there == [sys.platform == "linux"]
    assert forking.find_template() is None


@pytest.fixture
def told(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[str]:
    """What becomes of Ray where nothing of it is real but what is done with it."""
    import ray

    from search.cluster import nodes

    happened: list[str] = []

    def start(resources: Resources) -> Path:
        happened.append("start")
        folder = tmp_path / f"session_2026-01-31_12-30-59_{happened.count('start'):06}_{os.getpid()}"
        folder.mkdir()
        return folder

    monkeypatch.setattr(session, "_start_ray", start)
    monkeypatch.setattr(session, "set_environment", lambda resources: None)
    monkeypatch.setattr(session, "_has_lost_ray", lambda: happened[-1] == "lost")
    monkeypatch.setattr(ray, "shutdown", lambda: happened.append("end"))
    monkeypatch.setattr(nodes, "check_room", lambda resources: None)
    monkeypatch.setattr(nodes, "count_slots", lambda resources: 2)
    return happened


def test_one_ray_serves_all_phases_and_runs(told: list[str], tmp_path: Path) -> None:
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
    with shared_session():
        for name, kept in (("one", False), ("one", True), ("two", False)):
            with shared_session(), ray_session(Resources(), tmp_path / name, lambda kept=kept: kept) as slots:
                assert slots == 2
                assert told == ["start"]
        assert len(list(tmp_path.glob("*/ray_sessions.jsonl"))) == 2  # So that a start after a kill finds it.
    assert told == ["start", "end"]
    assert not list(tmp_path.glob("*/ray_sessions.jsonl"))
    assert list(tmp_path.glob("session_*"))  # Its logs are to stay for one of the phases.
    with ray_session(Resources(), tmp_path / "two"):
        assert told == ["start", "end", "start"]
    assert told == ["start", "end", "start", "end"]
    assert len(list(tmp_path.glob("session_*"))) == 1


def test_what_has_died_between_two_phases_is_started_again(told: list[str], tmp_path: Path) -> None:
    with shared_session():
        with ray_session(Resources(), tmp_path):
            pass
        told.append("lost")
        with ray_session(Resources(), tmp_path):
            assert told == ["start", "lost", "end", "start"]
        with ray_session(Resources(cpus_per_trial=2), tmp_path):
            assert told[4:] == ["end", "start"]
    assert told[6:] == ["end"]
    assert not list(tmp_path.glob("session_*"))


def test_a_phase_that_ends_early_ends_ray(told: list[str], tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt), shared_session(), ray_session(Resources(), tmp_path):
        raise KeyboardInterrupt
    assert told == ["start", "end"]
    assert not (tmp_path / "ray_sessions.jsonl").exists()


def test_no_template_stays_where_ray_does_not_end(told: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    import ray

    def fail() -> None:
        raise OSError("gone")

    monkeypatch.setattr(ray, "shutdown", fail)
    monkeypatch.setattr(forking, "dismiss_template", lambda: told.append("dismissed"))
    with pytest.raises(OSError, match="gone"), ray_session(Resources()):
        pass
    assert told == ["start", "dismissed"]
