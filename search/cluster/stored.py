"""The images of a phase in Ray's object store, from which they go when the phase ends."""

from __future__ import annotations

from typing import Any

import ray
from ray._private import serialization, worker

from search.datasets.split import Split


class Stored:
    """Images in the object store of the current Ray session, for as long as the driver keeps this object.

    Tune pickles what its workers get; an ``ObjectRef`` in it would keep the images there until Ray ends, and a session
    may serve many phases. So what is pickled is only where they are.
    """

    def __init__(self, split: Split) -> None:
        self._split: Split | None = split  # Until it is there.
        self._reference: Any = None

    def fetch(self) -> Split:
        """The images, in a worker without a copy of its own."""
        return ray.get(self._reference)

    def free(self) -> None:
        """Lets them go."""
        self._split = self._reference = None

    def __reduce__(self) -> tuple[Any, ...]:
        if self._split is not None:
            self._reference, self._split = ray.put(self._split), None
        core: Any = worker.global_worker
        _, owner, status = core.core_worker.serialize_object_ref(self._reference)
        return _borrow, (self._reference.binary(), owner, status)


def _borrow(binary: bytes, owner: bytes, status: bytes) -> Stored:
    found = Stored.__new__(Stored)
    found._reference = serialization._object_ref_deserializer(binary, "", owner, status, None)
    return found
