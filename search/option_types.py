"""How options are declared, and what their texts stand for: numbers, lengths of time, folders, addresses."""

from __future__ import annotations

import argparse
import math
import re
from collections.abc import Callable
from functools import partial
from operator import methodcaller
from pathlib import Path
from typing import Any, NoReturn, TypeAlias

from spaces.common.errors import quote

Option: TypeAlias = Callable[[Any], object]
"""Adds itself to a parser, or to a group of one."""

UNITS = {r"d(?:ays?)?": 86400, r"h(?:(?:ou)?rs?)?": 3600, r"m(?:in(?:ute)?s?)?": 60, r"s(?:ec(?:ond)?s?)?": 1}
NUMBER = r"([0-9]+(?:\.[0-9]+)?)"
LENGTH = re.compile(NUMBER + "|" + "".join(rf"(?:{NUMBER}\s*{unit}\s*)?" for unit in UNITS))  # A bare one is seconds.
DIGITS = 20
LONGEST = 3650 * 86400.0


def make_group(title: str | None, *options: Option) -> Option:
    """Options that stand together in the help; without a title, only one of them may be given."""

    def add(parser: argparse.ArgumentParser) -> None:
        within = parser.add_argument_group(title) if title else parser.add_mutually_exclusive_group()
        for each in options:
            each(within)

    return add


def parse_whole(text: str) -> int:
    """An argparse type: a whole number that is not negative."""
    try:
        value = int(text[:DIGITS])
    except ValueError:
        _refuse(text, "is not a whole number")
    if value < 0 or len(text) > DIGITS:  # Python reads no more than 4,300.
        _refuse(text, f"is not allowed; give a whole number from 0 up, of at most {DIGITS} digits")
    return value


def parse_number(text: str) -> float:
    """An argparse type: any number; its reader says which ones are allowed."""
    try:
        return float(text)
    except ValueError:
        _refuse(text, "is not a number; give one such as 0.5")


def parse_folder(text: str) -> Path:
    """An argparse type: the path of a folder, or of a file in its place, ``~`` expanded."""
    if not text.strip():
        raise argparse.ArgumentTypeError("it is empty; give the path of a folder, or . for the current one")
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*:/", text):
        _refuse(text, "is a URL; give a folder on this machine, or a mounted one; invsearch pull copies a bucket's run")
    try:
        return Path(text).expanduser() if text.startswith("~") else Path(text)  # Path forgets the dot of ./~x.
    except RuntimeError:
        said = f"{quote(text)}: no home folder {Path(text).parts[0]} is known here; give a full path"
        raise argparse.ArgumentTypeError(said) from None


def parse_run(text: str) -> Path:
    """An argparse type: a run folder, or the URL of a run in a bucket, whose mirror is brought up to date.

    Raises:
        UserError: not such a URL, or the bucket cannot be reached.
    """
    from search.storage.places.address import is_url
    from search.storage.places.urls import open_mirror

    return open_mirror(text) if is_url(text) else parse_folder(text)


def parse_address(text: str) -> str:
    """An argparse type: a running Ray cluster."""
    if not text.strip() or "://" in text:
        _refuse(
            text,
            "is not allowed; give auto, or HOST:PORT as ray start printed it (Ray Client, ray://, is not supported: "
            "run invsearch on a node of the cluster, or with ray job submit)",
        )
    return text


def parse_seconds(text: str) -> float:
    """An argparse type: a length of time; a number alone is in seconds.

    >>> parse_seconds("1h30m"), parse_seconds("2 min"), parse_seconds("90")
    (5400.0, 120.0, 90.0)
    """
    found = LENGTH.fullmatch(text.strip().lower())
    if found is None or not any(found.groups()):
        _refuse(text, "is not a length of time; give for example 90s, 30m, 8h or 1h30m (d, h, m and s)")
    value = math.fsum(float(part or 0) * size for part, size in zip(found.groups(), (1, *UNITS.values()), strict=True))
    if not 0 < value <= LONGEST:
        _refuse(text, "is not allowed; give more than nothing and at most ten years, such as 90s, 30m or 8h")
    return value


def parse_pack(text: str) -> int | str:
    """An argparse type: how many trials are trained as one program."""
    if text == "auto":
        return text
    try:
        return parse_whole(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}; give auto, or a whole number from 1 up") from None


def parse_interval(text: str) -> float:
    """An argparse type: seconds between two looks, above 0 and at most a day."""
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not 0.0 < value <= 86400.0:
        _refuse(text, "is not allowed; give seconds above 0 and at most a day (86400), such as 2 or 0.5")
    return value


def _refuse(text: str, why: str) -> NoReturn:
    raise argparse.ArgumentTypeError(f"{quote(text)} {why}") from None


option = partial(methodcaller, "add_argument")
flag = partial(option, action="store_true")
integer = partial(option, type=parse_whole, metavar="N")
number = partial(option, type=parse_number)
folder = partial(option, type=parse_folder)
place = partial(option, type=parse_run)
RUN = place("run", metavar="RUN", help="run folder, or s3://BUCKET/RUN (gs://, az://)")
