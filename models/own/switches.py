"""torch's switches for a whole process, which one file would set for every architecture of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

from spaces.common.errors import UserError

FLAGS = {"mkldnn": ("enabled",), "cudnn": ("enabled", "benchmark", "deterministic", "allow_tf32")}


@contextmanager
def switches_kept(what: str) -> Iterator[None]:
    """Sets torch's switches back after a ``with`` block, in which the user's code runs.

    Args:
        what: begins the message.

    Raises:
        UserError: the block changed some and raised nothing.
    """
    switches = _list_switches()
    before = {name: _read(get) for name, (get, _) in switches.items()}
    changed = []
    try:
        yield
    finally:
        for name, (get, put) in switches.items():
            now = _read(get)
            if now != before[name] and before[name] is not None:
                put(before[name])
                changed.append(f"{name} from {before[name]} to {now}")
    if changed:
        raise UserError(
            f"{what}: changes {', '.join(changed)}, in which the other architectures of the run would be trained too; "
            "leave that out of the file and of what it imports"
        )


def _read(get: Callable[[], Any]) -> Any:
    try:
        return get()
    except RuntimeError:  # torch does not tell a precision that was set in its old and its new way.
        return None


def _list_switches() -> dict[str, tuple[Callable[[], Any], Callable[[Any], object]]]:
    """What reads and what sets each, by name."""
    import torch

    found: dict[str, tuple[Callable[[], Any], Callable[[Any], object]]] = {
        "the default dtype": (torch.get_default_dtype, torch.set_default_dtype),
        "the number of threads": (torch.get_num_threads, torch.set_num_threads),
        "the grad mode": (torch.is_grad_enabled, torch.set_grad_enabled),
        "the matmul precision": (torch.get_float32_matmul_precision, torch.set_float32_matmul_precision),
        "the use of deterministic algorithms": (
            torch.get_deterministic_debug_mode,
            torch.set_deterministic_debug_mode,
        ),
    }
    for backend, flags in FLAGS.items():
        place = getattr(torch.backends, backend)
        for flag in flags:
            found[f"torch.backends.{backend}.{flag}"] = (partial(getattr, place, flag), partial(setattr, place, flag))
    return found
