"""What the numbers say, and what a run still lacks, in plain sentences."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence, find_lost, list_samples
from analysis.progress.status import summarize_progress
from analysis.records.reader import Run
from analysis.records.schema import make_records
from analysis.report.untested import list_untested
from analysis.stats.breakdowns import count_broken, find_breakdowns, list_outcomes
from analysis.stats.fairness import judge_fairness
from analysis.stats.importance import measure_importance
from analysis.stats.ranking import rank_networks
from analysis.stats.samples import LOST
from analysis.tables.choice import describe_choices
from analysis.tables.equivalence import compare_with_published, explain_less, name_unsettled
from analysis.tables.gaps import build_gaps
from analysis.tables.luck import say_if_luck_matters
from analysis.tables.replicates import summarize_replicates
from analysis.tables.table import format_least, format_probability, format_seeds, round_off
from spaces.common.wording import format_count, join_words

SAID = 10  # How many damaged files are named.
WAITING = "No rerun has finished, so nothing can be said about accuracy yet."
UNITS = {"sweep": "configuration", "choice": "race training", "rerun": "rerun"}
LR_MOST = "lr"  # Table 1.3: "we found that lr was the most important hyperparameter to choose correctly".
FEW = 2  # So few networks that the answer itself says everything about them.
CHOICE, UNTESTED = "The choice of the configurations", "What was not tested"
SHORT = {  # What became of a published mean -> the same of several.
    "reproduced": "reproduced within {margin:g} points",
    "close but different": "reproduced within {margin:g} points, though ours differ",
    "differs": "not reproduced",
    "inconclusive": "neither reproduced nor refuted",
    "not tested": "not tested",
}


@dataclass
class Summary:
    """What the numbers say: the answer, and then the details of each network and of the whole, which may be folded."""

    answer: list[str] = field(default_factory=list)
    details: dict[str, list[str]] = field(default_factory=dict)  # A network, or another heading -> its sentences.

    def add(self, heading: str, sentence: str) -> None:
        """Adds a sentence to the details below a heading; they keep the order of their first sentences."""
        self.details.setdefault(heading, []).append(sentence)

    @property
    def sentences(self) -> list[str]:
        """All of them in their order."""
        return [*self.answer, *(line for lines in self.details.values() for line in lines)]


def summarize(evidence: Evidence) -> Summary:
    """Answers a reader's first questions: what is better, is it reproduced, was the search fair, what mattered."""
    several = len(evidence.by_data) > 1
    said = Summary(["The runs are on different data, so only networks on the same data are compared."] * several)
    said.answer += evidence.repeats if evidence.by_data else [WAITING]
    repeated = summarize_replicates(evidence)
    for data, found in evidence.by_data.items() if not repeated else ():
        _say_ahead(said, found, evidence.detectable[data], f"On {data}, " if several else "")
    said.answer += repeated or say_if_luck_matters(evidence)
    said.answer += evidence.remarks
    _say_what_reproduced(said, evidence)
    _say_whether_fair(said, evidence)
    _say_what_mattered(said, evidence)
    for line in describe_choices(evidence) if any(run.spec.get("finalists") for run in evidence.runs) else ():
        said.add(CHOICE, line)
    for line in list_untested(evidence):
        said.add(UNTESTED, line)
    return said


def explain_missing(run: Run, start: str = "") -> list[str]:
    """One sentence for everything that was asked for and has not ended, was lost, or cannot be read.

    ``start`` stands before each and tells the runs apart.
    """
    said = []
    for row in make_records(summarize_progress(run)):
        ended = row["completed"] + row["stopped"] + row["diverged"] + row["failed"]
        what, whose = UNITS[row["phase"]], f"{start}{row['architecture']}: "
        if ended < row["planned"]:
            begun = f"; unfinished: {row['unfinished']}" if row["unfinished"] else ""
            said.append(f"{whose}{ended} of {format_count(row['planned'], what)} ended{begun}.")
        if row["failed"] and row["phase"] != "rerun":
            said.append(f"{whose}{format_count(row['failed'], what)} failed.")
    if not run.trials["phase"].eq("rerun").any() and run.spec.get("rerun_seeds"):
        said.append(f"{start}No rerun has begun yet; invsearch rerun starts them.")
    said += [f"{start}{path} cannot be read and was left out: {reason}." for path, reason in run.damaged[:SAID]]
    if len(run.damaged) > SAID:
        said.append(f"{start}{len(run.damaged) - SAID} more files cannot be read.")
    return said


