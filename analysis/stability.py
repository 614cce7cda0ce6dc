"""Stability of first stages under shifts and warps: a table and a drawing of what ``invsearch stability`` measured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from analysis.figures.figure import Axis, Drawing, Line, Panel

ORDERS = {1: "first order", 2: "second order"}
SUMMARY = {  # Columns of the table, and what each says.
    "stage": "stage",
    "layers": "layers",
    "shift 1": "shift by 1 px",
    "shift 4": "shift by 4 px",
    "warp 0.1": "warp of 0.1",
    "warp 0.5": "warp of 0.5",
    "k_shift": "K_L, shifts",
    "k_warp": "K_L, warps",
    "k": "K_L",
    "k_relative": "K_L of own output",
}
MOVES = {"shift": "shift (pixels)", "warp": "warp (norm of the gradient of tau)"}
NOTES = (
    "Shifts and warps: ||Phi(L_tau x) - Phi(x)|| / ||Phi(x)|| in percent, the mean over the images. A warp is smooth "
    "and random; its amount is the norm of the gradient of tau.",
    "K_L: the smallest with ||Phi(L_tau x) - Phi(x)|| <= K_L P F(tau) ||x|| (equation 1.2.10) for every image and "
    "displacement measured, F by equation 1.2.11 with P = J = the order. K_L of own output: with ||Phi(x)|| for ||x||, "
    "which does not reward a stage for making everything small.",
    "The text's bound is a statement about scattering; for the other stages it is the same quotient, to compare.",
)


def summarize(rows: Sequence[Mapping[str, Any]]) -> pd.DataFrame:
    """One row for each stage and scale, in the order of the measurements.

    Args:
        rows: of ``models.stability.measure``.

    Returns:
        Columns ``scale`` and those of ``SUMMARY``: mean changes in percent of the own output, and constants.
    """
    frame = pd.DataFrame(rows)
    moved = frame[frame["bound"] > 0].copy()
    moved["k"] = moved["change"] / (moved["scale"] * moved["bound"])
    moved["k_relative"] = moved["relative"] / (moved["scale"] * moved["bound"])
    found = []
    for (scale, stage, layers), part in moved.groupby(["scale", "stage", "layers"], sort=False):
        means = 100 * part.groupby(["kind", "amount"])["relative"].mean()
        found.append(
            {
                "scale": scale,
                "stage": stage,
                "layers": layers,
                **{f"{kind} {amount:g}": means.get((kind, amount)) for kind, amount in means.index},
                "k_shift": part.loc[part["kind"] == "shift", "k"].max(),
                "k_warp": part.loc[part["kind"] == "warp", "k"].max(),
                "k": part["k"].max(),
                "k_relative": part["k_relative"].max(),
            }
        )
    return pd.DataFrame(found)[["scale", *SUMMARY]]


def write_markdown(rows: Sequence[Mapping[str, Any]]) -> str:
    """The summary as Markdown: a table for each order, and notes."""
    whole, parts = summarize(rows), []
    for scale, part in whole.groupby("scale", sort=False):
        shown = part[list(SUMMARY)].copy()
        for name in SUMMARY:
            if name.startswith(("shift", "warp")):
                shown[name] = shown[name].map("{:.1f} %".format)
            elif name.startswith("k"):
                shown[name] = shown[name].map("{:.3f}".format)
        sides = ["left" if name in ("stage", "layers") else "right" for name in SUMMARY]
        body = shown.rename(columns=SUMMARY).to_markdown(index=False, disable_numparse=True, colalign=sides)
        parts.append(
            f"**J = P = {scale}: {ORDERS[int(str(scale))]}, 1/{2 ** int(str(scale))} of the size**\n\n{body}\n"
        )
    return "\n".join(parts) + "\n" + "\n".join(f"- {note}" for note in NOTES) + "\n"


def draw_stability(rows: Sequence[Mapping[str, Any]]) -> Drawing:
    """The mean changes: a row of panels for each order, shifts beside warps.

    Args:
        rows: of ``models.stability.measure``.
    """
    frame = pd.DataFrame(rows)
    means = 100 * frame.groupby(["scale", "kind", "stage", "amount"])["relative"].mean()
    stages = [str(stage) for stage in frame["stage"].unique()]
    panels = []
    for scale in frame["scale"].unique():
        change = Axis("change of the output (% of its norm)", low=0, high=1.05 * float(means[scale].max()))
        for kind, label in MOVES.items():
            curves = {stage: means[scale, kind, stage] for stage in stages}
            marks = [Line(list(one.index), list(one), stage, label=stage) for stage, one in curves.items()]
            panels.append(Panel(f"J = {scale}, {ORDERS[int(scale)]}", Axis(label, low=0), change, marks))
    return Drawing("stability", "Stability of first stages", "", panels, len(MOVES), tuple(stages))
