import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from search.datasets.mnist import parse_idx
from spaces.common.errors import UserError

# Written out by hand from the format's description: 2 images of 2x3.
EXAMPLE = bytes.fromhex("00000803 00000002 00000002 00000003") + bytes(range(12))


def test_example() -> None:
    array = parse_idx(EXAMPLE, 3, "example")
    assert array.dtype == np.uint8
    assert array.tolist() == [[[0, 1, 2], [3, 4, 5]], [[6, 7, 8], [9, 10, 11]]]


@pytest.mark.parametrize(
    ("content", "dims", "message"),
    [
        (b"", 3, "begins with nothing"),
        (EXAMPLE[:10], 3, "not an IDX file"),
        (EXAMPLE, 1, "not an IDX file of 1 dim"),
        (EXAMPLE[:-1], 3, r"2 x 2 x 3 bytes, 11 follow"),
        (EXAMPLE + b"\0", 3, "13 follow"),
        (b"\0\0\x0d\x03" + EXAMPLE[4:], 3, "not an IDX file"),  # Floats.
        (b"\x1f\x8b" + EXAMPLE[2:], 3, "not an IDX file"),
        (struct.pack(">4I", 0x803, 0, 2**32 - 1, 2**32 - 1), 3, "empty"),
        (struct.pack(">4I", 0x803, 2**32 - 1, 2**32 - 1, 2**32 - 1), 3, "0 follow"),
    ],
)
def test_bad_files(content: bytes, dims: int, message: str) -> None:
    with pytest.raises(UserError, match=message) as caught:
        parse_idx(content, dims, "some/file")
    assert str(caught.value).startswith("some/file: ")
    assert "\n" not in str(caught.value)


sizes = st.one_of(st.integers(0, 4), st.integers(0, 2**32 - 1))
headed = st.builds(
    lambda kind, dims, shape, body: bytes((0, 0, kind, dims)) + struct.pack(f">{len(shape)}I", *shape) + body,
    st.sampled_from([8, 9, 13]),
    st.integers(0, 255),
    st.lists(sizes, max_size=4),
    st.binary(max_size=70),
)


@given(st.one_of(st.binary(), headed), st.sampled_from([1, 3]))
def test_any_bytes_parse_or_are_refused(content: bytes, dims: int) -> None:
    try:
        array = parse_idx(content, dims, "fuzz")
    except UserError:
        return
    assert array.ndim == dims
    assert content[4 + 4 * dims :] == array.tobytes()
    assert content[4 : 4 + 4 * dims] == struct.pack(f">{dims}I", *array.shape)


@given(st.lists(st.integers(1, 5), min_size=3, max_size=3), st.data())
def test_round_trip(shape: list[int], data: st.DataObject) -> None:
    body = data.draw(st.binary(min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
    array = parse_idx(struct.pack(">4I", 0x803, *shape) + body, 3, "round trip")
    assert array.shape == tuple(shape)
    assert array.tobytes() == body


@given(st.lists(st.integers(2**16, 2**32 - 1), min_size=3, max_size=3), st.binary(max_size=100))
def test_sizes_that_a_header_only_promises_take_no_memory(shape: list[int], body: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(UserError, match="its header promises"):
            parse_idx(struct.pack(">4I", 0x803, *shape) + body, 3, "promise")
        assert tracemalloc.get_traced_memory()[1] < 2**20
    finally:
        tracemalloc.stop()
