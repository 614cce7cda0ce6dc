from __future__ import annotations

from pathlib import Path

import pytest

from search.cli import main
from search.storage.places import address, urls
from search.storage.places.address import open_place, parse_url, read_seconds
from search.storage.places.guard import BucketGuard
from search.storage.run_folder import RunFolder
from spaces import UserError

SECRET = "canary-secret-0815"


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket",
        "s3://bucket/",
        "s3://bucket//run",
        "s3://bucket/../run",
        "s3://bucket/a b",
        "http://bucket/run",
        f"s3://key:{SECRET}@bucket/run",
        f"s3://bucket/run?secret={SECRET}",
        "s3://bucket/.hidden",
    ],
)
def test_what_is_no_run_in_a_bucket_is_refused_without_repeating_a_password(
    text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(UserError) as caught:
        parse_url(text)
    assert SECRET not in str(caught.value)
    assert main(["status", text]) == 2
    errors = capsys.readouterr().err
    assert errors.startswith("invsearch: ")
    assert SECRET not in errors
    assert errors.count("\n") == 1


def test_a_profile_is_read_where_the_environment_has_no_keys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE", "AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.delenv(name, raising=False)
    (tmp_path / "credentials").write_text(f"[lab]\naws_access_key_id = k\naws_secret_access_key = {SECRET}\n[bare]\n")
    (tmp_path / "config").write_text("[profile lab]\nregion = eu-north-1\nendpoint_url = http://127.0.0.1:9\n")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "credentials"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "config"))
    assert address._read_profile() == {}
    monkeypatch.setenv("AWS_PROFILE", "lab")
    assert address._read_profile() == {
        "access_key_id": "k",
        "secret_access_key": SECRET,
        "endpoint": "http://127.0.0.1:9",
        "region": "eu-north-1",
    }
    assert open_place("s3://bucket/run").describe() == " at 127.0.0.1:9"
    for name, why in (("bare", "is not there"), ("none", "is not there")):
        monkeypatch.setenv("AWS_PROFILE", name)
        with pytest.raises(UserError, match=why):
            open_place("s3://bucket/run")
    (tmp_path / "credentials").write_text(f"[lab\naws_secret_access_key = {SECRET}\n")
    with pytest.raises(UserError) as caught:
        open_place("s3://bucket/run")
    assert SECRET not in str(caught.value)


def test_seconds_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(address.LEASE, "5")
    assert read_seconds(address.LEASE, 60.0) == 5.0
    monkeypatch.setenv(address.LEASE, "-1")
    with pytest.raises(UserError, match="INVSEARCH_LEASE_SECONDS: '-1' is not allowed"):
        read_seconds(address.LEASE, 60.0)


def test_a_mirror_is_known_by_where_it_lies(mirrors: Path, tmp_path: Path) -> None:
    driver, reader = (urls.find_mirror("s3://bucket/runs/first", kind) for kind in ("driver", "reader"))
    assert driver.name == reader.name == "first"
    assert driver != reader
    assert urls.find_url(driver) == urls.find_url(reader) == "s3://bucket/runs/first"
    assert urls.find_mirror("s3://bucket/other/first", "reader") != reader
    (tmp_path / urls.MARK).write_text("s3://bucket/of-a-stranger")
    (tmp_path / "run").mkdir()
    assert urls.find_url(tmp_path / "run") is None


def test_a_mirror_is_known_through_a_link(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "cache").symlink_to("disk")
    monkeypatch.setenv(urls.VARIABLE, str(tmp_path / "cache"))
    reader = urls.find_mirror("s3://bucket/run", "reader")
    for path in (reader, reader.resolve(), tmp_path / "cache" / reader.relative_to(tmp_path / "disk")):
        assert urls.find_url(path) == "s3://bucket/run"
        assert isinstance(RunFolder(path).guard, BucketGuard)


def test_the_mark_of_a_mirror_is_written_once(mirrors: Path) -> None:
    mark = urls.find_mirror("s3://bucket/run", "reader").parent / urls.MARK
    before = mark.stat().st_ino, mark.stat().st_mtime_ns
    urls.find_mirror("s3://bucket/run", "reader")
    assert (mark.stat().st_ino, mark.stat().st_mtime_ns) == before
    mark.write_text("")  # Cut off.
    assert urls.find_url(urls.find_mirror("s3://bucket/run", "reader")) == "s3://bucket/run"
    assert [path.name for path in mark.parent.iterdir() if path.is_file()] == [urls.MARK]


@pytest.mark.parametrize("value", [f"host:8333/{SECRET}", "http://", f"ftp://{SECRET}@host", "http://[", "//host"])
def test_an_endpoint_without_its_scheme_is_named(value: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in address.ENDPOINTS:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_ENDPOINT_URL", value)
    with pytest.raises(UserError, match=r"^AWS_ENDPOINT_URL: is not an address; give http://HOST:PORT") as caught:
        open_place("s3://bucket/run")
    assert SECRET not in str(caught.value)


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(urls.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(UserError, match="name one with INVSEARCH_MIRRORS"):
        urls.find_mirror("s3://bucket/run", "reader")
