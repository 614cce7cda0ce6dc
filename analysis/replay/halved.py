"""What the records of a run with halving say of ASHA: which trials it would have promoted at the first rung."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd

from analysis.evidence import Candidate
from analysis.incumbents import find_single_choices
from analysis.judging import find_judge, judge_trials
from analysis.render.formats import write_grid
from analysis.replay.asha import Asha
from analysis.tables.table import make_display, show_number, show_percent, show_range, show_words
from spaces.common.errors import UserError, make_printable
from spaces.specs.run import RunSpec

COLUMNS = (
    show_words("Architecture", "group"),
    show_number("orders", "repeats"),
    show_number("trials", "trials"),
    show_number("halving promotes", "halved"),
    show_number("ASHA promotes", "passed", 1),
    show_number("of these without a record", "unknown", 1),
    show_percent("the pick is among them (%)", "kept", 1),
    show_number("behind by at most", "behind", 2),
    show_range("5 % to 95 %", "low", "high", 2),
)
NOTES = (
    "At the first rung halving has every trial's accuracy, which is all that ASHA judges by there, so which it "
    "promotes is known for any order in which trials arrive. Every order is taken to be equally likely.",
    "without a record: ASHA promotes some that halving stopped; what these would have reached is not known.",
    "the pick is among them: in how many of the orders ASHA promotes the configuration that halving's one seed "
    "chooses; its choice is then at least as good on held-out images.",
    "behind by at most: how many points the best that is promoted, of those with a record, is below that pick: the "
    "mean and the range over the orders. Those without a record could only make it less.",
)


def judge_first_rung(candidate: Candidate, repeats: int, seed: int) -> dict[str, float | str]:
    """Has ASHA judge the trials of a halving sweep at the first rung, in random orders of arrival.

    Args:
        candidate: an architecture of a finished run with halving and a single rung.
        repeats: how many orders.
        seed: decides them.

    Returns:
        ``group``, ``repeats``, ``trials``; how many went on by halving, ``halved``, and by ASHA on average,
        ``passed``, of which ``unknown`` have no record after the rung; the fraction ``kept`` of the orders in which the
        best of the sweep went on; ``behind``, by how many points the best known one that went on is below it, on
        average, with the percentiles ``low`` and ``high``; NaN where none is known.

    Raises:
        UserError: another scheduler, several rungs, or a sweep that has not ended.
    """
    run, name = candidate.run, candidate.architecture
    spec, where = RunSpec.from_dict(run.spec), f"{make_printable(run.path)}: {name}"
    rungs = spec.list_rungs()
    if spec.scheduler != "halving" or len(rungs) != 1:
        raise UserError(f"{where}: give a run of --scheduler halving with one rung; it has {len(rungs)}")
    behind = run.list_behind({name: run.planned[name]})
    if behind:
        raise UserError(f"{where}: {behind[0]} trials have ended; run the sweep again")
    rows = candidate.epochs[(candidate.epochs["phase"] == "sweep") & (candidate.epochs["epoch"] == rungs[0])]
    reached = rows.set_index("trial_id")["val_accuracy"].fillna(0.0)  # As ASHA takes one that diverges there.
    sweep = candidate.sweep.set_index("trial_id").loc[reached.index]
    choices = find_single_choices(run)
    if name not in choices.index:
        raise UserError(f"{where}: no trial was trained to the end")
    whole = (sweep["status"] == "completed").to_numpy()
    judged = judge_trials(run, "val_accuracy", find_judge(run)).reindex(sweep.index)
    final = np.where(whole, judged.to_numpy(float), np.nan)
    recorded = (sweep["epoch"] > rungs[0]).to_numpy()
    ended = ~recorded & (sweep["status"] != "stopped").to_numpy()  # In the very epoch of the rung: judged, and over.
    pick = int(np.flatnonzero(reached.index == choices.loc[name, "trial_id"])[0])
    accuracies = reached.to_numpy(dtype=float)
    passed, unknown, kept, missed = [], [], 0, []
    for number_of_order in range(repeats):
        order = np.random.default_rng([seed, number_of_order]).permutation(len(reached))
        rule = Asha(rungs, spec.reduction_factor)
        stays = [place for place in order if rule.judge(rungs[0], float(accuracies[place]))]
        on = np.array([place for place in stays if not ended[place]], dtype=int)
        passed.append(len(on))
        unknown.append(int((~recorded[on]).sum()))
        kept += int(pick in on)
        known = final[on][~np.isnan(final[on])]
        missed.append(100 * (final[pick] - known.max()) if len(known) else np.nan)
    some = not np.isnan(missed).any()
    return {
        "group": candidate.group,
        "repeats": repeats,
        "trials": len(reached),
        "halved": int(recorded.sum()),
        "passed": float(np.mean(passed)),
        "unknown": float(np.mean(unknown)),
        "kept": kept / repeats,
        "behind": float(np.mean(missed)),
        "low": float(np.percentile(missed, 5)) if some else np.nan,
        "high": float(np.percentile(missed, 95)) if some else np.nan,
    }


def write_judged(rows: Sequence[dict[str, float | str]]) -> str:
    """The table as Markdown, with what is assumed below it."""
    cells, right = make_display(COLUMNS)(pd.DataFrame(rows))
    title = "What ASHA would have promoted at the first rung, from the records of halving."
    return "\n".join([title, "", write_grid(cells, right), "", *(f"- {note}" for note in NOTES)]) + "\n"
