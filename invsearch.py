"""``import invsearch``: searches, reruns, tables and reports from Python.

    import invsearch

    run = invsearch.sweep("runs/mine", ["conv", "invariant"], dataset="digits", samples=32)
    run.rerun(seeds=5)
    run.trials, run.epochs
    print(run.table("ranking"))
    run.report("out/")
    run.best("conv")
    run = invsearch.open_run("runs/mine")

Each function is the command of the same name: a keyword means what the option means that is spelled like it, has its
default, and is refused with the same words. Nothing exits. Bad input raises ``UserError``; a run that cannot continue
now raises ``Halted``, and Ctrl-C ``Interrupted``, which is a ``KeyboardInterrupt``. The same call resumes the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict, Unpack

import invsearch_start

invsearch_start.refuse_shadows()
invsearch_start.take_packages()

from search import __version__  # noqa: E402 - found by the line above.
from search.errors import Halted, Interrupted, Superseded  # noqa: E402
from spaces import Hyperparameters, Space, UserError  # noqa: E402
from spaces.files.sealed import Damaged  # noqa: E402

if TYPE_CHECKING:
    import pandas as pd

    from analysis.best import Best
    from analysis.records.reader import Run as Records
    from analysis.tables.table import Filled
    from search.tuning.progress import Event
    from spaces.specs.run import RunSpec

AnyPath: TypeAlias = str | PathLike[str]
Architectures: TypeAlias = str | Sequence[str]
"""Names: ``["conv", "invariant"]``, ``"conv,invariant"`` or ``"all"``."""


class Invocation(TypedDict, total=False):
    """How a call treats its run, and what a trial gets; the defaults are the command's.

    Attributes:
        cpus_per_trial: CPU cores per trial (1).
        gpus_per_trial: GPUs per trial, fractions allowed (0).
        engine: ``auto``, ``native``, ``torch`` or ``mixed``.
        address: a running Ray cluster, ``auto`` or ``HOST:PORT``. Without one, the Ray of this program is used if it
            has one, and left running; else Ray is started here, and stopped at the end.
        max_concurrent: most trials at once.
        time_budget: stop cleanly after that long: seconds, or text such as ``1h30m``.
        retry_failed: retry failed trials from their last epoch.
        keep_checkpoints: ``none``, ``best`` or ``all``.
        accept_changes: resume even if the code, libraries or engine have changed.
        force: take the run over from a driver elsewhere that did not sign off.
        log: also keep logs for ``tensorboard`` or ``mlflow``, or both.
        on_event: is called with every ``Event`` instead of showing a progress table.
    """

    cpus_per_trial: float
    gpus_per_trial: float
    engine: Literal["auto", "native", "torch", "mixed"]
    address: str | None
    max_concurrent: int | None
    time_budget: float | str | None
    retry_failed: bool
    keep_checkpoints: Literal["none", "best", "all"]
    accept_changes: bool
    force: bool
    log: str | Sequence[str]
    on_event: Callable[[Event], object] | None


def sweep(
    out: AnyPath,
    architectures: Architectures = ("conv", "invariant"),
    *,
    dataset: str = "digits",
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    search: Literal["grid", "tpe"] = "grid",
    space: AnyPath | Space | Mapping[str, Any] | None = None,
    samples: int | None = None,
    scheduler: Literal["asha", "none"] = "asha",
    grace_period: int | None = None,
    epochs: int | None = None,
    reduction_factor: float = 4.0,
    **invocation: Unpack[Invocation],
) -> Run:
    """Searches each architecture's hyperparameters on held-out training images; the same call resumes.

    Args:
        out: run folder, new or to be resumed.
        architectures: what to compare.
        dataset: data set, such as ``digits`` or ``mnist``.
        batch_size: images per step; None: the data set's own.
        seed: of the sweep's trials.
        split_seed: of the held-out split.
        search: ``grid``, or ``tpe`` (hyperopt).
        space: a name, a YAML file, a ``Space``, or its fields as a mapping; None: Table 1.2, or ``continuous`` for TPE.
        samples: configurations per architecture; None: all of a grid, 64 of TPE.
        scheduler: ``asha``, or ``none``: stop no trial early.
        grace_period: epochs before ASHA may stop a trial; None: the run's, at first 5.
        epochs: most epochs of a trial; None: the data set's own.
        reduction_factor: the top 1/ETA of the trials continue past each rung.
        **invocation: see ``Invocation``.

    Returns:
        The run. Trials that failed are among its ``trials`` with the status ``failed``.

    Raises:
        UserError: bad input, in one line.
        Halted: the time budget is used up, the disk is full, or the cluster is lost; what is recorded stays.
        Interrupted: Ctrl-C; what is recorded stays.
    """
    return _train("sweep", locals())


def train(
    out: AnyPath,
    architectures: Architectures,
    *,
    theta: str | Hyperparameters = "published",
    seeds: int = 1,
    epochs: int | None = None,
    dataset: str = "digits",
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    **invocation: Unpack[Invocation],
) -> Run:
    """Trains fixed configurations over seeds on all training images, judged on the test set.

    Args:
        out: run folder, new or to be resumed.
        architectures: what to train.
        theta: ``published``, ``lr=..,momentum=..,weight_decay=..,gain=..``, or ``Hyperparameters``.
        seeds: how many seeds.
        epochs: None: the data set's own.
        dataset: data set.
        batch_size: images per step; None: the data set's own.
        seed: the seeds after this one are used.
        split_seed: of the held-out split, which no rerun uses.
        **invocation: see ``Invocation``.

    Returns:
        The run.

    Raises:
        UserError, Halted, Interrupted: as ``sweep``.
    """
    return _train("train", locals())


def reproduce(
    table: str,
    out: AnyPath,
    *,
    dataset: str | None = None,
    seeds: int | None = None,
    rerun_epochs: int | None = None,
    rows: str | Sequence[str] | None = None,
    mixings: str | Sequence[str] | None = None,
    width: int | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    search: Literal["grid", "tpe"] = "grid",
    space: AnyPath | Space | Mapping[str, Any] | None = None,
    samples: int | None = None,
    scheduler: Literal["asha", "none"] = "asha",
    grace_period: int | None = None,
    epochs: int | None = None,
    reduction_factor: float = 4.0,
    **invocation: Unpack[Invocation],
) -> Run:
    """Runs a whole experiment of the chapter: a sweep (of 1.3 and 1.4) and the reruns.

    Args:
        table: ``1.3``, ``1.4``, ``1.6`` or ``1.7``.
        out: run folder, new or to be resumed.
        dataset: data set; None: digits, where the table searches.
        seeds: reruns per architecture; None: as published.
        rerun_epochs: epochs of a rerun; None: as ``epochs``.
        rows: of Tables 1.6 and 1.7, such as ``["ref", "invC"]``; None: all.
        mixings: columns of Table 1.6, such as ``"A,C"``; None: all three.
        width: of the networks of Tables 1.6 and 1.7.
        batch_size: as ``sweep``.
        seed: as ``sweep``.
        split_seed: as ``sweep``.
        search: as ``sweep``.
        space: as ``sweep``.
        samples: as ``sweep``.
        scheduler: as ``sweep``.
        grace_period: as ``sweep``.
        epochs: as ``sweep``.
        reduction_factor: as ``sweep``.
        **invocation: see ``Invocation``.

    Returns:
        The run; its ``table(table)`` is the result.

    Raises:
        UserError, Halted, Interrupted: as ``sweep``.
    """
    return _train("reproduce", locals())


def open_run(path: AnyPath) -> Run:
    """A run folder that is there, finished or not.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    run = Run(path)
    run.read()
    return run


