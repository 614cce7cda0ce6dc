"""The IDX format of the MNIST files (http://yann.lecun.com/exdb/mnist)."""

from __future__ import annotations

import math
import struct

import numpy as np

from spaces.common.errors import UserError

UNSIGNED_BYTE = 0x08


def parse_idx(content: bytes, dims: int, where: str) -> np.ndarray:
    """Reads an IDX array of unsigned bytes.

    The format: two zero bytes, the element type (0x08, unsigned byte), the number of dimensions,
    each dimension as a big-endian 32-bit integer, then the elements, the last dimension fastest.

    Args:
        content: the whole file, decompressed.
        dims: the number of dimensions it must have.
        where: the file, for error messages.

    Returns:
        uint8, a read-only view of ``content`` with ``dims`` dimensions.

    Raises:
        UserError: not such a file, or its size is not what its header says.
    """
    start = 4 + 4 * dims
    magic = bytes((0, 0, UNSIGNED_BYTE, dims))
    if content[:4] != magic or len(content) < start:
        raise UserError(
            f"{where}: not an IDX file of {dims} dimensions: it must begin with the bytes {magic.hex(' ')} and "
            f"{dims} sizes, and begins with {content[:start].hex(' ') or 'nothing'}"
        )
    shape = struct.unpack(f">{dims}I", content[4:start])
    if 0 in shape or math.prod(shape) != len(content) - start:
        raise UserError(
            f"{where}: its header promises {' x '.join(map(str, shape))} bytes, {len(content) - start} follow; "
            "the file is empty, truncated or damaged"
        )
    return np.frombuffer(content, np.uint8, offset=start).reshape(shape)