def _say_ahead(said: Summary, found: list[Candidate], compared: pd.DataFrame, where: str) -> None:
    """Which network is ahead among those on the same data; one that lost seeds is not compared with others."""
    ranked = make_records(rank_networks(list_samples(found), compared, lost := find_lost(found)))
    best = ranked[0]
    if best["group"] in lost:
        none = "no network has kept all its seeds, so none can be said to be ahead."
        said.answer.append(f"{where}{none}" if where else none.capitalize())
        return
    reruns = next(one.reruns for one in found if one.group == best["group"])
    mean = _format_mean(best | {"low": reruns.summary.low, "high": reruns.summary.high}, reruns.asked)
    if len(ranked) == 1:
        said.answer.append(f"{where}{best['group']} reaches {mean}; there is nothing to compare it with.")
        return
    among = " of those that lost no seed" if lost else ""
    equal = [row["group"] for row in ranked[1:] if row["mean"] == best["mean"] and row["group"] not in lost]
    shared = f", which {join_words(equal)} also {'reaches' if len(equal) == 1 else 'reach'}" if equal else ""
    said.answer.append(f"{where}{best['group']} has the highest mean test accuracy{among}{shared}: {mean}.")
    others: dict[str, list[str]] = {}
    for row in make_records(compared[(compared["first"] == best["group"]) | (compared["second"] == best["group"])]):
        sign = 1 if row["first"] == best["group"] else -1
        other = row["second"] if sign == 1 else row["first"]
        start, sentence = _compare(row, sign, other)
        others.setdefault(start, []).append(other)
        if len(ranked) <= FEW:
            said.answer.append(f"It {sentence}")
        else:
            said.add(other, f"{best['group']} {sentence}")
    if len(ranked) > FEW:
        said.answer.append(f"It {'; it '.join(f'{start} {join_words(names)}' for start, names in others.items())}.")


def _compare(row: dict[str, Any], sign: int, other: str) -> tuple[str, str]:
    """How the leader compares with another network: in a few words before the other's name, and in full."""
    low, high = sorted((sign * row["low"], sign * row["high"]))
    by = f"{round_off(sign * row['difference'], 2)} points"
    between = f"95 % CI {round_off(low, 2)} to {round_off(high, 2)}, Holm-corrected p {_say_p(row['p_holm'])}"
    if row["untested"] == LOST:
        return "is not compared with", f"is not compared with {other}, which lost seeds."
    if row["untested"]:
        ahead = f"{by} ahead of {other}" if row["difference"] else f"level with {other}"
        return "was not tested against", f"is {ahead}, but the two were not tested, since {row['untested']}."
    if row["differs"]:
        size = "" if row["g"] != row["g"] else f", Hedges' g {round_off(abs(row['g']), 1)}"
        return "is better than", f"is better than {other} by {by} ({between}{size})."
    shown = f"; these seeds would have shown a difference of {format_least(row['detectable'], 2)} points with a "
    shown = f"{shown}probability of 80 %" if row["detectable"] == row["detectable"] else ""  # Not of seeds that broke.
    start = "does not differ significantly from"
    return start, f"{start} {other}: {by} ({between}){shown}."


def _say_what_reproduced(said: Summary, evidence: Evidence) -> None:
    frame, notes = compare_with_published(evidence)
    if not len(frame):
        said.answer += notes[:1]
        return
    few, groups = len(frame) <= FEW, {}
    for row in make_records(frame):
        more = name_unsettled(row) or "if this difference lasts, more seeds of ours would tell"
        ends = {
            "reproduced": f"is reproduced within {evidence.margin:g} points",
            "close but different": f"is reproduced within {evidence.margin:g} points, and yet ours differs",
            "differs": "is not reproduced: ours differs",
            "inconclusive": f"is neither reproduced nor refuted within {evidence.margin:g} points; {more}",
            "not tested": f"was not tested, since {row['untested']}",
        }
        known = [f"90 % CI {round_off(row['low'], 2)} to {round_off(row['high'], 2)}"]
        if row["untested"]:
            known = [f"{format_seeds(row)} seeds ended"]
        if row["difference"] == row["difference"]:
            known.insert(0, f"ours minus published {round_off(row['difference'], 2, sign=True)}")
        published = f"The published {row['published_mean']:.1f} % of {row['group']}"
        sentence = f"{published} {ends[row['conclusion']]} ({', '.join(known)})."
        groups.setdefault(row["conclusion"], []).append(row["group"])
        if few:
            said.answer.append(sentence)
        else:
            said.add(row["group"], sentence)
    if not few:
        many = [
            f"{len(groups[name])} {'is' if len(groups[name]) == 1 else 'are'} {short.format(margin=evidence.margin)} "
            f"({', '.join(groups[name])})"
            for name, short in SHORT.items()
            if name in groups
        ]
        said.answer.append(f"Of the {len(frame)} published means {join_words(many, mark=';')}.")
    said.answer += _say_which_gaps(evidence)
    if asked := explain_less(evidence):
        said.answer.append(f"These runs fall short of the published protocol. {' '.join(asked)}")


