"""What a tabular benchmark holds: the grid of a run, and what every point of it did in every epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from analysis.records.reader import Run
from analysis.records.schema import make_column
from spaces.common.errors import UserError, make_printable
from spaces.common.lookup import choose
from spaces.common.wording import format_count
from spaces.space import Space
from spaces.specs.run import RunSpec

OBJECTIVES = ("val_accuracy", "val_loss", "train_loss", "elapsed_time")
MISSING = "missing"  # The status of a point that no trial was begun of.
WHOLE = ("completed", "diverged")


@dataclass(frozen=True, eq=False)
class Benchmark:
    """T architectures at the same N points of a grid, each trained for E epochs with one seed.

    Attributes:
        run: where the numbers are from.
        tasks: the architectures.
        space: what the grid is of.
        hyperparameters: N rows, sorted; a column for each hyperparameter.
        trials: T x N rows: ``task``, the hyperparameters, ``config_id``, ``trial_id``, ``seed``, ``split_seed``,
            ``status``, ``epochs``, ``seconds`` and ``engine``.
        curves: task -> one row for each recorded epoch: the hyperparameters, ``epoch``, ``OBJECTIVES``, ``seconds``
            of that epoch, ``config_id`` and ``trial_id``.
        evaluations: (T, N, 1, E, 4) the objectives after each epoch; NaN where there are none.
        lacks: a sentence for each task with trials that were not trained to the end.
    """

    run: Run
    tasks: tuple[str, ...]
    space: Space
    hyperparameters: pd.DataFrame
    trials: pd.DataFrame
    curves: Mapping[str, pd.DataFrame]
    evaluations: np.ndarray
    lacks: Sequence[str]

    @property
    def max_epochs(self) -> int:
        """E."""
        return self.evaluations.shape[3]

    @property
    def is_whole_grid(self) -> bool:
        """Whether every point of the space is there."""
        return len(self.hyperparameters) == self.space.size


def collect(run: Run, architectures: Sequence[str] = (), partial: bool = False) -> Benchmark:
    """Reads the sweep of a run.

    Args:
        run: of a grid search.
        architectures: some of its architectures; all if none are given.
        partial: whether trials that were stopped early, failed or have not ended may be among them.

    Raises:
        UserError: an unknown architecture, nothing was searched or not on a grid, the architectures have different
            spaces, or without ``partial`` some trial was not trained to the end.
    """
    spec, where = RunSpec.from_dict(run.spec), make_printable(run.path)
    for name in architectures:
        choose("architecture", name, dict.fromkeys(spec.architectures))
    names = tuple(architectures or spec.architectures)
    if spec.space is None:
        raise UserError(f"{where}: nothing was searched, so there is no table of a search; give the run of a sweep")
    if spec.search != "grid":
        raise UserError(
            f"{where}: the configurations of a {spec.search} search are a selection and no table of a space; give the "
            "run of sweep --search grid"
        )
    points = {name: sorted(spec.list_points(name), key=lambda theta: [*theta.as_dict().values()]) for name in names}
    if len({tuple(found) for found in points.values()}) > 1:
        each = ", ".join(f"{name}: {', '.join(spec.find_space(name).domains)}" for name in names)
        raise UserError(f"{where}: its architectures take different hyperparameters ({each}); give --architectures")
    thetas = points[names[0]]
    hyperparameters = pd.DataFrame(
        {name: make_column(theta.get(name) for theta in thetas) for name in thetas[0].as_dict()}
    )
    found = [_read_task(run, spec, name, thetas, hyperparameters) for name in names]
    trials = pd.concat([one for one, _, _ in found], ignore_index=True)
    lacks = [said for name in names if (said := _explain_lack(trials[trials["task"] == name], name))]
    if lacks and not partial:
        raise UserError(
            f"{where}: {'; '.join(lacks)}; give a finished run of sweep --scheduler none, or --partial to mark what is "
            "not there"
        )
    return Benchmark(
        run,
        names,
        spec.find_space(names[0]),
        hyperparameters,
        trials,
        {name: curves for name, (_, curves, _) in zip(names, found, strict=True)},
        np.stack([evaluations for *_, evaluations in found]),
        lacks,
    )


def _read_task(
    run: Run, spec: RunSpec, name: str, thetas: Sequence[Any], hyperparameters: pd.DataFrame
) -> tuple[pd.DataFrame, pd.DataFrame, np.ndarray]:
    """The trials of an architecture at these points, their curves, and the same as an array (N, 1, E, 4)."""
    planned = [spec.sweep_trial(name, theta) for theta in thetas]
    place = {trial.trial_id: number for number, trial in enumerate(planned)}
    known = run.trials.set_index("trial_id").reindex(list(place))
    status = known["status"].astype(object).where(known["status"].notna(), MISSING)
    status[(status == "completed") & (known["epoch"] < spec.max_epochs)] = "unfinished"  # The run was extended since.
    trials = hyperparameters.assign(
        task=name,
        config_id=[trial.config_id for trial in planned],
        trial_id=[*place],
        seed=spec.seed,
        split_seed=spec.split_seed,
        status=status.to_numpy(dtype=str),
        epochs=known["epoch"].fillna(0).to_numpy(dtype=int),
        seconds=known["seconds"].to_numpy(dtype=float),
        engine=known["engine"].to_numpy(),
    )
    trials = trials[["task", *(column for column in trials if column != "task")]]
    rows = run.epochs[run.epochs["trial_id"].isin(place) & (run.epochs["epoch"] <= spec.max_epochs)]
    rows = rows.assign(place=rows["trial_id"].map(place)).sort_values(["place", "epoch"])
    rows = rows.assign(elapsed_time=rows.groupby("place")["seconds"].cumsum())
    at = rows["place"].to_numpy(dtype=int)
    curves = hyperparameters.iloc[at].reset_index(drop=True)
    for column in ("epoch", *OBJECTIVES, "seconds"):
        curves[column] = rows[column].to_numpy()
    curves["config_id"], curves["trial_id"] = trials["config_id"].to_numpy()[at], rows["trial_id"].to_numpy()
    evaluations = np.full((len(thetas), 1, spec.max_epochs, len(OBJECTIVES)), np.nan)
    evaluations[at, 0, rows["epoch"].to_numpy(dtype=int) - 1] = rows[[*OBJECTIVES]].to_numpy(dtype=float)
    for number in np.flatnonzero(status == "diverged"):  # It takes no more time: what it took stays what it took.
        last = int(trials["epochs"].iloc[number])
        evaluations[number, 0, last:, OBJECTIVES.index("elapsed_time")] = evaluations[number, 0, last - 1, -1]
    return trials, curves, evaluations


def _explain_lack(trials: pd.DataFrame, name: str) -> str:
    """How many trials of a task are not whole, and why; empty if all are."""
    kinds = trials.loc[~trials["status"].isin(WHOLE), "status"].value_counts()
    words = {"stopped": "stopped early", MISSING: "not begun"}
    each = ", ".join(f"{count} {words.get(str(kind), kind)}" for kind, count in kinds.sort_index().items())
    return f"{name}: of {format_count(len(trials), 'trial')} {each}" if len(kinds) else ""
