"""Times contenders in turn, A B C A B C, so that a machine that slows down slows all of them."""

from __future__ import annotations

import math
import statistics
import timeit
from collections.abc import Callable, Mapping

import torch
from threadpoolctl import threadpool_limits

LEAST_SECONDS = 0.05  # Of one measurement; shorter calls are repeated within it.


def one_thread() -> None:
    """Keeps torch, OpenMP and numpy's BLAS in this process to one thread each."""
    torch.set_num_threads(1)
    threadpool_limits(1)


def interleave(
    contenders: Mapping[str, Callable[[], object]], repeats: int, least_seconds: float = LEAST_SECONDS
) -> dict[str, float]:
    """The median seconds of a call of each contender, over so many rounds in which each has its turn.

    Args:
        contenders: what to call. Each is called once beforehand, to warm up and to see how long it takes.
        repeats: rounds.
        least_seconds: calls are repeated until a measurement takes about that long.
    """
    timers = {name: timeit.Timer(call) for name, call in contenders.items()}
    calls = {name: max(1, math.ceil(least_seconds / timer.timeit(1))) for name, timer in timers.items()}
    rounds = [{name: timer.timeit(calls[name]) / calls[name] for name, timer in timers.items()} for _ in range(repeats)]
    return {name: statistics.median(seconds[name] for seconds in rounds) for name in contenders}
