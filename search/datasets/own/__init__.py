"""Data of one's own: files and folders by their paths, and arrays from Python."""

from __future__ import annotations

from collections.abc import Callable

from search.datasets.base import Dataset
from search.datasets.own.idx import open_idx
from search.datasets.own.images import open_images
from search.datasets.own.kept import find_kept, find_own_folder, keep, list_kept
from search.datasets.own.npz import open_npz
from search.datasets.own.parts import Source
from search.datasets.own.python import PREFIX, Data
from search.datasets.own.reference import FORMS, KINDS, Reference, add_options, parse_reference
from search.datasets.own.seen import find_seen, note_seen, sign, sign_settled
from search.datasets.own.torchvision import open_torchvision
from spaces.common.errors import UserError

OPENERS: dict[str, Callable[[Reference], Source]] = {
    "npz": open_npz,
    "images": open_images,
    "idx": open_idx,
    "torchvision": open_torchvision,
}
PREFIXES = (PREFIX, *(f"{kind}-" for kind in KINDS))  # Of names that records have, and no built-in data set.


def open_own(reference: Reference) -> Dataset:
    """The data of a reference: from the data folder if its files were decoded before and are unchanged, else decoded.

    Raises:
        UserError: its files cannot be read, or are not what the reference says.
    """
    name, text = reference.name, str(reference)
    source = OPENERS[reference.kind](reference)
    if (seen := find_seen(text, sign(source.files))) and (kept := find_kept(seen, name, text)):
        return kept
    before = sign_settled(source.files)
    known = keep(source.read(), name, text)
    if sign(OPENERS[reference.kind](reference).files).digest != before.digest:
        raise UserError(f"{reference.path}: was changed while it was read; run again")
    note_seen(text, before, known.data_hash)
    return known


def restore_own(name: str, data_hash: str, source: str | None) -> Dataset:
    """The data of a run: from the data folder by their hash, else from where the run had them.

    Raises:
        UserError: neither has them.
    """
    if kept := find_kept(data_hash, name, source):
        return kept
    gone = f"dataset: {name} with the hash {data_hash} is no longer in {find_own_folder()}"
    reference = parse_reference(source or "")
    if reference is None:
        raise UserError(f"{gone}; give the same arrays again: invsearch.Data(..).keep()")
    try:
        return open_own(reference)
    except UserError as error:
        raise UserError(f"{gone}, and cannot be read again: {error}") from None


__all__ = ["FORMS", "PREFIXES", "Data", "add_options", "list_kept", "open_own", "parse_reference", "restore_own"]
