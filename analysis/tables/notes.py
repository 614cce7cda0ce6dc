"""The sentences below a table: what was counted, what may be compared, what was reduced."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

import pandas as pd

from analysis.evidence import Candidate, Evidence, list_remarks
from analysis.judging import LAST
from analysis.published.deep import HYBRIDS, SEEDS, find_swap
from analysis.published.mnist import PUBLISHED
from analysis.records.reader import Run
from analysis.records.schema import make_records
from analysis.stats.samples import ALPHA, correct_by_holm
from analysis.tables.choice import write_choice_notes
from spaces.common.wording import format_count
from spaces.specs import protocol
from spaces.specs.protocol import JUDGES

Row = dict[str, Any]
WAITING = "No rerun has finished yet; invsearch rerun trains them."
HOPELESS = "There is nothing to rerun: no configuration of the search was trained to the end."

# The protocol of Tables 1.3 and 1.4: (field of the spec, how many, of what, rest). Data with a recipe follow it.
PROTOCOL = (
    ("samples", protocol.SAMPLES, "configuration", " per architecture"),
    ("max_epochs", protocol.MAX_EPOCHS, "epoch", " per configuration"),
    ("rerun_seeds", protocol.SEEDS, "rerun seed", ""),
    ("rerun_epochs", protocol.MAX_EPOCHS, "epoch", " per rerun"),
)


def write_notes(evidence: Evidence, run: Run, frame: pd.DataFrame, start: str = "") -> list[str]:
    """The notes of an accuracy table.

    Args:
        evidence: the runs of the command.
        run: the one that it was made from.
        frame: what ``build_accuracy_rows`` returned.
        start: what the notes begin with, as the names of candidates do already.
    """
    rows = make_records(frame)
    of = evidence.find_candidates(run)
    finished = [row for row in rows if row["finished"] + row["diverged"]]
    said = name_unfinished(of.values())
    if not {row["architecture"] for row in rows} & set(run.spec["architectures"]):
        said = "None of these networks is in the run; invsearch table summary has those that are."
    if finished:
        ended = "finished or diverged" if any(row["diverged"] for row in rows) else "finished"
        counts = ", ".join(f"{row['title']} {row['finished'] + row['diverged']}" for row in finished)
        said = (
            f"{describe_judged(evidence, run)}; mean and std (ddof = 1) over the seeds that {ended}: {counts}. "
            f"{describe_interval(evidence, run)}"
        )
    shown = [row["architecture"] for row in rows]
    mine = [of[name] for name in shown if name in of]
    rest = [
        *_compare_with_conv(evidence, run, {row["architecture"]: row["title"] for row in rows}),
        *_compare_with_published(evidence, run, rows),
        *_name_other_data(rows),
        *name_elsewhere(run, shown),
        *name_reduced(run),
        *_describe_sweep(run, shown),
        *_name_engines(run),
        *([f"Damaged files that could not be read and were left out: {len(run.damaged)}."] if run.damaged else []),
    ]
    return [
        f"{start}Data set: {run.spec['dataset']}. {said}",
        *write_choice_notes(run, mine),
        *list_remarks(mine),
        *(start + note for note in rest),
    ]


def name_elsewhere(run: Run, shown: Collection[str]) -> list[str]:
    """Which networks of a run have no row in a table that has rows for others, and where they have one."""
    rest = [name for name in run.spec["architectures"] if name not in shown]
    if not rest or len(rest) == len(run.spec["architectures"]):
        return []
    places: dict[str, list[str]] = {}
    for name in rest:
        places.setdefault(_find_table(name), []).append(name)
    told = "; ".join(f"{', '.join(names)} ({place})" for place, names in places.items())
    return [f"Of the run, not in this table: {told}. Table summary has every network of the run."]


def _find_table(architecture: str) -> str:
    """Which table of the chapter has a row for a network."""
    swap = find_swap(architecture)
    number = ("1.7" if swap.row in HYBRIDS else "1.6") if swap else "1.4" if architecture in PUBLISHED else None
    return f"in Table {number}" if number else "not in the chapter"


def describe_judged(evidence: Evidence, run: Run | None = None) -> str:
    """What accuracy the numbers are: after which epochs, by the judge of a run, or of all."""
    found = [one.reruns for one in evidence.candidates if run is None or one.run is run]
    shown = [reruns for reruns in found if reruns.finished] or found
    ends = {(reruns.judge, reruns.last.columns[0], reruns.last.columns[-1]) for reruns in shown}
    if len(ends) == 1:
        judge, first, last = ends.pop()
        return (
            f"Test accuracy in percent after epoch {last}"
            if judge == JUDGES[0]
            else (f"Mean test accuracy in percent after epochs {first} to {last}")
        )
    final = all(reruns.judge == JUDGES[0] for reruns in shown)  # The judge is the same for all.
    return f"Test accuracy in percent {'after the last epoch' if final else 'of the last epochs'}"


def describe_interval(evidence: Evidence, run: Run | None = None) -> str:
    """What the interval of a mean is: a sentence."""
    found = [one.reruns for one in evidence.candidates if run is None or one.run is run]
    joined = any(reruns.judge == JUDGES[0] and reruns.is_followed for reruns in found)
    span = f", joined with that of the mean of the last {LAST} epochs, since the last one alone may miss dips"
    broken = " Where seeds broke down, the interval combines those of the success rate and of the successful mean."
    rest = broken if any(reruns.broken for reruns in found) else ""
    return f"95 % CI: Student-t interval of the mean{span if joined else ''}.{rest}"


def name_unfinished(candidates: Iterable[Candidate]) -> str:
    """What to say where no rerun has finished: those that diverged or failed have ended, and are not trained again."""
    found = [*candidates]
    if lost := sum(one.reruns.diverged + one.reruns.failed for one in found):
        return f"No rerun has finished: {lost} diverged or failed."
    return HOPELESS if found and all(map(_has_no_way_on, found)) else WAITING


def name_left_out(evidence: Evidence) -> list[str]:
    """What to say in a table of finished seeds alone, where others that diverged count in every other mean."""
    if not any(one.reruns.diverged for one in evidence.finished):
        return []
    return [
        "The means of this table are of the finished seeds only; those of the other tables count diverged seeds, too."
    ]


def _has_no_way_on(one: Candidate) -> bool:
    """Whether its search is over and none of its configurations was trained to the end."""
    ended = int(one.sweep["status"].isin(protocol.ENDED).sum())
    return one.incumbent is None and 0 < one.run.planned[one.architecture] <= ended


def _compare_with_conv(evidence: Evidence, run: Run, titles: dict[str, str]) -> list[str]:
    """Which networks differ significantly from the convolutional one, by the tests of table ``pairs``."""
    of = {one.group: titles[name] for name, one in evidence.find_candidates(run).items() if name in titles}
    conv = evidence.find_candidates(run).get("conv")
    if conv is None or len(of) < 2:
        return []
    kinds: dict[str, list[str]] = {}
    broken = any(one.reruns.broken for one in evidence.find_candidates(run).values())
    test = "Welch's test" + (" or, where seeds broke down, a permutation test" if broken else "")
    test = f"at 5 % ({test}, Holm-corrected over {evidence.family})"
    for row in (row for frame in evidence.compared.values() for row in make_records(frame)):
        pair = [row["first"], row["second"]]
        if conv.group in pair and {*pair} <= {*of}:
            start = f"{'S' if row['differs'] else 'Not s'}ignificantly different from {of[conv.group]} {test}"
            if row["untested"]:
                start = f"Not tested against {of[conv.group]}, since {row['untested']}"
            kinds.setdefault(start, []).append(of[next(group for group in pair if group != conv.group)])
    return [
        f"{start}: {', '.join(kinds[start])}." for start in sorted(kinds, key=lambda start: (start[0] != "S", start))
    ]


def _compare_with_published(evidence: Evidence, run: Run, rows: list[Row]) -> list[str]:
    """Where the published numbers are reproduced; only the same data set may be compared."""
    means = {
        "reproduced": f"The published mean is reproduced within {evidence.margin:g} points (TOST at 5 %)",
        "close but different": f"Ours is shown to lie within {evidence.margin:g} points of the published mean (TOST at "
        "5 %) and to differ from it (Welch's test at 5 %)",
        "differs": "Ours differs from the published mean (Welch's test at 5 %)",
        "inconclusive": "Ours is shown neither to differ from the published mean nor to lie within "
        f"{evidence.margin:g} points of it",
    }
    kinds: dict[str, list[str]] = {start: [] for start in means.values()}
    candidates = evidence.find_candidates(run)
    tails: dict[str, float] = {}
    for row in rows:
        one = candidates.get(row["architecture"])
        if one is not None and (found := evidence.judge_equivalence(one)) is not None:
            start = means.get(found.conclusion, f"Not tested against the published mean, since {found.untested}")
            kinds.setdefault(start, []).append(row["title"])
            tails[row["title"]] = found.p_equivalent
    said = [f"{start}: {', '.join(titles)}." for start, titles in kinds.items() if titles]
    close = correct_by_holm(pd.Series(tails, dtype=float))
    if (close < ALPHA).sum() < sum(p < ALPHA for p in tails.values()):
        kept = ", ".join(str(title) for title in close.index[close < ALPHA]) or "none"
        said.append(
            f"With Holm's correction over these {len(close.dropna())} networks, shown to lie within "
            f"{evidence.margin:g} points of the published mean: {kept}."
        )
    return said


def _name_other_data(rows: list[Row]) -> list[str]:
    known = "published_mean_percent" not in rows[0] and any(row["architecture"] in PUBLISHED for row in rows)
    return ["The published numbers are for MNIST; on other data they are left out."] if known else []


def name_reduced(run: Run) -> list[str]:
    """Where the run asked for less than the published protocol."""
    recipe = run.spec.get("recipe")
    known = PROTOCOL
    if recipe:
        known = (("rerun_seeds", SEEDS, "rerun seed", ""), ("rerun_epochs", recipe["epochs"], "epoch", " per rerun"))
    less = [
        f"{format_count(run.spec[field], what)}{rest} (published: {full})"
        for field, full, what, rest in known
        if run.spec.get(field) is not None and run.spec[field] < full
    ]
    return [f"Reduced settings: {', '.join(less)}."] if less else []


def _describe_sweep(run: Run, shown: Collection[str]) -> list[str]:
    """How many configurations the incumbents were chosen among, and where they were fewer than were asked for."""
    failed = run.trials.query("phase == 'sweep' and status == 'failed'")["architecture"].value_counts(sort=False)
    said = [*run.list_behind(), *(f"{name} lost {count} to failures" for name, count in failed.items())]
    if said:
        return [f"The sweep is incomplete, counting configurations that ended: {', '.join(said)}."]
    counts = {name: run.planned[name] for name in shown if run.planned.get(name)}
    if len({*counts.values()}) > 1:
        return [f"Configurations searched: {', '.join(f'{name} {count}' for name, count in counts.items())}."]
    return [f"Searched: {format_count(count, 'configuration')} of each network." for count in {*counts.values()}]


def _name_engines(run: Run) -> list[str]:
    """What did the arithmetic; engines differ in the last digits."""
    known = run.epochs["made_by"].str.extract(r"^(.+?), torch ", expand=False)
    counts = known.fillna("an engine that is not on record").value_counts()
    if len(counts) < 2:
        return [f"All epochs were trained by {engine}." for engine in counts.index]
    told = ", ".join(f"{format_count(count, 'epoch')} by {engine}" for engine, count in counts.items())
    return [f"Trained by several engines: {told}."]
