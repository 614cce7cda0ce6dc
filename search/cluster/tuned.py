"""Tune without what a run has no use for, and with workers that wait for their next trial.

Tune keeps one waiting worker, and ends the others. Trials that end at once, as at a rung where all wait for the last,
would then have new workers started for the next ones, each for seconds of imports.
"""

from __future__ import annotations

from collections.abc import Generator, Iterator
from contextlib import contextmanager
from typing import Any

from ray.air._internal import usage
from ray.tune.execution import class_cache, tune_controller
from ray.tune.utils.object_cache import _ObjectCache

from search.cluster.lean import replaced


class Waiting(_ObjectCache):
    """Keeps all workers that have no trial: with those that have one, no more than run at once."""

    def cache_object(self, key: Any, obj: Any) -> bool:
        """Keeps a worker."""
        self._cached_objects[key].append(obj)
        self._num_cached_objects += 1
        return True

    def flush_cached_objects(self, force_all: bool = False) -> Generator[Any, None, None]:
        """Hands out those that are to end: none before the search is over."""
        if force_all:
            yield from super().flush_cached_objects(force_all)


@contextmanager
def tuned_lean() -> Iterator[None]:
    """Tune is as above if it runs within the ``with`` block.

    It does not import MLflow and others to count who uses them, and its workers have no environment of their own,
    which would make those that Ray has started for them no use, needs an agent that a run leaves out, and would carry
    the driver's keys for AWS through Ray.
    """

    def count_nothing(*given: Any) -> bool:
        return False

    with (
        replaced(usage, "tag_callbacks", count_nothing),
        replaced(class_cache, "DEFAULT_ENV_VARS", {}),
        replaced(class_cache, "ENV_VARS_TO_PROPAGATE", frozenset()),  # Keys for AWS among them.
        replaced(tune_controller, "_ObjectCache", Waiting),
    ):
        yield
