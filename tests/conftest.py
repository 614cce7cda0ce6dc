"""What all tests share."""

import pytest
from hypothesis import settings

# The machines are shared and noisy: an example that took long says nothing about the code.
settings.register_profile("any-machine", deadline=None)
settings.load_profile("any-machine")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow tests of one folder run one after another, also where ``-n 2`` runs two folders at once.

    They spend half of their time waiting, for Ray to start or for something to have died; but two clusters would
    want the same ports.
    """
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.xdist_group(item.path.parent.name))
