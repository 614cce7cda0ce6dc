"""Downloading one file over HTTP, within limits of time and size."""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO
from urllib.parse import urlsplit

from search.datasets.files.verify import UnusableFileError
from spaces.common.errors import UserError

TIMEOUT = (3.0, 15.0)  # Seconds to connect (to each address of a mirror) and to wait for more bytes.


def check_mirror(url: str) -> str:
    """``url`` with one slash at its end.

    Raises:
        UserError: not an http or https address.
    """
    try:
        parts = urlsplit(url)
        usable = parts.scheme in ("http", "https") and bool(parts.hostname)
    except ValueError:
        usable = False
    if not usable:
        raise UserError(f"mirror {url!r} is not a web address; give the http:// or https:// URL of a folder")
    return url.rstrip("/") + "/"


def download(url: str, target: Path, limit: int) -> None:
    """Downloads ``url`` to ``target``, of at most ``limit`` bytes.

    Raises:
        ConnectionError: the server cannot be reached, so its other files need not be tried.
        UnusableFileError: the server has no such file, broke off or sent too much.
    """
    import pooch  # Lazily, with requests: neither is needed once the files are there.
    import requests

    with target.open("wb") as file:
        fetcher = pooch.HTTPDownloader(chunk_size=2**16, timeout=TIMEOUT)
        try:
            fetcher(url, _Bounded(file, limit), None)
        except requests.HTTPError as error:
            raise UnusableFileError(f"answers {str(error).partition(' for url')[0]}") from None
        except requests.exceptions.ChunkedEncodingError:
            raise UnusableFileError("breaks off before its end") from None
        except requests.Timeout:
            raise ConnectionError("does not answer in time") from None
        except requests.ConnectionError:
            raise ConnectionError("cannot be reached") from None
        except (requests.RequestException, ValueError) as error:
            raise UnusableFileError(f"cannot be downloaded ({' '.join(str(error).split())[:100]})") from None


class _Bounded:
    """The part of a file object that pooch writes to, up to ``limit`` bytes."""

    def __init__(self, file: BinaryIO, limit: int) -> None:
        self.file, self.left = file, limit

    def write(self, chunk: bytes) -> None:
        self.left -= len(chunk)
        if self.left < 0:
            raise UnusableFileError("is far larger than it should be")
        self.file.write(chunk)

    def flush(self) -> None:
        self.file.flush()
