"""Two runs side by side: what was asked differently, whether they are the same to the bit, and what came out."""

from __future__ import annotations

import itertools
import math
import textwrap
from collections.abc import Mapping
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, find_data, gather, share_trials
from analysis.exactness import compare_exactly
from analysis.records.reader import Run
from analysis.render.cells import format_cell
from analysis.render.formats import write_grid
from analysis.render.narrow import stack_columns
from analysis.stats.outcomes import compare_outcomes
from analysis.stats.samples import (
    ALPHA,
    LOST,
    Difference,
    compare_by_welch,
    correct_by_holm,
    explain_untested,
    summarize,
)
from analysis.tables.table import (
    Column,
    format_seeds,
    make_display,
    show_number,
    show_p,
    show_range,
    show_test,
    show_words,
)
from spaces.common.errors import shorten
from spaces.common.wording import format_count

# Older runs lack classes; data_hash tells them, and the names of architectures of one's own hold their digests.
UNIMPORTANT = ("format", "checksum", "classes", "own", "data_source")
ELSEWHERE = "the runs are on different data"
ONE = "only one of the runs has it"
SHARED = "they share trials, with the same results"

WORDS = {"data_hash": "data", "split_seed": "split seed", "max_epochs": "epochs"}

SAME = {True: "yes", False: "no", None: "-"}
COLUMNS = (
    show_words("Architecture", "architecture"),
    show_number("A selected", "first_selected", 2),
    show_number("A mean", "first_mean", 2),
    show_number("A std", "first_std", 2),
    Column("A n", lambda row: format_seeds(row, "first_") if row["first_asked"] else "-"),
    show_number("B selected", "second_selected", 2),
    show_number("B mean", "second_mean", 2),
    show_number("B std", "second_std", 2),
    Column("B n", lambda row: format_seeds(row, "second_") if row["second_asked"] else "-"),
    Column("same theta", lambda row: SAME[row["same_theta"]], right=False),
    show_number("B - A", "difference", 2, sign=True),
    show_range("95 % CI", "low", "high", 2),
    show_p("p (Holm)", "p_holm"),
    show_test("differs"),
)


