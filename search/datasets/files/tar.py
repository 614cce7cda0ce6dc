"""Reading files out of a tar archive that may come from anybody.

Not with ``tarfile``: it follows every extension of the format, in which others have hidden invalid numbers,
thousands of headers within headers, and a line of digits that takes hours. What we look for has a plain header.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from search.datasets.files.verify import UnusableFileError, read_content_of, reading
from spaces.common.errors import quote

BLOCK = 512
FAR_MORE = "unpacks to far more than it should"
HEADERS = 2**20  # Bytes that folders, other small members and padding may add to a tar file.
PLAIN, WITHOUT_CONTENT = (b"0", b"\0", b"7"), (b"1", b"2", b"3", b"4", b"5", b"6")


class OtherMembersError(UnusableFileError):
    """It is a tar file of something else; ``first`` is the name of its first member, nothing if it has none."""

    def __init__(self, missing: Sequence[str], first: str) -> None:
        super().__init__(f"lacks {', '.join(missing)}; it {f'begins with {quote(first)}' if first else 'is empty'}")
        self.first = first


def read_tar_members(file: BinaryIO, sizes: Mapping[str, int], wanted: Sequence[str]) -> dict[str, bytes]:
    """The contents of members of a tar file, gzipped or not, by name; nothing is written to disk.

    Args:
        file: the archive, at its beginning.
        sizes: names of all large members, and their exact sizes.
        wanted: those to read; the others are passed over.

    Raises:
        UnusableFileError: a member is missing, appears twice, is not a regular file or has the wrong size, or the
            archive is damaged or holds more than it should.
    """
    left, first = sum(sizes.values()) + HEADERS, ""
    found: dict[str, bytes] = {}
    with reading("a tar file"):
        stream = read_content_of(file)

        def take(size: int) -> bytes:
            nonlocal left
            left -= size
            if left < 0:
                raise UnusableFileError(FAR_MORE)
            content = stream.read(size)
            if len(content) < size:
                raise EOFError("it ends too early")
            return content

        while any(header := take(BLOCK)):  # Zeros end it.
            name, kind, size = _parse_header(header)
            first = first or name
            if name in wanted:
                if name in found or kind not in PLAIN or size != sizes[name]:
                    raise UnusableFileError(
                        f"is not the expected archive: {name} appears twice, is not a regular file, or is not "
                        f"{sizes[name]} bytes long"
                    )
                found[name] = take(size)
                take(-size % BLOCK)
            elif kind not in WITHOUT_CONTENT:
                if size > left:
                    raise UnusableFileError(FAR_MORE)
                for rest in range(size + -size % BLOCK, 0, -HEADERS):  # In pieces: nothing of it is kept.
                    take(min(rest, HEADERS))
    if missing := [name for name in wanted if name not in found]:
        raise OtherMembersError(missing, first)
    return found


def _parse_header(header: bytes) -> tuple[str, bytes, int]:
    """Name, kind and size of a member."""
    counted = sum(header[:148]) + 8 * ord(" ") + sum(header[156:])  # The checksum counts as spaces.
    if _parse_octal(header[148:156]) != counted:
        raise ValueError("a header does not match its checksum")
    name = header[:100].partition(b"\0")[0].decode("utf-8", "replace")
    return name.removeprefix("./"), header[156:157], _parse_octal(header[124:136])


def _parse_octal(field: bytes) -> int:
    digits = field.strip(b" \0")
    if not set(digits) <= set(b"01234567"):
        raise ValueError("a header has an invalid number")
    return int(digits or b"0", 8)
