from __future__ import annotations

from pathlib import Path

import pytest

from search.cli import main
from search.storage.places import address, urls
from search.storage.places.address import open_place, parse_url, read_seconds
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


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv(urls.VARIABLE, str(tmp_path / "file"))
    with pytest.raises(UserError, match="name one with INVSEARCH_MIRRORS"):
        urls.find_mirror("s3://bucket/run", "reader")
