"""What a record says of the process that computed it."""

import pytest
import torch

from search.storage.provenance import describe_maker


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_are_those_of_the_moment(threads: int) -> None:
    """On them the order of sums depends, so a training can only be repeated with the same number."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert describe_maker("cpu")["threads"] == str(threads)
    finally:
        torch.set_num_threads(before)
