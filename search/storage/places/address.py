"""URLs of runs in buckets: s3://BUCKET/RUN, gs:// and az:// likewise, and what opens them.

Credentials, endpoint and region come from where the store's own programs look for them, on each machine anew. They are
in no URL, and never leave the process.
"""

from __future__ import annotations

import configparser
import os
import re
from collections.abc import Mapping
from contextlib import suppress
from functools import lru_cache, partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from search.storage.places.bucket import CREDENTIALS, PATIENCE_SECONDS, REQUEST_SECONDS, BucketPlace
from spaces import UserError
from spaces.common.errors import make_printable, quote

SCHEMES = ("s3", "gs", "az")
URL = re.compile(r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://(?P<rest>.*)", re.DOTALL)
PART = re.compile(r"[A-Za-z0-9_=+@-][A-Za-z0-9_.=+@-]*")  # Needs no quoting, and is a file's name everywhere.
PATIENCE = "INVSEARCH_STORE_PATIENCE"
LEASE = "INVSEARCH_LEASE_SECONDS"
MISSING = "a run in a bucket needs obstore, which is not installed: pip install -c constraints.txt obstore"
LONGEST_SECONDS = 86400  # For a whole answer, each part of which comes in time.
SAID_BY = ("AWS_", "GOOGLE_", "AZURE_")  # Beginnings of what a client reads from the environment.
ENDPOINTS = ("AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL", "AWS_ENDPOINT")


def is_url(text: str) -> bool:
    """Whether a text is a URL, of a bucket or not.

    >>> is_url("s3://bucket/run"), is_url("runs/first")
    (True, False)
    """
    return URL.fullmatch(text) is not None


def parse_url(text: str, top: bool = False) -> str:
    """The URL of a run, or of a folder of runs, without a slash at its end.

    Args:
        text: what was given.
        top: the bucket alone will do.

    Raises:
        UserError: not such a URL; it is not quoted where it may hold a password.

    >>> parse_url("s3://bucket/runs/first/")
    's3://bucket/runs/first'
    """
    found = URL.fullmatch(text)
    scheme, rest = (found["scheme"], found["rest"]) if found else ("", "")
    what, form = ("a bucket or a folder in one", "BUCKET[/FOLDER]") if top else ("a run in a bucket", "BUCKET/RUN")
    form = f"give {', '.join(f'{name}://{form}' for name in SCHEMES)}, or a folder"
    if scheme not in SCHEMES:
        raise UserError(f"{quote(scheme + '://')} is not supported; {form}")
    first, *others = rest.rstrip("/").split("/")
    if "@" in first or ":" in first or "?" in rest or "#" in rest:
        raise UserError(
            f"{scheme}://: credentials and options do not belong in the URL (set AWS_ACCESS_KEY_ID and such); {form}"
        )
    if not (others or top) or not all(PART.fullmatch(part) for part in (first, *others)):
        raise UserError(f"{make_printable(text)}: is not {what} (letters, digits and _.=+@- in each part); {form}")
    return f"{scheme}://{'/'.join([first, *others])}"


def is_run_url(text: str) -> bool:
    """Whether a run can be at a URL."""
    with suppress(UserError):
        return bool(parse_url(text))
    return False


def open_place(url: str, patience: float | None = None) -> BucketPlace:
    """The place of a URL; nothing is asked of it yet. Places of one URL share a client, so that looking often is cheap.

    Raises:
        UserError: obstore is not installed, or what the environment says cannot be used.
    """
    try:
        from obstore.exceptions import BaseError
    except ImportError:
        raise UserError(MISSING) from None
    patience = read_seconds(PATIENCE, PATIENCE_SECONDS) if patience is None else patience
    options: dict[str, Any] = _read_profile() if url.startswith("s3:") else {}
    scheme = url.partition(":")[0]
    endpoint = _find_endpoint(options) if scheme == "s3" else ""
    if endpoint:
        options["endpoint"] = endpoint

    told = tuple(sorted((name, value) for name, value in os.environ.items() if name.startswith(SAID_BY)))
    connect = partial(_connect, url, endpoint.startswith("http://"), tuple(sorted(options.items())), told)
    try:
        store = connect(min(REQUEST_SECONDS, max(patience, 1.0)))
    except (BaseError, ValueError, TypeError) as error:  # Its text may quote what the environment says.
        raise UserError(
            f"{url}: the environment's settings for it cannot be used ({type(error).__name__}): {CREDENTIALS[scheme]}"
        ) from None
    return BucketPlace(url, store, patience, endpoint, connect)


@lru_cache(maxsize=16)
def _connect(
    url: str, is_plain: bool, options: tuple[tuple[str, str], ...], told: tuple[tuple[str, str], ...], seconds: float
) -> Any:
    """A client that waits for an answer for so many seconds; another one only where something else is ``told``."""
    from obstore.store import from_url

    limits = {"timeout": f"{LONGEST_SECONDS}s", "read_timeout": f"{seconds:g}s", "connect_timeout": f"{seconds:g}s"}
    client: Any = {**limits, "allow_http": is_plain}
    known: dict[str, Any] = dict(options)
    return from_url(url, client_options=client, retry_config={"max_retries": 0}, **known)


def _find_endpoint(profile: Mapping[str, str]) -> str:
    """Where the store of s3:// is; empty where that is not said.

    Raises:
        UserError: no http:// or https://, of which the client makes a panic; not quoted, for it may hold a password.
    """
    name = next((name for name in ENDPOINTS if os.environ.get(name)), "")
    endpoint = (os.environ[name] if name else profile.get("endpoint", "")).strip()
    try:
        sound = not endpoint or (urlsplit(endpoint).scheme in ("http", "https") and bool(urlsplit(endpoint).hostname))
    except ValueError:
        sound = False
    if not sound:
        raise UserError(
            f"{name or 'endpoint_url of the profile'}: is not an address; give http://HOST:PORT or https://HOST"
        )
    return endpoint


def read_seconds(name: str, usual: float) -> float:
    """A number of seconds from the environment.

    Raises:
        UserError: not a number above 0.
    """
    text = os.environ.get(name, "")
    try:
        value = float(text) if text else usual
    except ValueError:
        value = 0.0
    if not 0.0 < value <= 86400.0:
        raise UserError(
            f"{name}: {quote(text)} is not allowed; give seconds above 0 and at most 86400, such as {usual:g}"
        )
    return value


def _read_profile() -> dict[str, Any]:
    """What AWS_PROFILE, or the default profile, says; nothing where the environment has keys or no file is there.

    Raises:
        UserError: a profile that was asked for is not there, or gets its keys by another program.
    """
    asked = os.environ.get("AWS_PROFILE")
    if not asked and (os.environ.get("AWS_ACCESS_KEY_ID") or os.environ.get("AWS_WEB_IDENTITY_TOKEN_FILE")):
        return {}
    name, found = asked or "default", {}
    for variable, file, section in (
        ("AWS_CONFIG_FILE", "config", name if name == "default" else f"profile {name}"),
        ("AWS_SHARED_CREDENTIALS_FILE", "credentials", name),
    ):
        parser = configparser.RawConfigParser()
        try:
            parser.read(os.environ.get(variable) or Path("~/.aws", file).expanduser(), encoding="utf-8")
        except (configparser.Error, OSError, ValueError, RuntimeError):
            continue  # Its error would quote the line.
        if parser.has_section(section):
            found |= dict(parser.items(section))
    keys = {
        "aws_access_key_id": "access_key_id",
        "aws_secret_access_key": "secret_access_key",
        "aws_session_token": "session_token",
        "endpoint_url": "endpoint",
    }
    options = {option: found[key] for key, option in keys.items() if key in found}
    if "region" in found and not os.environ.get("AWS_REGION") and not os.environ.get("AWS_DEFAULT_REGION"):
        options["region"] = found["region"]
    if asked and "access_key_id" not in options:
        why = "has no keys of its own (export them: aws configure export-credentials)" if found else "is not there"
        raise UserError(f"AWS_PROFILE: {quote(asked)} {why}")
    return options
