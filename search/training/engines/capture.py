"""A training step as a CUDA graph: recorded once, then launched as a whole instead of kernel by kernel."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor

WARM_UPS = 3  # Steps before the recording, in which libraries choose their algorithms and take their memory.


@cache
def _make_side_stream() -> torch.cuda.Stream:
    """One for the whole process: libraries keep memory for each stream that they have worked on."""
    return torch.cuda.Stream()


def lacks_memory(error: BaseException | None) -> bool:
    """Whether an error comes from a lack of memory, as that of a recording's end may, which replaces the first one."""
    return error is not None and (
        isinstance(error, torch.OutOfMemoryError)
        or any(words in str(error) for words in ("out of memory", "ALLOC_FAILED"))
        or lacks_memory(error.__context__)
    )


def ruins_process(error: BaseException) -> bool:
    """Whether the process can do nothing more on its GPU, as after an illegal access; another one can."""
    return isinstance(error, torch.AcceleratorError) and not lacks_memory(error)


class CapturedStep:
    """A step that reads its batch, and reads and writes its state, always in the same places.

    Args:
        step: of the images and labels of a batch.
        x, y: images and labels of such a batch, on the GPU.
        state: all that the step changes; it is left as it was.

    Raises:
        RuntimeError: the step cannot be recorded.
    """

    def __init__(self, step: Callable[[Tensor, Tensor], None], x: Tensor, y: Tensor, state: Sequence[Tensor]):
        self._x, self._y = x.clone(), y.clone()
        kept = [tensor.clone() for tensor in state]
        side = _make_side_stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                step(self._x, self._y)
        torch.cuda.current_stream().wait_stream(side)
        self._graph = torch.cuda.CUDAGraph()
        try:
            # Where the recording fails, torch would stay on the stream of the recording.
            with torch.cuda.stream(torch.cuda.current_stream()), torch.cuda.graph(self._graph):
                step(self._x, self._y)
        finally:
            with torch.no_grad():
                for tensor, before in zip(state, kept, strict=True):
                    tensor.copy_(before)

    def takes(self, x: Tensor) -> bool:
        """Whether it was recorded for batches of that shape."""
        return x.shape == self._x.shape

    def __call__(self, x: Tensor, y: Tensor) -> None:
        """The step on a batch."""
        self._x.copy_(x)
        self._y.copy_(y)
        self._graph.replay()