def _say_which_gaps(evidence: Evidence) -> list[str]:
    """Of two networks what became of the published difference; of more, of how many differences."""
    frame, _ = build_gaps(evidence)
    if len(frame) > 1:
        counts = frame["conclusion"].value_counts().items()
        said = {"differs": "differ"}
        many = ", ".join(f"{count} {said.get(str(name), name) if count > 1 else name}" for name, count in counts)
        among = f"the {len(frame)} published differences between these networks"
        return [f"Of {among}, at a margin of {evidence.margin:g} points: {many}."]
    return [
        f"The published difference of {row['first']} and {row['second']} is "
        f"{round_off(row['published'], 1, sign=True)} points, ours {round_off(row['ours'], 2, sign=True)}: "
        f"{row['conclusion']} "
        f"({round_off(row['difference'], 2, sign=True)}, 90 % CI {round_off(row['low'], 2)} to "
        f"{round_off(row['high'], 2)})."
        for row in make_records(frame)
        if not row["untested"]
    ]


def _say_whether_fair(said: Summary, evidence: Evidence) -> None:
    for candidate in evidence.candidates:
        if not len(candidate.sweep):
            continue
        one, seeds = judge_fairness(candidate), candidate.race_seeds
        broke = f"{round_off(100 * one.diverged, 1)} % diverged and {round_off(100 * one.collapsed, 1)} % collapsed"
        parts = [f"{one.ended} of {one.planned} configurations ended", *[broke] * (one.ended > 0)]
        if one.gap == one.gap:
            gap = f"{round_off(one.gap, 2, sign=True)} points: {'' if seeds else 'luck, '}other images, more training"
            on = f"{format_count(seeds, 'seed')} of its race" if seeds else "one seed"
            chosen, reached = round_off(one.selected, 2), round_off(one.rerun, 2)
            parts.append(
                f"the incumbent was chosen at {chosen} % on {on} and reached {reached} % on fresh ones ({gap})"
            )
        if one.near == one.near:
            others = int(one.near) - 1
            many = format_count(others, "other configuration") if others else "no other configuration"
            it = "the best on the sweep's seed" if seeds else "it"
            parts.append(f"{many} came as close to {it} as two seeds of one configuration come to each other")
        if one.edges:
            they = "it lies" if one.near == 1 else "all of these lie"
            parts.append(f"{they} on the edge of the searched range: {', '.join(one.edges)}")
        said.add(one.group, f"The search of {one.group}: {'; '.join(parts)}.")


def _say_what_mattered(said: Summary, evidence: Evidence) -> None:
    """Two answers per network: what decides which trainings break down, and what changes the others' accuracy."""
    for one in (one for one in evidence.candidates if len(list_outcomes(one))):
        table, deciding = list_outcomes(one), find_breakdowns(one).query("matters")
        effects, where, _ = measure_importance(one)
        if table["broke"].any():
            levels = " and ".join(f"{row['term']} ({row['by_level']})" for row in make_records(deciding))
            line = f"{one.group}: {count_broken(table)}" + (f"; that depends on {levels}" if levels else "")
            said.add(one.group, line + (", as the chapter says." if list(deciding["term"]) == [LR_MOST] else "."))
        if len(effects):
            among = f"{one.group}: among the {(~table['broke']).sum()} configurations that did not break down,"
            said.add(one.group, f"{among} {_say_what_changed(effects, where, set(deciding['term']))}")


def _say_what_changed(effects: pd.DataFrame, where: str, deciding: set[str]) -> str:
    """What changes the accuracy of the configurations that did not break down."""
    ordered = effects.sort_values("share", ascending=False, kind="stable")
    mattering = ordered[ordered["matters"]]
    if not len(mattering):
        return "no effect on validation accuracy was found."
    named = mattering["term"].str.replace(":", " with ")
    shares = [f"{term} {100 * share:.0f} %" for term, share in zip(named, mattering["share"], strict=True) if share > 0]
    line = f"validation accuracy depends on {', '.join(named)}"
    line += f"; shares of its variance over {where}: {', '.join(shares[:3])}." if shares else "."
    other = ":".join(effects["term"][effects["matters"] | effects["p_holm"].isna()]).split(":")
    idle = [name for name in effects["term"] if ":" not in name and name not in {*deciding, *other}]
    return line + (f" No effect of {', '.join(idle)} was found." if idle else "")


def _format_mean(row: dict[str, Any], asked: int) -> str:
    interval = f", 95 % CI {row['low']:.2f} to {row['high']:.2f}" if row["low"] == row["low"] else ""
    among = "" if row["n"] == asked else f"{row['n']} of "
    return f"{row['mean']:.2f} % over {among}{format_count(asked, 'seed')}{interval}"


def _say_p(p: float) -> str:
    text = format_probability(p)
    return text if text.startswith("<") else f"= {text}"