def compare_runs(first: Run, second: Run, width: int | None = None) -> str:
    """The whole comparison as text: exactness, settings, outcomes, and a sentence of what to make of them.

    Args:
        first: a run, A in the text.
        second: another one, B.
        width: columns of the terminal; tables that are wider go on below. None is no limit.
    """
    asked = list_settings(first, second)
    cells, right = make_display(COLUMNS)(found := list_outcomes(first, second))
    settings = asked.rename(columns={"first": "A", "second": "B"})
    if width is not None:
        room = max(16, (width - 10 - max([7, *map(len, settings["setting"])])) // 2)
        settings = settings.assign(**{side: settings[side].map(lambda cell: shorten(str(cell), room)) for side in "AB"})
    grids = stack_columns(cells, width, lambda part: write_grid(part, [name for name in right if name in part]))
    text = "\n".join(
        [
            f"A: {first.path}",
            f"B: {second.path}",
            "",
            *compare_exactly(first, second, list(asked["setting"]))[1],
            "",
            write_grid(settings) if len(asked) else "The same was asked of both.",
            "",
            "\n\n".join(grids),
            "",
            *_conclude(first, second, found),
        ]
    )
    if width is None:
        return text
    lines = [[line] if line.startswith("|") else textwrap.wrap(line, width) or [""] for line in text.splitlines()]
    return "\n".join(itertools.chain(*lines))


def list_settings(first: Run, second: Run) -> pd.DataFrame:
    """The fields of the two specs that differ, as ``setting``, ``first``, ``second`` (text); of a space its members."""
    ours, theirs = _flatten(first.spec), _flatten(second.spec)
    rows = [
        (name, _write_text(ours.get(name)), _write_text(theirs.get(name)))
        for name in {**ours, **theirs}
        if ours.get(name) != theirs.get(name)
    ]
    return pd.DataFrame(rows, columns=["setting", "first", "second"])


def _flatten(spec: Mapping[str, Any]) -> dict[str, Any]:
    """A spec with a field for each member of its mappings: in one cell a space is wider than a screen."""
    found = {name: value if isinstance(value, Mapping) else {"": value} for name, value in spec.items()}
    return {
        f"{WORDS.get(name, name).replace('_', ' ')} {member}".rstrip(): value
        for name, members in found.items()
        if name not in UNIMPORTANT
        for member, value in members.items()
    }


def list_outcomes(first: Run, second: Run) -> pd.DataFrame:
    """Architecture by architecture: the reruns of both runs and a test between them.

    Returns:
        One row per architecture of either run: ``architecture``; ``first_selected``, the validation accuracy of the
        incumbent, ``first_mean``, ``first_std``, ``first_n`` of ``first_asked`` and the same of the second, in
        percent; ``same_theta``, whether both chose the same configuration (None where one chose none); ``difference``
        (second minus first, in points) with its 95 % interval ``low`` to ``high``; ``p_holm``, the p-value of Welch's
        test, or where seeds broke down of a permutation test, corrected over the architectures; ``differs``, at 5 %;
        and why it is ``untested``, empty where it was tested.
    """
    evidence = gather([first, second])
    found = {(id(one.run), one.architecture): one for one in evidence.candidates}
    rows = []
    for name in dict.fromkeys(one.architecture for one in evidence.candidates):
        ours, theirs = (found.get((id(run), name)) for run in (first, second))
        why = _explain_untested(ours, theirs)
        compared = compare_by_welch(
            _collect_accuracies(theirs), _collect_accuracies(ours), lost=why in (LOST, ELSEWHERE)
        )
        if not why and ours and theirs and (ours.reruns.broken or theirs.reruns.broken):
            compared = compare_outcomes(theirs.accuracies, ours.accuracies, theirs.reruns.guarded, ours.reruns.guarded)
        if why:
            compared = Difference(compared.difference, *[math.nan] * 3)
        rows.append(
            {
                "architecture": name,
                **_summarize("first", ours),
                **_summarize("second", theirs),
                "same_theta": _have_same_theta(ours, theirs),
                **compared._asdict(),
                "untested": why,
            }
        )
    frame = pd.DataFrame(rows)
    frame["p_holm"] = correct_by_holm(frame["p"])
    return frame.assign(differs=frame["p_holm"] < ALPHA)


def _conclude(first: Run, second: Run, found: pd.DataFrame) -> list[str]:
    tested = found[found["p"].notna()]
    said = [
        "selected: validation accuracy in percent by which the incumbent was chosen; mean and std: test accuracy in "
        "percent over the reruns that ended; n: how many ended of those asked for."
    ]
    if len(tested):
        over = format_count(len(tested), "architecture")
        said.append(f"p is Welch's, or a permutation test's where seeds broke down, Holm-corrected over {over}.")
    for differs, start in ((True, "Different"), (False, "Not shown to differ")):
        if names := list(tested.loc[tested["differs"] == differs, "architecture"]):
            said.append(f"{start} beyond chance at 5 %: {', '.join(names)}.")
    said += [
        f"Not tested, since {why}: {', '.join(found.loc[found['untested'] == why, 'architecture'])}."
        for why in dict.fromkeys(found["untested"])
        if why
    ]
    return [*said, *gather([first, second]).remarks]


def _explain_untested(ours: Candidate | None, theirs: Candidate | None) -> str:
    """Why the two are not tested; empty where they are."""
    if ours is None or theirs is None:
        return ONE
    if find_data(ours.run) != find_data(theirs.run):
        return ELSEWHERE
    if share_trials(ours, theirs):
        return SHARED
    return explain_untested(ours.accuracies, theirs.accuracies, bool(ours.reruns.lost or theirs.reruns.lost))


def _collect_accuracies(one: Candidate | None) -> np.ndarray:
    return np.array([]) if one is None else one.accuracies


def _summarize(side: str, one: Candidate | None) -> dict[str, Any]:
    found = summarize(_collect_accuracies(one))
    asked, selected = (0, math.nan) if one is None else (one.reruns.asked, one.selected)
    known = {"selected": selected, "mean": found.mean, "std": found.std, "n": found.n, "asked": asked}
    return {f"{side}_{name}": value for name, value in known.items()}


def _have_same_theta(ours: Candidate | None, theirs: Candidate | None) -> bool | None:
    if ours is None or theirs is None or ours.theta is None or theirs.theta is None:
        return None
    return ours.theta == theirs.theta


def _write_text(value: Any) -> str:
    """A setting in words: no JSON."""
    if value is None:
        return "-"
    if isinstance(value, Mapping):
        return ", ".join(f"{name} {_write_text(member)}" for name, member in value.items())
    if isinstance(value, list | tuple):
        return ", ".join(map(_write_text, value))
    return format_cell(value)
