"""Which networks are ahead, and which differences between them are real."""

from __future__ import annotations

import math

import pandas as pd

from analysis.evidence import Evidence, compare_candidates, find_lost, list_samples
from analysis.stats.epochs import count_holding
from analysis.stats.pairs import add_detectable, compare_pairs, count_tests
from analysis.stats.ranking import rank_networks
from analysis.stats.samples import explain_untested
from analysis.tables.images import say_how_few_images, say_if_images_matter
from analysis.tables.notes import describe_interval, describe_judged, name_unfinished
from analysis.tables.table import (
    Column,
    Table,
    format_epochs,
    format_least,
    format_seeds,
    make_display,
    show_number,
    show_p,
    show_range,
    show_test,
    show_words,
)
from spaces.common.wording import format_count

TESTED = (
    "Differences of the means in points of test accuracy, with Welch's 95 % interval of each pair by itself. "
    "p is Welch's, Holm-corrected over {family}; g is Hedges' (difference in pooled standard deviations).",
    "detectable: the true difference that these seeds would have shown with a probability of 80 %, if the spreads are "
    "as observed; at 5 % divided by the number of pairs.",
)
HOLDS = (
    "epochs: after how many of the last epochs the same would be concluded, each tested as one family. Without a decay "
    "of the learning rate accuracy dips from epoch to epoch, so one epoch decides little; --judge last5 tests the "
    "means of the last five."
)
MIXED = (
    "Seeds broke down of {names}: pairs with them are tested by a permutation test instead, and intervals allow for "
    "more such seeds; table outcomes has their success rates."
)
UNTESTED = (
    "Differences of the means in points of test accuracy. No pair was tested, so no difference is known to be real.",
)


def build_pairs(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """All pairs of the candidates that have ended reruns on the same data."""
    frames = []
    for data, found in evidence.by_data.items():
        counts = {one.group: (one.reruns.ended, one.reruns.asked) for one in found}
        seen = pd.DataFrame.from_dict(counts, "index", columns=["n", "asked"])
        frame = evidence.detectable[data].join(seen.add_prefix("first_"), on="first")
        after = evidence.by_epoch[data]
        frame = frame.join(seen.add_prefix("second_"), on="second")
        frames.append(frame.assign(data=data, holds=count_holding(frame, after), epochs=len(after)))
    kept = [frame for frame in frames if len(frame)]
    if not kept:
        frame = add_detectable(compare_pairs({}), {})
        frame = frame.assign(data="", first_n=0, first_asked=0, second_n=0, second_asked=0, holds=math.nan, epochs=0)
        why = "Fewer than two architectures have finished reruns on the same data."
        return frame, [why, *evidence.repeats, *evidence.remarks]
    said = [note.format(family=evidence.family) for note in (TESTED if evidence.family else UNTESTED)]
    said += [*_say_what_holds(evidence), *say_if_images_matter(evidence)]
    apart = "Pairs on different data sets are left out, because their accuracies are not comparable."
    return pd.concat(kept, ignore_index=True), [*said, *_list_caveats(evidence, apart)]


def _say_what_holds(evidence: Evidence) -> list[str]:
    """How many pairs differ after each of the last epochs, and by their means."""
    said = [HOLDS] if any(evidence.by_epoch.values()) and evidence.family else []
    for data, after in evidence.by_epoch.items():
        if after and (tests := count_tests(after[-1])):
            found = evidence.by_data[data]
            means = {one.group: one.reruns.add_diverged(one.reruns.last.mean(axis=1)).to_numpy() for one in found}
            *each, over = (int(pairs["differs"].sum()) for pairs in (*after, compare_candidates(found, means)))
            on = f" on {data}" * (len(evidence.by_epoch) > 1)
            counts = ", ".join(map(str, each))
            said.append(
                f"Of {format_count(tests, 'pair')}{on}, the number that differ after each of the last {len(each)} "
                f"epochs is {counts}; by the means of these epochs: {over}."
            )
    return said


def build_ranked(evidence: Evidence) -> tuple[pd.DataFrame, list[str]]:
    """The candidates by mean test accuracy, each data set by itself."""
    frames = []
    for data, found in evidence.by_data.items():
        frame = rank_networks(list_samples(found), evidence.compared[data], find_lost(found))
        shown = {one.group: one.reruns.summary for one in found}
        frame = frame.assign(
            **{end: [getattr(shown[group], end) for group in frame["group"]] for end in ("low", "high")}
        )
        asked = {one.group: one.reruns.asked for one in found}
        frames.append(frame.assign(data=data, asked=frame["group"].map(asked)))
    if not frames:
        return rank_networks({}, compare_pairs({})).assign(data="", asked=0), [
            name_unfinished(evidence.candidates),
            *evidence.remarks,
        ]
    letters = f"do not differ significantly: Welch's test, Holm-corrected over {evidence.family}, at 5 %."
    said = [
        f"{describe_judged(evidence)} over the reruns that ended; std with ddof = 1; n: how many of those "
        f"asked for. {describe_interval(evidence)}",
        f"Networks that share a letter {letters}" if evidence.family else "No pair was tested, so there are no groups.",
        *say_how_few_images(evidence),
    ]
    apart = "Accuracies on different data sets are not comparable, so each data set is ranked by itself."
    last = "Networks that lost seeds come last and have no letter, because the seeds that are left are a selection."
    lost = any(one.reruns.lost for one in evidence.candidates)
    return pd.concat(frames, ignore_index=True), [*said, *_list_caveats(evidence, apart), *([last] if lost else [])]


def _list_caveats(evidence: Evidence, apart: str) -> list[str]:
    """Why networks were tested against none, that data sets stand ``apart``, and what the means leave out."""
    found: dict[str, list[str]] = {}
    for one in (one for several in evidence.by_data.values() if len(several) > 1 for one in several):
        if why := explain_untested(one.accuracies, one.accuracies, bool(one.reruns.lost)):
            found.setdefault(why, []).append(one.group)
    said = [f"Not tested, since {why}: {', '.join(names)}." for why, names in found.items()]
    tests = [pairs.dropna(subset="p") for pairs in evidence.compared.values()]
    tested = {group for pairs in tests for group in (*pairs["first"], *pairs["second"])}
    broken = [one.group for one in evidence.candidates if one.reruns.broken and one.group in tested]
    said += [MIXED.format(names=", ".join(broken))] if broken else []
    return [*said, *([apart] if len(evidence.by_data) > 1 else []), *evidence.repeats, *evidence.remarks]


RANKED = (
    show_words("Architecture", "group"),
    show_words("data", "data"),
    show_number("mean", "mean", 2),
    show_number("std", "std", 2),
    Column("n", format_seeds),
    show_range("95 % CI", "low", "high", 2),
    show_number("best", "best", 2),
    show_number("worst", "worst", 2),
    Column("groups", lambda row: row["letters"] or "-", right=False),
)
PAIRED = (
    show_words("First", "first"),
    show_words("Second", "second"),
    show_words("data", "data"),
    Column("n", lambda row: f"{format_seeds(row, 'first_')}, {format_seeds(row, 'second_')}"),
    show_number("difference", "difference", 2, sign=True),
    show_range("95 % CI", "low", "high", 2),
    show_p("p (Holm)", "p_holm"),
    show_number("g", "g", 2, sign=True),
    show_test("differs"),
    Column("epochs", format_epochs),
    Column("detectable", lambda row: format_least(row["detectable"], 2)),
)
RANKING = Table("ranking", "Ranking by test accuracy, with groups.", (), build_ranked, make_display(RANKED))
PAIRS = Table("pairs", "Which differences are real.", (), build_pairs, make_display(PAIRED))
