"""The rows and columns that Tables 1.3, 1.4 and ``summary`` share: our accuracy beside the published one."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import pandas as pd

from analysis.evidence import Candidate, Evidence, find_published
from analysis.records.reader import Run
from analysis.records.schema import make_column
from analysis.render.cells import THETA, format_finished, format_ratio, format_theta
from analysis.reruns import find_reruns
from analysis.tables.notes import write_notes
from analysis.tables.table import Column, Table, make_display, round_off, show_range
from spaces.hyperparameters import NAMES

BEGUN = ("finished", "diverged", "failed", "unfinished")
Costs: TypeAlias = "Callable[[Run], tuple[pd.DataFrame, list[str]]]"


def make_table(number: str, title: str, architectures: Sequence[str] = (), costs: Costs | None = None) -> Table:
    """A table of accuracies; runs stand below each other.

    Args:
        number: its number in the chapter, or a name.
        title: one sentence.
        architectures: its networks; those of each run if there are none.
        costs: a run -> more columns for the same networks, and notes on them.
    """

    def rows(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
        frames, notes = [], []
        for run, name in zip(evidence.runs, evidence.names, strict=True):
            start = f"{name}: " if len(evidence.runs) > 1 else ""
            frame = build_accuracy_rows(evidence, run, architectures or run.spec["architectures"])
            notes += write_notes(evidence, run, frame, start)
            if costs is not None:
                more, said = costs(run)
                frame = pd.concat([frame, more], axis=1)
                notes += [f"{start}{note}" for note in said]
            frames.append(frame.assign(title=start + frame["title"]))
        further = [name for name in evidence.hyperparameters if name not in NAMES]
        frame = pd.concat([part.astype(dict.fromkeys(further, object)) for part in frames], ignore_index=True)
        return frame.assign(**{name: make_column(frame[name]) for name in further}), [*notes, *evidence.judges]

    return Table(number, title, tuple(architectures), rows, display)


def build_accuracy_rows(evidence: Evidence, run: Run, architectures: Sequence[str]) -> pd.DataFrame:
    """One row per architecture, in the order given; blank (NaN) where nothing was rerun.

    Only reruns of the incumbent's configuration count, and of those the ones whose last epoch
    (``rerun_epochs`` of the spec) is recorded.

    Returns:
        Columns ``architecture``, ``title``; ours: the hyperparameters, ``mean_percent``,
        ``std_percent``, ``ci_low_percent``, ``ci_high_percent`` of the test accuracy; how many
        reruns ``finished``, ``diverged``, ``failed``, are ``unfinished`` or ``not_started``, and
        how many ``other`` reruns were of another configuration; then ``published_lr`` and so on, where the
        chapter has numbers of any of them on the run's data.
    """
    found = evidence.find_candidates(run)
    known = {name: find_published(run, name) for name in architectures}
    names = evidence.hyperparameters
    rows = [
        {"architecture": name, "title": title, **_collect_ours(run, found.get(name), names)}
        for name, (_, title) in known.items()
    ]
    if any(published for published, _ in known.values()):
        for row, (published, _) in zip(rows, known.values(), strict=True):
            row |= {f"published_{field}": getattr(published and published.theta, field, math.nan) for field in NAMES}
            row |= {f"published_{what}_percent": getattr(published, what, math.nan) for what in ("mean", "std")}
    further = [name for name in names if name not in NAMES]
    return pd.DataFrame(rows).assign(**{name: make_column(row[name] for row in rows) for name in further})


def _collect_ours(run: Run, one: Candidate | None, names: Sequence[str]) -> dict[str, Any]:
    reruns = find_reruns(run, "", None) if one is None else one.reruns
    ours = reruns.trials.iloc[0] if len(reruns.trials) else {}
    summary = reruns.summary
    return {
        **{field: ours.get(field, math.nan) for field in names},
        "mean_percent": summary.mean,
        "std_percent": summary.std,
        "ci_low_percent": summary.low,
        "ci_high_percent": summary.high,
        **{kind: getattr(reruns, kind) for kind in (*BEGUN, "not_started", "other")},
    }


def display(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    """Turns the raw values into text, with the headings of the chapter.

    ``""`` stands for nothing was rerun or counted, ``-`` for a number that too few seeds have.
    """
    costs, known = "param_ratio" in frame, "published_mean_percent" in frame
    names = [str(name) for name in frame]
    names = names[names.index(NAMES[0]) : names.index("mean_percent")]
    pairs = names != list(NAMES) or bool(frame["gain"].isna().ne(frame["lr"].isna()).any())
    published = Column("published theta", lambda row: _show_theta(row, NAMES, pairs, "published_"), right=False)
    columns = [
        Column("Architecture", lambda row: row["title"] + "*" * bool(row.get("cost_differs")), right=False),
        _show_if_begun("theta" if pairs else THETA, lambda row: _show_theta(row, names, pairs), right=False),
        *(_show_cost(heading, f"{field}_ratio") for heading, field in COSTS if costs),
        _show_if_begun("mean", lambda row: round_off(row["mean_percent"], 1)),
        _show_if_begun("std", lambda row: round_off(row["std_percent"], 2)),
        _show_if_begun("95 % CI", show_range("", "ci_low_percent", "ci_high_percent", 1).text, right=False),
        _show_if_begun(
            "n",
            lambda row: format_finished(
                row["finished"] + row["diverged"], sum(row[kind] for kind in (*BEGUN, "not_started"))
            ),
        ),
        *([published] if known else []),
        *(_show_cost(f"published {heading}", f"published_{field}_ratio") for heading, field in COSTS[:2] if costs),
    ]
    if known:
        columns.append(Column("published mean", lambda row: round_off(row["published_mean_percent"], 1)))
        columns.append(Column("published std", lambda row: round_off(row["published_std_percent"], 2)))
    return make_display(columns)(frame)


COSTS = (("param", "param"), ("mults", "mult"), ("mults + transform", "mult_with_transform"))


def _show_cost(heading: str, field: str) -> Column:
    return Column(heading, lambda row: format_ratio(row[field]))


def _show_if_begun(heading: str, text: Callable[[dict[str, Any]], str], right: bool = True) -> Column:
    """A column that is blank where no rerun has begun."""
    return Column(heading, lambda row: text(row) if any(row[kind] for kind in BEGUN) else "", right)


def _show_theta(row: dict[str, Any], names: Sequence[str], pairs: bool, prefix: str = "") -> str:
    theta = {name: row[f"{prefix}{name}"] for name in names}
    # The chapter gives no hyperparameters of some networks.
    return "" if math.isnan(theta["lr"]) else format_theta(theta, pairs)


SUMMARY = make_table("summary", "Every architecture of the run.")
TABLE_1_3 = make_table("1.3", "Architecture performance comparison.", ("conv", "invariant"))
