"""What a search of a given size would have found, per architecture."""

from __future__ import annotations

from analysis.evidence import Evidence
from analysis.figures.figure import FEW, Axis, Drawing, Figure, Line, Panel
from analysis.stats.budget import BUDGETS, compute_budget_curve

BELOW = 8  # How many points below the worst of the final results the vertical axes begin.


def draw(evidence: Evidence) -> Drawing | str:
    """Draws the expected best validation accuracy against trials, epochs, seconds and multiplies."""
    curves = [(one, compute_budget_curve(one)) for one in evidence.candidates]
    curves = [(one, curve) for one, curve in curves if len(curve)]
    if not curves:
        return "No configuration of a sweep has ended."
    few = len(curves) <= FEW  # The bands of more would hide one another.
    best = [float(curve["mean"].iloc[-1]) for _, curve in curves]
    # Unlucky draws of a few configurations would squeeze all that matters.
    low, high = max(0.0, min(best) - BELOW), max(best)
    expected = Axis("expected best (%)", low=low, high=high + (high - low) / 20)
    panels = []
    for name, label in BUDGETS.items():
        marks = [
            Line(across, mean, one.group, *((worst, best) if few else ()), label=one.group)
            for one, curve in curves
            for across, mean, worst, best in [[curve[part].to_numpy() for part in (name, "mean", "low", "high")]]
            if curve[name].notna().to_numpy().all()
        ]
        if marks:
            panels.append(Panel("", Axis(label, log=True), expected, marks))
    band = ", with its 5 % to 95 % range" if few else ""
    caption = (
        f"Expected best validation accuracy of a random search of that size in the same space{band}: the "
        "configurations of this sweep, drawn without replacement (Dodge et al., 2019); diverged ones count as 0 %."
    )
    if any(run.spec.get("search") == "tpe" for run in evidence.runs):
        caption += " TPE builds its later proposals on earlier ones, so its curves only describe this sweep."
    if whole := [one.group for one, _ in curves if one.includes_classifier and one.cost is not None]:
        caption += f" Multiplies include those of the classifier in {', '.join(whole)}, and in no other network."
    return Drawing("budget", "What a smaller search would have found", caption, panels, 2, evidence.groups)


BUDGET = Figure("budget", draw)
