"""Two runs side by side: what was asked differently, and what came out differently."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pandas as pd

from analysis.evidence import Candidate, gather
from analysis.formats import piped
from analysis.records import Run
from analysis.stats import ALPHA, Difference, holm, summarise, welch
from analysis.tables.columns import Column, between, number, p_value, shown, tested, words
from spaces.hyperparameters import NAMES
from spaces.wording import counted

UNIMPORTANT = ("format", "checksum")


SAME = {True: "yes", False: "no", None: "-"}
COLUMNS = (
    words("Architecture", "architecture"),
    number("A mean", "first_mean", 2),
    number("A std", "first_std", 2),
    number("A n", "first_n"),
    number("B mean", "second_mean", 2),
    number("B std", "second_std", 2),
    number("B n", "second_n"),
    Column("same theta", lambda row: SAME[row["same_theta"]], right=False),
    number("B - A", "difference", 2, sign=True),
    between("95 % CI", "low", "high", 2),
    p_value("p (Holm)", "p_holm"),
    Column("differs", lambda row: tested(row["p_holm"], row["differs"]), right=False),
)


def compared(first: Run, second: Run) -> str:
    """The whole comparison as text: settings, outcomes, and a sentence of what to make of them."""
    asked = settings(first, second)
    cells, right = shown(COLUMNS)(found := outcomes(first, second))
    sides = ["right" if name in right else "left" for name in cells]
    table = piped(asked.rename(columns={"first": "A", "second": "B"})).to_markdown(index=False, disable_numparse=True)
    return "\n".join(
        [
            f"A: {first.path}",
            f"B: {second.path}",
            "",
            table if len(asked) else "The same was asked of both.",
            "",
            piped(cells).to_markdown(index=False, disable_numparse=True, colalign=sides),
            "",
            *_conclusion(first, second, found),
        ]
    )


def settings(first: Run, second: Run) -> pd.DataFrame:
    """The fields of the two specs that differ, as ``setting``, ``first``, ``second`` (text)."""
    names = [name for name in {**first.spec, **second.spec} if name not in UNIMPORTANT]
    rows = [
        (name, _text(first.spec.get(name)), _text(second.spec.get(name)))
        for name in names
        if first.spec.get(name) != second.spec.get(name)
    ]
    return pd.DataFrame(rows, columns=["setting", "first", "second"])


def outcomes(first: Run, second: Run) -> pd.DataFrame:
    """Architecture by architecture: the reruns of both runs and Welch's test between them.

    Returns:
        One row per architecture of either run: ``architecture``; ``first_mean``, ``first_std``, ``first_n`` and the
        same of the second, in percent; ``same_theta``, whether both chose the same configuration (None where one
        chose none); ``difference`` (second minus first, in points) with its 95 % interval ``low`` to
        ``high``; ``p_holm``, Welch's p-value corrected over the architectures; and ``differs``, at 5 %.
    """
    evidence = gather([first, second])
    found = {(id(one.run), one.architecture): one for one in evidence.candidates}
    rows = []
    for name in dict.fromkeys(one.architecture for one in evidence.candidates):
        ours, theirs = (found.get((id(run), name)) for run in (first, second))
        compared = welch(_accuracies(theirs), _accuracies(ours))
        if any(one is not None and one.reruns.lost for one in (ours, theirs)):
            compared = Difference(compared.difference, *[math.nan] * 3)
        rows.append(
            {
                "architecture": name,
                **_summary("first", ours),
                **_summary("second", theirs),
                "same_theta": _same_theta(ours, theirs),
                **compared._asdict(),
            }
        )
    frame = pd.DataFrame(rows)
    frame["p_holm"] = holm(frame["p"])
    return frame.assign(differs=frame["p_holm"] < ALPHA)


def _conclusion(first: Run, second: Run, found: pd.DataFrame) -> list[str]:
    tested = int(found["p"].notna().sum())
    said = [
        "Test accuracy in percent over the finished reruns; Welch's test, Holm-corrected over the "
        f"{counted(tested, 'architecture')} that could be tested."
    ]
    if first.spec["dataset"] != second.spec["dataset"] or first.spec.get("data_hash") != second.spec.get("data_hash"):
        said.append("The runs are on different data, so differences of accuracy say nothing about the networks.")
    different = list(found.loc[found["differs"], "architecture"])
    if different:
        said.append(f"Different beyond chance at 5 %: {', '.join(different)}.")
    elif tested:
        said.append(f"None of the {tested} architectures with enough reruns in both differs beyond chance at 5 %.")
    else:
        said.append("No architecture has two finished reruns in both that are not all alike, with none lost.")
    return [*said, *gather([first, second]).lost]


def _accuracies(one: Candidate | None) -> np.ndarray:
    return np.array([]) if one is None else one.accuracies


def _summary(side: str, one: Candidate | None) -> dict[str, Any]:
    found = summarise(_accuracies(one))
    return {f"{side}_mean": found.mean, f"{side}_std": found.std, f"{side}_n": found.n}


def _same_theta(ours: Candidate | None, theirs: Candidate | None) -> bool | None:
    if ours is None or theirs is None or ours.incumbent is None or theirs.incumbent is None:
        return None
    return all(float(ours.incumbent[name]) == float(theirs.incumbent[name]) for name in NAMES)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    return value if isinstance(value, str) else json.dumps(value)
