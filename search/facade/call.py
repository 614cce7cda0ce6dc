"""A call of ``import invsearch``: its keywords become the options of the command that it stands for."""

from __future__ import annotations

import inspect
import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike, fspath
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from search.cluster.surroundings import restored_environment
from search.datasets.own import Data
from search.errors import TIME_IS_UP
from search.facade.references import name_architectures
from search.signals import time_limit
from spaces import Hyperparameters, UserError, make_space
from spaces.common.lookup import choose

if TYPE_CHECKING:
    from search.tuning.events import Event

AnyPath: TypeAlias = str | PathLike[str]
PLACES = {"sweep": (), "choose": ("run",), "rerun": ("run",), "train": ("architectures",), "reproduce": ("table",)}
"""What the commands take by its place."""
_training = Lock()  # One Ray a program, one environment.


class Invocation(TypedDict, total=False):
    """Keywords of every call that trains: how it treats its run, and what a trial gets. Defaults are the commands'.

    Attributes:
        cpus_per_trial: CPU cores per trial (1).
        gpus_per_trial: GPUs per trial, fractions allowed (0).
        engine: ``auto``, ``native``, ``torch`` or ``mixed``.
        pack: how many trials at most are trained as one program, or ``auto`` (1).
        address: a running Ray cluster, ``auto`` or ``HOST:PORT``. If this program already has a Ray, that is used, and
            left running. Without either, Ray is started here and stopped at the end.
        max_concurrent: maximum number of trials at once.
        time_budget: stop cleanly that long after the call, once the epochs in progress are recorded: seconds, or text
            such as ``1h30m``. The start of Ray counts; it is cut short only in the main thread of a program without an
            alarm of its own.
        retry_failed: retry failed trials from their last epoch.
        keep_checkpoints: ``none``, ``best`` or ``all``.
        reuse: a run from which equal trials are taken over instead of being trained again.
        accept_changes: resume even if the code, libraries or engine have changed.
        force: take the run over from a driver on another machine that did not sign off.
        log: also keep logs for ``tensorboard`` or ``mlflow``, or both.
        on_event: called with every ``Event``; no progress table is shown then. An exception in it ends the call, as
            Ctrl-C would, and the call raises it. Epochs that a worker had recorded but not yet reported when it died
            have no event.
    """

    cpus_per_trial: float
    gpus_per_trial: float
    engine: Literal["auto", "native", "torch", "mixed"]
    pack: int | Literal["auto"]
    address: str | None
    max_concurrent: int | None
    time_budget: float | str | None
    retry_failed: bool
    keep_checkpoints: Literal["none", "best", "all"]
    reuse: AnyPath | None
    accept_changes: bool
    force: bool
    log: str | Sequence[str]
    on_event: Callable[[Event], object] | None


def train_call(function: Callable[..., Any], given: Mapping[str, Any], run: Path | None = None) -> Path:
    """Trains what the command of a function's name would.

    Args:
        function: what was called.
        given: its arguments by name, those of ``Invocation`` in a mapping of their own.
        run: the folder of the run whose method it is.

    Returns:
        The run folder.

    Raises:
        UserError, Halted, Interrupted: as the function says.
    """
    from search.cli import COMMANDS, make_parser

    began, command = time.monotonic(), function.__name__
    keywords = dict.fromkeys([*inspect.signature(function).parameters, *Invocation.__annotations__])
    for name in given["invocation"]:
        choose("keyword", name, {word: None for word in keywords if word not in ("self", "invocation")})
    options = {name: value for name, value in given.items() if name != "invocation"} | dict(given["invocation"])
    if "architectures" in options:
        options["architectures"] = name_architectures(options["architectures"])
    said = describe_call(function, options, run)
    options |= {} if run is None else {"run": run}
    on_event, space = options.pop("on_event", None), options.pop("space", None)
    data = options.pop("dataset") if isinstance(options.get("dataset"), Data) else None
    places = [options.pop(name) for name in PLACES[command]]
    words = [_write_option(name, value) for name, value in options.items() if value is not None and value is not False]
    args = make_parser().parse_args([command, *words, *(["--", *map(_write, places)] if places else [])])
    args.dataset = data or getattr(args, "dataset", None)
    if space is not None:
        args.space = make_space(space, "space") if isinstance(space, Mapping) else space
    if not _training.acquire(blocking=False):
        raise UserError(
            "another call of this program is training; wait for it, or use a program of its own (a script that defines "
            'what it trains makes its calls below if __name__ == "__main__")'
        )
    try:
        with (
            restored_environment(),
            time_limit(args.time_budget or math.inf, f"{TIME_IS_UP} before more was trained"),
        ):
            request = COMMANDS[command].prepare(args)
            # Its time began with this call, not with the program.
            request = replace(request, policy=replace(request.policy, started=began))
            request.train(on_event, said)
    finally:
        _training.release()
    return request.path


def describe_call(function: Callable[..., Any], options: Mapping[str, Any], run: Path | None = None) -> str:
    """A call as Python has it, without what is as it is anyway, for the history."""
    owner = "invsearch" if run is None else f"invsearch.open_run({str(run)!r})"
    known, said = inspect.signature(function).parameters, []
    for name, value in options.items():
        keyword = name not in known or known[name].kind is inspect.Parameter.KEYWORD_ONLY
        if name == "on_event" or (name in known and _say(value) == _say(known[name].default)):
            continue
        said.append(f"{name}={_say(value)}" if keyword else _say(value))
    return f"{owner}.{function.__name__}({', '.join(said)})"


def _say(value: Any) -> str:
    value = list(value) if isinstance(value, tuple) else value
    return repr(fspath(value)) if isinstance(value, PathLike) else repr(value)


def _write_option(name: str, value: Any) -> str:
    option = f"--{name.replace('_', '-')}"
    return option if value is True else f"{option}={_write(value)}"


def _write(value: Any) -> str:
    """An option's value as the command line has it."""
    if isinstance(value, Mapping) and not isinstance(value, Hyperparameters):
        return ",".join(f"{name}={_write(each)}" for name, each in value.items())
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)
