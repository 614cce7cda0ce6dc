"""What Ray says of workers that died."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ray import cloudpickle
from ray.exceptions import RayActorError


def explain_not_started(trial: Any) -> str | None:
    """The error of Python that kept a trial's worker from starting; None where the worker died.

    Args:
        trial: a trial of Tune that has just failed; Tune's callbacks are not told why, but it is written down.
    """
    error = _find_error(trial)
    if not isinstance(error, RayActorError) or not error.actor_init_failed:
        return None
    return f"a worker cannot start: {_find_last_line(error)}"


def explain_death(trial: Any) -> str:
    """What Ray says of the death of a trial's worker."""
    error = _find_error(trial)
    return "Ray does not say why" if error is None else _find_last_line(error)


def _find_error(trial: Any) -> Any:
    if trial.run_metadata.pickled_error_filename is None:
        return None
    return cloudpickle.loads(Path(trial.pickled_error_file).read_bytes())


def _find_last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1]
