"""The benchmarks need packages of their own: pip install '.[bench]'."""

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
import torch

collect_ignore_glob = [] if find_spec("optuna") and find_spec("PIL") else ["test_*.py"]


@pytest.fixture(autouse=True)
def threads() -> Iterator[None]:
    """The programs set the number of torch's threads for the whole process."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)
