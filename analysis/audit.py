"""What the scheduler threw away: a random sample of the stopped trials, trained to the end, against the incumbent.

The sample's trials are in a run folder of their own, RUN/audit; nothing else reads it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from analysis.incumbents import find_single_choices
from analysis.judging import find_judge, judge_trials
from analysis.records.reader import Run
from analysis.records.schema import MEASURES, make_records
from analysis.render.formats import write_grid
from analysis.stats.finite import bound_count
from analysis.tables.table import Column, make_display, round_off, show_number, show_range, show_words
from spaces.common.errors import UserError, make_printable
from spaces.common.wording import format_count

FOLDER = "audit"
NEAR = 10  # Trials at about the same accuracy, one of which says what becomes of another; at most half of the audited.
DRAWS = 2000
TINY = 1e-6  # The least error that a trial is stopped with.
COLUMNS = (
    show_words("Architecture", "architecture"),
    show_number("stopped", "stopped"),
    Column("audited", lambda row: f"{row['ended']} of {row['asked']}"),
    show_number("incumbent (%)", "incumbent", 2),
    show_number("best audited (%)", "best", 2),
    show_number("better", "better"),
    show_range("of all stopped, 95 % CI", "least", "most", 0),
    show_number("regret", "regret", 2),
    show_range("95 % interval", "low", "high", 2),
)
NOTES = (
    "better: audited trials that ended above the incumbent on the same held-out images (ties by lower loss), and how "
    "many of all stopped trials are: the exact interval for a sample without replacement (hypergeometric).",
    "regret: how far the best of all stopped trials is above the incumbent, in points, or 0. Those that were not "
    f"audited keep as large a part of the error that they were stopped with as one of the {NEAR} audited ones did (at "
    f"most half of them) that were nearest to them then; the mean and the 2.5 % and 97.5 % percentiles over {DRAWS:,} "
    "bootstrap samples of the audited. It is an estimate; the count before it is exact.",
)


def list_stopped(run: Run, architecture: str) -> pd.DataFrame:
    """The trials of a sweep that the scheduler stopped, by trial id."""
    trials = run.trials
    mine = (trials["phase"] == "sweep") & (trials["architecture"] == architecture) & (trials["status"] == "stopped")
    return trials[mine].sort_values("trial_id")


def draw_sample(run: Run, architecture: str, count: int, seed: int) -> list[str]:
    """Trial ids of a simple random sample of the stopped; a smaller one is the beginning of a larger one."""
    stopped = list_stopped(run, architecture)["trial_id"].to_numpy(dtype=object)
    return list(np.random.default_rng(seed).permutation(stopped)[:count])


def check_auditable(run: Run) -> None:
    """Refuses a run with nothing to audit.

    Raises:
        UserError: nothing was searched, the sweep is not finished, or nothing was stopped.
    """
    where = make_printable(run.path)
    if not run.spec.get("samples"):
        raise UserError(f"{where}: nothing was searched, so there is nothing to audit; give the run of a sweep")
    if behind := run.list_behind():
        raise UserError(f"{where}: the sweep is not finished ({', '.join(behind)}); run it again to resume it")
    if not ((run.trials["phase"] == "sweep") & (run.trials["status"] == "stopped")).any():
        raise UserError(f"{where}: no trial of it was stopped early, so nothing was thrown away")


class Regret(NamedTuple):
    """How far the best of all stopped trials is above the incumbent: the mean and 95 % of the bootstrap samples."""

    mean: float
    low: float
    high: float


def estimate_regret(
    before: np.ndarray, after: np.ndarray, unknown: np.ndarray, incumbent: float, seed: int = 0, draws: int = DRAWS
) -> Regret:
    """Estimates the regret, in the unit of the accuracies.

    Args:
        before: of the audited, the accuracy at which they were stopped.
        after: of the audited, the final accuracy.
        unknown: of the other stopped trials, the accuracy at which they were stopped.
        incumbent: the accuracy of the incumbent.
        seed: of the bootstrap.
        draws: of the bootstrap.
    """
    if not len(before):
        return Regret(*[math.nan] * 3)
    random, count = np.random.default_rng(seed), len(before)
    seen = max(0.0, float(after.max()) - incumbent)
    if not len(unknown):
        return Regret(seen, seen, seen)
    kept = (1 - after) / np.maximum(1 - before, TINY)  # Of the error; a gain of points would end above 100 %.
    found = np.empty(draws)
    for draw in range(draws):
        lent = random.integers(count, size=count)
        distance = np.abs(before[lent] - unknown[:, None])
        near = np.argsort(distance, axis=1, kind="stable")[:, : min(NEAR, (count + 1) // 2)]
        chosen = lent[near[np.arange(len(unknown)), random.integers(near.shape[1], size=len(unknown))]]
        ends = 1 - (1 - unknown) * kept[chosen]
        found[draw] = max(seen, float(ends.max()) - incumbent)
    low, high = np.percentile(found, [2.5, 97.5])
    return Regret(float(found.mean()), float(low), float(high))


def audit_run(run: Run, audited: Run | None, samples: Mapping[str, Sequence[str]]) -> pd.DataFrame:
    """What the audit says of each architecture.

    Args:
        run: the run of a finished sweep.
        audited: the run of the sample, trained to the end; None where there is none.
        samples: architecture -> the trial ids of its sample.

    Returns:
        One row per architecture: ``stopped``; of the sample how many were ``asked`` for, ``ended``, and are ``better``
        than the incumbent; the ``least`` and the ``most`` of all stopped trials that are; ``incumbent`` and ``best``
        of the audited in percent; ``regret`` with its interval ``low`` to ``high``, in points; ``same``, how many have
        the rows of the sweep again to the bit, up to the epoch at which they were stopped; ``finished``, how many the
        sweep trained to the end, the rank correlation of their accuracies at the first rung and in the end
        (``correlation``), and the incumbent's ``place`` among them at the rung; the same ``audited_correlation``.
    """
    incumbents = find_single_choices(run)  # A race's winner has other seeds than the stopped trials.
    return pd.DataFrame([_audit(run, audited, name, ids, incumbents) for name, ids in samples.items()])


def _audit(run: Run, audited: Run | None, name: str, ids: Sequence[str], incumbents: pd.DataFrame) -> dict[str, Any]:
    stopped, rung, budget = (
        list_stopped(run, name).set_index("trial_id"),
        run.spec["grace_period"],
        run.spec["max_epochs"],
    )
    trials = run.trials[(run.trials["phase"] == "sweep") & (run.trials["architecture"] == name)].set_index("trial_id")
    known = trials.iloc[:0] if audited is None else audited.trials.set_index("trial_id")
    known = known[known.index.isin(list(ids)) & known["status"].isin(["completed", "diverged"])]
    judged = judge_trials(run, "val_accuracy", find_judge(run))
    ends = judged if audited is None else judge_trials(audited, "val_accuracy", find_judge(run))
    completed = known["status"] == "completed"
    final, last = (each.where(completed).fillna(0.0) for each in (ends.reindex(known.index), known["val_accuracy"]))
    early = run.epochs[run.epochs["epoch"] == rung].set_index("trial_id")
    finished = trials[(trials["status"] == "completed") & (trials["epoch"] >= budget)]
    row: dict[str, Any] = {
        "architecture": name,
        "stopped": len(stopped),
        "asked": len(ids),
        "ended": len(known),
        "same": 0 if audited is None else _count_same(run, audited, stopped.loc[list(known.index)]),
        "finished": len(finished),
        "correlation": _correlate(early["val_accuracy"], finished["val_accuracy"]),
        "audited_correlation": _correlate(early["val_accuracy"], last),
        **dict.fromkeys(("incumbent", "best", "better", "least", "most", "regret", "low", "high", "place"), math.nan),
    }
    if len(final):
        row["best"] = 100 * float(final.max())
    if name not in incumbents.index:
        return row
    best: Any = incumbents.loc[name]
    reached = float(judged[best["trial_id"]])
    row["incumbent"] = 100 * reached
    if best["trial_id"] in finished.index and rung < budget:
        there = early["val_accuracy"].reindex(finished.index)
        row["place"] = 1 + int((there > there[best["trial_id"]]).sum())
    if len(final):
        above = (final > reached) | ((final == reached) & (known["val_loss"] < best["val_loss"]))
        row["better"] = int(above.sum())
        row["least"], row["most"] = bound_count(row["better"], len(known), len(stopped))
        before = stopped["val_accuracy"]
        regret = estimate_regret(
            before[known.index].to_numpy(),
            final.to_numpy(),
            before.drop(index=known.index).to_numpy(),
            reached,
        )
        row.update(zip(("regret", "low", "high"), (100 * value for value in regret), strict=True))
    return row


def _correlate(early: pd.Series, final: pd.Series) -> float:
    """Spearman's rank correlation of two measures of the same trials; NaN where there is none."""
    both = pd.DataFrame({"early": early.reindex(final.index), "final": final}).dropna().rank()
    if len(both) < 3 or (both.nunique() < 2).any():
        return math.nan
    return float(both["early"].corr(both["final"]))


