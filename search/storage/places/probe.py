"""Whether a store keeps the two promises on which all else rests: to create only, and to swap one version only."""

from __future__ import annotations

import secrets

from search.storage.places.base import Conflict, Place
from spaces import UserError


def check_conditions(place: Place) -> float:
    """Tries both.

    Returns:
        The time by the clock of the store, Unix seconds.

    Raises:
        UserError: it writes all the same, so two drivers of a run could not be kept apart.
        Unreachable: it does not answer.
    """
    name, tokens = f".probe-{secrets.token_hex(8)}", [secrets.token_bytes(16) for _ in range(4)]
    try:
        first = place.create(name, tokens[0])
        try:
            place.create(name, tokens[1])
            raise _refuse(place, "replaces what it was asked to create only (If-None-Match)")
        except Conflict:
            pass
        try:
            place.swap(name, tokens[2], first)
        except Conflict:
            raise _refuse(place, "does not know the version of what it has just written (If-Match)") from None
        try:
            place.swap(name, tokens[3], first)
            raise _refuse(place, "replaces another version than it was asked to (If-Match)")
        except Conflict:
            pass
        entry = place.look(name)
    finally:
        place.delete([name])
    if entry is None:
        raise _refuse(place, "does not show what it has just written")
    return entry.modified


def _refuse(place: Place, what: str) -> UserError:
    return UserError(
        f"{place.url}: the store{place.describe()} {what}, so two drivers of a run could not be kept apart; use one "
        "with conditional writes (S3, GCS, Azure, MinIO, SeaweedFS from 4.17), or a folder"
    )
