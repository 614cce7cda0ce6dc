"""The verdict in plain sentences, made from the numbers and from nothing else."""

from __future__ import annotations

import pandas as pd

from analysis.evidence import Evidence
from analysis.fairness import fairness
from analysis.importance import importance
from analysis.pairs import pairs
from analysis.ranking import ranking
from analysis.tables.columns import probability, rounded
from analysis.tables.equivalence import against_published
from spaces.hyperparameters import NAMES

LR_MOST = "lr"  # Table 1.3: "we found that lr was the most important hyperparameter to choose correctly".


def verdict(evidence: Evidence) -> list[str]:
    """Answers what a reader asks first: who is better, is it reproduced, was the search fair, what mattered."""
    return [
        *_who_is_ahead(evidence),
        *_reproduced(evidence),
        *_was_it_fair(evidence),
        *_what_mattered(evidence),
        *_different_data(evidence),
    ]


def _who_is_ahead(evidence: Evidence) -> list[str]:
    samples = evidence.samples
    if not samples:
        return ["No rerun has finished, so nothing can be said about accuracy yet."]
    compared = pairs(samples)
    ranked = ranking(samples, compared)
    best = ranked.iloc[0]
    if len(ranked) == 1:
        return [f"{best['group']} reaches {_mean(best)}; there is nothing to compare it with."]
    said = [f"{best['group']} has the highest mean test accuracy: {_mean(best)}."]
    for row in compared[(compared["first"] == best["group"]) | (compared["second"] == best["group"])].to_dict(
        "records"
    ):
        sign = 1 if row["first"] == best["group"] else -1
        other = row["second"] if sign == 1 else row["first"]
        low, high = sorted((sign * row["low"], sign * row["high"]))
        by = f"{rounded(sign * row['difference'], 2)} points"
        between = f"95 % CI {rounded(low, 2)} to {rounded(high, 2)}, Holm-corrected p {_p(row['p_holm'])}"
        if row["p_holm"] != row["p_holm"]:
            said.append(f"It is {by} ahead of {other}, which too few seeds can judge.")
        elif row["differs"]:
            said.append(f"It is better than {other} by {by} ({between}, Hedges' g {rounded(abs(row['g']), 1)}).")
        else:
            said.append(
                f"It cannot be told apart from {other}: {by} ({between}); "
                f"if the difference is real, {_seeds(row['seeds'])} would show it."
            )
    return said


def _reproduced(evidence: Evidence) -> list[str]:
    frame, notes = against_published(evidence)
    if not len(frame):
        return notes[:1]
    ends = {
        "reproduced": f"is reproduced within {evidence.margin:g} points",
        "differs": "is not reproduced: ours differs",
        "inconclusive": f"is neither reproduced nor refuted within {evidence.margin:g} points; more seeds would tell",
    }
    return [
        f"The published {row['published_mean']:.1f} % of {row['group']} {ends[row['verdict']]} "
        f"(ours minus published {rounded(row['difference'], 2, sign=True)}, "
        f"90 % CI {rounded(row['low'], 2)} to {rounded(row['high'], 2)})."
        for row in frame.to_dict("records")
    ]


def _was_it_fair(evidence: Evidence) -> list[str]:
    said = []
    for one in (fairness(candidate) for candidate in evidence.candidates if len(candidate.sweep)):
        parts = [f"{one.ended} of {one.planned} configurations ended", f"{rounded(100 * one.diverged, 1)} % diverged"]
        if one.curse == one.curse:
            parts.append(
                f"the incumbent was chosen at {rounded(one.selected, 2)} % on one seed and reached "
                f"{rounded(one.rerun, 2)} % on fresh ones (winner's curse {rounded(one.curse, 2, sign=True)} points)"
            )
        if one.near == one.near:
            others = int(one.near) - 1
            many = f"{others} other configuration{'s' * (others != 1)}" if others else "no other configuration"
            parts.append(f"{many} came within one standard deviation of a rerun of it")
        if one.edges:
            parts.append(f"it lies on the edge of the searched range: {', '.join(one.edges)}")
        said.append(f"The search of {one.group}: {'; '.join(parts)}.")
    return said


def _what_mattered(evidence: Evidence) -> list[str]:
    said = []
    for candidate in evidence.candidates:
        found = importance(candidate)
        if not len(found):
            continue
        single = found[found["term"].isin(NAMES)].sort_values("share", ascending=False, kind="stable")
        first, second = single.iloc[0], single.iloc[min(1, len(single) - 1)]
        holds = "as the text says" if first["term"] == LR_MOST else f"unlike the text, which says {LR_MOST}"
        line = (
            f"For {candidate.group} {first['term']} mattered most, {holds}: {_share(first)} of the variance of "
            f"validation accuracy, next {second['term']} with {_share(second)}"
        )
        crossed = found[~found["term"].isin(NAMES)].sort_values("share", ascending=False, kind="stable")
        if len(crossed) and bool(crossed.iloc[0]["matters"]):
            line += f"; {crossed.iloc[0]['term'].replace(':', ' and ')} together beyond that {_share(crossed.iloc[0])}"
        idle = [name for name in single["term"] if not _matters(found, name)]
        said.append(f"{line}." + (f" No effect was found of {' and '.join(idle)}." if idle else ""))
    return said


def _different_data(evidence: Evidence) -> list[str]:
    names = {run.spec["dataset"] for run in evidence.runs}
    if len(names) < 2:
        return []
    return [
        f"The runs are on different data sets ({', '.join(sorted(names))}): their accuracies do not compare layers."
    ]


def _matters(found: pd.DataFrame, name: str) -> bool:
    """Whether a hyperparameter has an effect by itself or in any pair."""
    return any(
        matters and name in term.split(":") for term, matters in zip(found["term"], found["matters"], strict=True)
    )


def _mean(row: pd.Series) -> str:
    interval = f", 95 % CI {row['low']:.2f} to {row['high']:.2f}" if row["n"] > 1 else ""
    return f"{row['mean']:.2f} % over {row['n']} seed{'' if row['n'] == 1 else 's'}{interval}"


def _p(p: float) -> str:
    text = probability(p)
    return text if text.startswith("<") else f"= {text}"


def _seeds(seeds: float) -> str:
    return "more than 10,000 seeds each" if seeds == float("inf") else f"about {int(seeds)} seeds each"


def _share(row: pd.Series) -> str:
    return f"{100 * row['share']:.0f} %"
