"""Downloading files over HTTP, within limits of time and size."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from search.datasets.files.cache import writing_in
from search.datasets.files.verify import UnusableFileError
from spaces.common.errors import UserError

Say = Callable[[str], object]  # Is told of the progress, one line at a time.
TIMEOUT = (3.0, 15.0)  # Seconds to connect (to each address of a mirror) and to wait for more bytes.


@dataclass(frozen=True)
class Download:
    """A file below a mirror, of at most ``limit`` bytes, and what verifies it and moves it from a path to its place."""

    file: str
    limit: int
    install: Callable[[Path], object]


def download_all(
    name: str, wanted: Sequence[Download], folder: Path, mirrors: Sequence[str], say: Say, advice: str
) -> None:
    """Downloads files of the data set ``name`` into ``folder``, each from the first of the mirrors that has it.

    Raises:
        UserError: a mirror is no web address, the folder cannot be written, or a file cannot be had; then ``advice``.
    """
    urls = [_check_mirror(mirror) for mirror in mirrors]
    if not wanted:
        return
    left, reasons = list(wanted), []
    with writing_in(folder) as scratch:
        for url in urls:
            # Every file from one mirror before the next, so that an unreachable one costs its timeout once.
            for one in tuple(left):
                say(f"downloading {url}{one.file}")
                try:
                    download(f"{url}{one.file}", scratch / "body", one.limit)
                    one.install(scratch / "body")
                    left.remove(one)
                except ConnectionError as error:
                    reasons.append(f"{url} {error}")
                    break
                except UnusableFileError as reason:
                    reasons.append(f"{url}{one.file} {reason}")
    if left:
        names = ", ".join(one.file for one in left)
        raise UserError(f"{name}: could not download {names} ({'; '.join(reasons)}); {advice}")


def _check_mirror(url: str) -> str:
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
    import requests  # Lazily: not needed once the files are there.

    with target.open("wb") as file:
        try:
            with requests.get(url, stream=True, timeout=TIMEOUT) as answer:
                answer.raise_for_status()
                for chunk in answer.iter_content(2**16):
                    if file.tell() + len(chunk) > limit:
                        raise UnusableFileError("is far larger than it should be")
                    file.write(chunk)
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