class Run:
    """A run folder. What it returns is read from the records each time, so it is as they are now.

    Args:
        path: the folder.

    Attributes:
        path: the folder.
    """

    def __init__(self, path: AnyPath):
        from analysis.records.following import Follower

        self.path = Path(path)
        self._follower = Follower(self.path)

    def __repr__(self) -> str:
        return f"invsearch.open_run({str(self.path)!r})"

    def read(self) -> Records:
        """All records: the spec, the trials and epochs, and what is damaged.

        Raises:
            UserError: not a run folder, or its spec.json cannot be read.
        """
        return self._follower.read()

    @property
    def spec(self) -> RunSpec:
        """What was asked for."""
        from search.storage.run_folder import RunFolder

        return RunFolder(self.path).read_spec()

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: what defines it, how it ended, and its last numbers."""
        return self.read().trials

    @property
    def epochs(self) -> pd.DataFrame:
        """One row per trial and epoch."""
        return self.read().epochs

    def rerun(self, *, seeds: int = 10, epochs: int | None = None, **invocation: Unpack[Invocation]) -> Run:
        """Trains each architecture's incumbent over fresh seeds on all training images, judged on the test set.

        Args:
            seeds: how many.
            epochs: of a rerun; None: as the sweep's, or as before.
            **invocation: see ``Invocation``.

        Returns:
            This run.

        Raises:
            UserError: the sweep is not finished, or bad input.
            Halted, Interrupted: as ``sweep``.
        """
        given = {name: value for name, value in locals().items() if name != "self"}
        return _train("rerun", {"run": self.path, **given}, self)

    def table(self, table: str, *others: Run, margin: float = 0.5) -> Filled:
        """A table of this run, and of others beside it; prints as Markdown.

        Args:
            table: such as ``1.3``, ``summary`` or ``ranking``; ``invsearch list`` has all.
            others: further runs.
            margin: a difference from a published mean that does not matter, in points of accuracy.

        Returns:
            ``frame`` has its raw values, ``cells`` the same as text, ``notes`` the sentences below it.

        Raises:
            UserError: there is no such table.
        """
        from analysis.evidence import gather
        from analysis.tables import TABLES
        from spaces.common.lookup import choose

        return choose("table", table, TABLES).fill(gather([run.read() for run in (self, *others)], margin))

    def report(
        self,
        out: AnyPath | None = None,
        *others: Run,
        margin: float = 0.5,
        only: Literal["html", "figures", "tables"] | None = None,
    ) -> list[Path]:
        """Writes a report of this run, and of others beside it: one HTML page, figures and tables.

        Args:
            out: folder to write to; None: ``report`` in the run folder.
            others: further runs.
            margin: see ``table``.
            only: write only these.

        Returns:
            The files, the page last.

        Raises:
            UserError: the folder cannot be written.
        """
        from analysis.evidence import gather
        from analysis.report import write_report

        target = self.path / "report" if out is None else Path(out)
        return write_report(gather([run.read() for run in (self, *others)], margin), target, only=only)

    def best(self, architecture: str) -> Best:
        """The configuration that an architecture is judged by, its incumbent's trial and its best rerun.

        Raises:
            UserError: the run does not have that architecture, or no trial of it was trained to the end.
        """
        from analysis.best import find_bests
        from spaces.common.lookup import choose

        records = self.read()
        choose("architecture", architecture, dict.fromkeys(records.spec["architectures"]))
        for best in find_bests(records):
            if best.architecture == architecture:
                return best
        raise UserError(f"{self.path}: no trial of {architecture} was trained to the end yet")


def _train(command: str, given: Mapping[str, Any], run: Run | None = None) -> Run:
    """Trains what a command would that was given these options."""
    from search.cli import COMMANDS, make_parser
    from spaces.space import make_space

    options = {name: value for name, value in given.items() if name != "invocation"} | dict(given["invocation"])
    on_event, space = options.pop("on_event", None), options.pop("space", None)
    places = [options.pop(name) for name in PLACES[command]]
    texts = {
        f"--{name.replace('_', '-')}": value
        for name, value in options.items()
        if value is not None and value is not False
    }
    words = [name if value is True else f"{name}={_write(value)}" for name, value in texts.items()]
    args = make_parser().parse_args([command, *words, *(["--", *map(_write, places)] if places else [])])
    if space is not None:
        args.space = make_space(space, "space") if isinstance(space, Mapping) else space
    request = COMMANDS[command].prepare(args)
    # Its time began with this call, not with the program.
    replace(request, policy=replace(request.policy, started=time.monotonic())).train(on_event)
    return run or Run(request.path)


def _write(value: Any) -> str:
    """An option's value as the command line has it."""
    return ",".join(map(str, value)) if isinstance(value, list | tuple) else str(value)


PLACES = {"sweep": (), "rerun": ("run",), "train": ("architectures",), "reproduce": ("table",)}
"""What the commands take by its place."""

__all__ = [
    "Damaged",
    "Halted",
    "Hyperparameters",
    "Interrupted",
    "Invocation",
    "Run",
    "Space",
    "Superseded",
    "UserError",
    "__version__",
    "open_run",
    "reproduce",
    "sweep",
    "train",
]