def _count_same(run: Run, audited: Run, stopped: pd.DataFrame) -> int:
    """How many of the stopped trials have the same numbers again, as far as they were trained then."""
    rows = run.epochs[run.epochs["trial_id"].isin(stopped.index)]
    both = rows.merge(audited.epochs, on=["trial_id", "epoch"], how="left", suffixes=("_first", "_second"))
    ours, theirs = (both[[f"{name}_{side}" for name in MEASURES]].to_numpy() for side in ("first", "second"))
    alike = ((ours == theirs) | (np.isnan(ours) & np.isnan(theirs))).all(axis=1)
    return int(pd.Series(alike).groupby(both["trial_id"]).all().sum())


def describe_audit(run: Path, found: pd.DataFrame, rung: int, budget: int) -> str:
    """The audit as Markdown: a table, and sentences on each architecture."""
    cells, right = make_display(COLUMNS)(found)
    table = write_grid(cells, right)
    said = [line for row in make_records(found) for line in _describe(row, rung, budget)]
    return "\n".join([f"Audit of {make_printable(run)}", "", table, "", *(f"- {line}" for line in (*said, *NOTES))])


def _describe(row: dict[str, Any], rung: int, budget: int) -> list[str]:
    name, lines = row["architecture"], []
    if not row["stopped"]:
        return [f"{name}: no trial was stopped early, so nothing was thrown away."]
    if not math.isnan(row["better"]):
        verb = "is" if row["better"] == 1 else "are"
        share = f"{row['better']:.0f} of {format_count(row['ended'], 'audited trial')} {verb} better than the incumbent"
        ends = f"{100 * row['least'] / row['stopped']:.1f} to {100 * row['most'] / row['stopped']:.1f} %"
        lines.append(f"{name}: {share}; so are {ends} of all that the scheduler stopped (95 % CI).")
        if row["same"] < row["ended"]:
            lines.append(
                f"{name}: {row['same']} of {row['ended']} audited trials have the sweep's numbers again up to where "
                "they were stopped; other engines, instruction sets or versions round differently."
            )
    if not math.isnan(row["place"]):
        lines.append(
            f"{name}: at epoch {rung} the incumbent was number {row['place']:.0f} of the {row['finished']} that the "
            f"sweep trained to the end; the rank correlation of epochs {rung} and {budget} is "
            f"{round_off(row['correlation'], 2)} among these, and {round_off(row['audited_correlation'], 2)} among "
            "the audited."
        )
    return lines
