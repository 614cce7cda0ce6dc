"""``import invsearch``: searches, reruns, tables and reports from Python.

    import invsearch

    run = invsearch.sweep("runs/mine", ["conv", "invariant"], dataset="digits", samples=32)
    run.choose()
    run.rerun(seeds=5)
    run.trials, run.epochs
    print(run.table("ranking"))
    run.report("out/")
    run.best("conv")
    run = invsearch.open_run("runs/mine")

Each function stands for the command of the same name: a keyword has the meaning, the default and the error messages
of the option of that name. No call exits the program. Bad input raises ``UserError``; a run that cannot continue now
raises ``Halted``; one that another driver has taken over raises ``Superseded``; and Ctrl-C raises ``Interrupted``,
which is a ``KeyboardInterrupt``. The same call resumes the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, Unpack

import invsearch_start

invsearch_start.refuse_shadows()
invsearch_start.take_packages()

from search import __version__  # noqa: E402 - found by the line above.
from search.datasets.own import Data  # noqa: E402
from search.errors import Halted, Interrupted, Superseded  # noqa: E402
from search.facade.call import AnyPath, Invocation, train_call  # noqa: E402
from search.facade.references import Architecture  # noqa: E402
from search.facade.run import Run  # noqa: E402
from search.tuning.events import Event  # noqa: E402
from spaces import Hyperparameters, Space, UserError  # noqa: E402
from spaces.files.sealed import Damaged  # noqa: E402


def sweep(
    out: AnyPath,
    architectures: Architecture | Sequence[Architecture] = ("conv", "invariant"),
    *,
    dataset: AnyPath | Data = "digits",
    resize: int | str | None = None,
    test_fraction: float | None = None,
    recipe: Literal["none", "steps", "crops", "cifar", "tiny-imagenet"] | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    search: Literal["grid", "random", "tpe"] = "grid",
    space: AnyPath | Space | Mapping[str, Any] | None = None,
    samples: int | None = None,
    scheduler: Literal["asha", "halving", "none"] | None = None,
    grace_period: int | None = None,
    epochs: int | None = None,
    reduction_factor: float = 4.0,
    **invocation: Unpack[Invocation],
) -> Run:
    """Searches each architecture's hyperparameters on held-out training images; the same call resumes.

    Args:
        out: run folder, or the URL of a run in a bucket; new or to be resumed.
        architectures: what to compare: names, ``my_layer.py:MyConv``, or classes and functions that a file defines.
        dataset: data set, such as ``digits`` or ``mnist``; or data of your own: ``data.npz``, ``images:FOLDER``,
            ``idx:FOLDER``, ``torchvision:FOLDER``, or ``Data``.
        resize: the images of ``images:FOLDER`` are resized to this size in pixels, N or ``HxW``.
        test_fraction: share of test images for an ``images:FOLDER`` without a test part, such as 0.2.
        recipe: schedule and augmentation instead of the data set's own; None: the run's, else the data set's own.
        batch_size: images per step; None: the data set's own.
        seed: seed of the sweep's trials.
        split_seed: seed of the held-out split, and of ``test_fraction``.
        search: ``grid``, ``random`` draws, or ``tpe`` (hyperopt).
        space: a name, a YAML file, a ``Space``, or its fields as a mapping; None: Table 1.2 for a grid, else
            ``continuous``.
        samples: configurations per architecture; None: all of a grid, else 64.
        scheduler: what stops trials early: ``asha``; ``halving``, which stops the same trials in every repetition; or
            ``none``. None: the run's own; ``asha`` in a new run.
        grace_period: epochs before a trial may be stopped; None: the run's own; 5 in a new run.
        epochs: maximum epochs of a trial; None: the data set's own.
        reduction_factor: the top 1/ETA of the trials continue past each rung.
        **invocation: see ``Invocation``.

    Returns:
        The run. Trials that failed are among its ``trials`` with the status ``failed``.

    Raises:
        UserError: bad input, in one line.
        Halted: the time budget is used up, the disk is full, or the cluster is lost; what is recorded stays.
        Interrupted: Ctrl-C; what is recorded stays.
    """
    return Run(train_call(sweep, locals()))


def train(
    out: AnyPath,
    architectures: Architecture | Sequence[Architecture],
    *,
    theta: str | Hyperparameters | Mapping[str, Any] = "published",
    seeds: int = 1,
    epochs: int | None = None,
    dataset: AnyPath | Data = "digits",
    resize: int | str | None = None,
    test_fraction: float | None = None,
    recipe: Literal["none", "steps", "crops", "cifar", "tiny-imagenet"] | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    **invocation: Unpack[Invocation],
) -> Run:
    """Trains fixed configurations over seeds on all training images, judged on the test set.

    Args:
        out: run folder, or the URL of a run in a bucket; new or to be resumed.
        architectures: what to train, as for ``sweep``.
        theta: ``published``, ``lr=..,momentum=..,weight_decay=..,gain=..``, a mapping, or ``Hyperparameters``.
        seeds: how many seeds.
        epochs: epochs of a trial; None: the data set's own.
        dataset: as ``sweep``.
        resize: as ``sweep``.
        test_fraction: as ``sweep``.
        recipe: schedule and augmentation instead of the data set's own; None: the run's, else the data set's own.
        batch_size: images per step; None: the data set's own.
        seed: the seeds after this one are used.
        split_seed: seed of ``test_fraction``, and of the held-out split, which no rerun uses.
        **invocation: see ``Invocation``.

    Returns:
        The run.

    Raises:
        UserError, Halted, Interrupted: as ``sweep``.
    """
    return Run(train_call(train, locals()))


def reproduce(
    table: str,
    out: AnyPath,
    *,
    dataset: AnyPath | Data | None = None,
    resize: int | str | None = None,
    test_fraction: float | None = None,
    seeds: int | None = None,
    rerun_epochs: int | None = None,
    rows: str | Sequence[str] | None = None,
    mixings: str | Sequence[str] | None = None,
    width: int | None = None,
    recipe: Literal["none", "steps", "crops", "cifar", "tiny-imagenet"] | None = None,
    batch_size: int | None = None,
    seed: int = 0,
    split_seed: int = 0,
    search: Literal["grid", "random", "tpe"] = "grid",
    space: AnyPath | Space | Mapping[str, Any] | None = None,
    samples: int | None = None,
    scheduler: Literal["asha", "halving", "none"] | None = None,
    grace_period: int | None = None,
    epochs: int | None = None,
    reduction_factor: float = 4.0,
    choice: Literal["race", "single"] | None = None,
    finalists: int | None = None,
    choice_seeds: int | None = None,
    judge: Literal["final", "last5", "both"] | None = None,
    replicates: int | None = None,
    **invocation: Unpack[Invocation],
) -> Run:
    """Runs a whole experiment of the chapter: a sweep and a race (for 1.3 and 1.4) and the reruns.

    Args:
        table: ``1.3``, ``1.4``, ``1.6`` or ``1.7``.
        out: run folder, or the URL of a run in a bucket; new or to be resumed.
        dataset: as ``sweep``; None: digits, for Tables 1.3 and 1.4.
        resize: as ``sweep``.
        test_fraction: as ``sweep``.
        seeds: reruns per architecture; None: as published.
        rerun_epochs: epochs of a rerun; None: as ``epochs``.
        rows: rows of Tables 1.6 and 1.7, such as ``["ref", "invC"]``; None: all.
        mixings: columns of Table 1.6, such as ``"A,C"``; None: all three.
        width: width of the networks of Tables 1.6 and 1.7.
        recipe: as ``sweep``.
        batch_size: as ``sweep``.
        seed: as ``sweep``.
        split_seed: as ``sweep``.
        search: as ``sweep``.
        space: as ``sweep``.
        samples: as ``sweep``.
        scheduler: as ``sweep``; None: the run's own; in a new run halving, or asha with ``search="tpe"``.
        grace_period: as ``sweep``.
        epochs: as ``sweep``.
        reduction_factor: as ``sweep``.
        choice: as ``Run.choose``; None: the run's own; race in a new run.
        finalists: as ``Run.choose``.
        choice_seeds: as ``Run.choose``.
        judge: as ``Run.choose``.
        replicates: how many times the experiment is done, each with other seeds and held-out images, in a run folder of
            its own within ``out``; None: the number of ``out``, or one ordinary run. The results are then the tables
            ``replicates``, ``replicate-sources``, ``replicate-pairs`` and ``replicate-choices``.
        **invocation: see ``Invocation``.

    Returns:
        The run; its ``table(table)`` is the result. With ``replicates``, see ``Run.replicates``.

    Raises:
        UserError, Halted, Interrupted: as ``sweep``.
    """
    return Run(train_call(reproduce, locals()))


def open_run(path: AnyPath) -> Run:
    """Opens an existing run, finished or not: a folder, the URL of a bucket, or a folder of replicates.

    Raises:
        UserError: not a run folder, or its spec.json cannot be read.
    """
    run = Run(path)
    if not run.replicates:
        run.read()
    return run


__all__ = [
    "Damaged",
    "Data",
    "Event",
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
