"""Why this configuration: who raced, on how many seeds, by how much it won, and what a single seed would have taken."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, Evidence
from analysis.incumbents import find_single_choices
from analysis.judging import PHRASES, find_judge, find_race_judge
from analysis.records.reader import Run
from analysis.records.schema import join_trials
from analysis.render.cells import format_theta
from analysis.tables.table import Column, Table, list_used, make_display, round_off, show_number, show_theta, show_words
from spaces.common.wording import format_count
from spaces.hyperparameters import NAMES

NO_RACE = "No configurations raced: invsearch choose lets the best of a sweep run over further seeds."
MEANING = (
    "Validation accuracy in percent on held-out training images. seeds: how many the configuration was given before it "
    "left the race; mean, std and lowest are over these, of the accuracy that judged the race. sweep: after the last "
    "epoch on the one seed by which it became a finalist, which does not count. A seed that diverged counts as "
    "guessing; one that failed is left out, of the count too."
)


def list_raced(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """Every finalist of every candidate, the winner first."""
    frames = [frame for one in evidence.candidates if len(frame := _list_finalists(one))]
    if not frames:
        return pd.DataFrame(columns=["group", *NAMES, *NUMBERS, "single"]), [NO_RACE, *describe_choices(evidence)]
    frame = join_trials(frames)
    names = list_used(frame)
    return frame[["group", *names, *NUMBERS, "single"]], [MEANING, *describe_choices(evidence)]


NUMBERS = ["seeds", "mean_percent", "std_percent", "lowest_percent", "sweep_percent"]


def _list_finalists(one: Candidate) -> pd.DataFrame:
    """An architecture's finalists: their rows of the sweep, with ``NUMBERS`` and whether a single seed takes them."""
    if one.raced is None or one.raced.race.leader is None:
        return pd.DataFrame()
    accuracies = {name: one.raced.list_accuracies(name) for name in one.raced.race.list_out()}
    rows = one.sweep.drop_duplicates(subset=["config_id"]).set_index("config_id", drop=False).loc[[*accuracies]]
    percent = [100.0 * np.array(found) for found in accuracies.values()]
    return rows.reset_index(drop=True).assign(
        group=one.group,
        seeds=[len(found) for found in percent],
        mean_percent=[found.mean() if len(found) else np.nan for found in percent],
        std_percent=[found.std(ddof=1) if len(found) > 1 else np.nan for found in percent],
        lowest_percent=[found.min() if len(found) else np.nan for found in percent],
        sweep_percent=100.0 * rows["val_accuracy"].to_numpy(),
        single=rows["config_id"].to_numpy() == _find_single(one)["config_id"],
    )


def _find_single(one: Candidate) -> Any:
    """The trial that a single seed takes; only for those that have a trial that was trained to the end."""
    return find_single_choices(one.run).loc[one.architecture]


def describe_choices(evidence: Evidence) -> list[str]:
    """A sentence or two on each architecture that was searched."""
    return [_describe_choice(one) for one in evidence.candidates if one.incumbent is not None and len(one.sweep)]


def _describe_choice(one: Candidate) -> str:
    assert one.theta is not None
    row = one.incumbent
    chosen = _write_theta(one, one.theta)
    assert row is not None
    if one.raced is None:
        accuracy = f"{round_off(100.0 * row['val_accuracy'], 2)} % on held-out images after the last epoch"
        judged = PHRASES[find_judge(one.run)]
        return f"{one.group}: {chosen} was chosen by the sweep's one seed ({accuracy}; judged {judged})."
    race = one.raced.race
    field = format_count(len(race.stages[0].field), "configuration")
    if race.winner is None:
        done = f"{len(race.trained)} of {race.planned} trainings"
        return f"{one.group}: the race of {field} is not finished ({done}); ahead is {chosen}."
    mean = f"{round_off(100.0 * row['choice_accuracy'], 2)} % over {format_count(int(row['choice_seeds']), 'seed')}"
    judged = PHRASES[find_race_judge(one.run)]
    said = f"{one.group}: {chosen} won the race of {field}, with {mean} on held-out images {judged}"
    if failed := race.stages[-1].seeds - int(row["choice_seeds"]):
        said += f" ({format_count(failed, 'further seed')} failed)"
    if leads := one.raced.leads:
        ahead = round_off(100.0 * sum(leads) / len(leads), 2)
        said += f", {ahead} points ahead of its last rival over {format_count(len(leads), 'seed')}"
    return f"{said}. {_describe_single(one)}"


def _describe_single(one: Candidate) -> str:
    """What the sweep's one seed would have taken."""
    assert one.raced is not None
    single = _find_single(one)
    accuracy = f"{round_off(100.0 * single['val_accuracy'], 2)} % after the last epoch there"
    if one.incumbent is not None and single["config_id"] == one.incumbent["config_id"]:
        return f"A single seed would have taken the same ({accuracy})."
    found = one.raced.list_accuracies(str(single["config_id"]))
    over = f"{format_count(len(found), 'seed')} of the race"
    over = f"{round_off(100.0 * sum(found) / len(found), 2)} % over {over}" if found else over
    theta = {name: single[name] for name in one.hyperparameters}
    return f"A single seed would have taken {_write_theta(one, theta)} ({accuracy}, {over})."


def _write_theta(one: Candidate, theta: dict[str, object]) -> str:
    return format_theta(theta, one.hyperparameters != [*NAMES])


def name_rule(run: Run) -> str:
    """By which rule a run chose its configurations; empty where it searched nothing."""
    finalists = run.spec.get("finalists")
    if not run.spec.get("samples"):
        return ""
    if not finalists:
        return f"Chosen by the highest validation accuracy {PHRASES[find_judge(run)]} on the sweep's one seed."
    seeds, judged = format_count(run.spec["choice_seeds"], "further seed"), PHRASES[find_race_judge(run)]
    return (
        f"Chosen by a race: the {finalists} best of the sweep's one seed on up to {seeds}, by mean validation accuracy "
        f"{judged}."
    )


def write_choice_notes(run: Run, candidates: Sequence[Candidate]) -> list[str]:
    """The notes of a table of accuracies: the rule, and what a single seed would have taken in place of the winner."""
    raced = [one for one in candidates if one.raced is not None and one.incumbent is not None]
    rule = name_rule(run)
    finished = [one for one in raced if one.raced is not None and one.raced.race.winner is not None]
    behind = [one.group for one in raced if one not in finished]
    said = [f"{one.group}: {_describe_single(one).replace('A', 'a', 1)}" for one in finished]
    failed = sum(one.raced.count_failed() for one in raced if one.raced is not None)
    if failed:
        said.append(
            f"{format_count(failed, 'training')} of the race failed and left a seed out; --retry-failed trains again."
        )
    unfinished = [f"The race is not finished: {', '.join(behind)}."] if behind else []
    return [*([rule] if rule else []), *said, *unfinished]


def _display(frame: pd.DataFrame) -> tuple[pd.DataFrame, frozenset[str]]:
    names = [str(name) for name in frame if name not in ("group", *NUMBERS, "single")]
    numbers = (
        show_number("seeds", "seeds"),
        show_number("mean", "mean_percent", 2),
        show_number("std", "std_percent", 2),
        show_number("lowest", "lowest_percent", 2),
        show_number("sweep", "sweep_percent", 2),
        Column("single seed takes", lambda row: "yes" if row["single"] else "", right=False),
    )
    return make_display((show_words("Architecture", "group"), *show_theta(frame, names), *numbers))(frame)


CHOICE = Table("choice", "The race of finalists over seeds, the winners first.", (), list_raced, _display)
