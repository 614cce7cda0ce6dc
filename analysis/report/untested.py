"""What a comparison leaves untested: whatever a run holds only one of, or nobody fixed beforehand."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from analysis.evidence import Evidence
from analysis.records.reader import Run
from analysis.replicates.experiment import find_experiment
from spaces.common.wording import format_count


def list_untested(evidence: Evidence) -> list[str]:
    """What the numbers say nothing about, from the runs' own records; empty while nothing has ended."""
    runs = [run for run in evidence.runs if any(one.run is run and one.reruns.ended for one in evidence.candidates)]
    if not runs:
        return []
    said = [
        _say_one("data set", [run.spec["dataset"] for run in runs]),
        _say_one("split seed", [str(run.spec["split_seed"]) for run in runs if run.spec.get("samples")]),
        _say_one("engine and instruction set", _list_makers(runs)),
        *(_say_searched(run, len(find_experiment(evidence).runs)) for run in runs),
        _say_costs(evidence),
        "Seeds stand for initial weights and batch order only; the choice of what to compare, and any look at results "
        "before it, are in no interval.",
    ]
    return [line for line in dict.fromkeys(said) if line]


def _say_one(what: str, found: Iterable[str]) -> str:
    """A sentence where there is but one of something."""
    values = sorted({*found})
    return f"One {what} ({values[0]}): another may order the networks differently." if len(values) == 1 else ""


def _list_makers(runs: Sequence[Run]) -> list[str]:
    reruns = [run.trials.loc[run.trials["phase"] == "rerun", "engine"] for run in runs]
    return [str(engine) for engines in reruns for engine in engines.dropna().unique()]


def _say_searched(run: Run, replicates: int) -> str:
    """How the configurations were come by."""
    if not run.spec.get("samples"):
        return "The configurations were given, not searched: other ones may order the networks differently."
    count = format_count(run.spec["samples"], "configuration")
    raced = ", and a race of the best over further seeds" if run.spec.get("finalists") else ""
    searches = f"one of {replicates} searches" if replicates else "one search"
    luck = (
        " Tests and intervals are by seeds, of these configurations; those of table luck-pairs allow for other draws "
        "of as many configurations, other seeds to choose by, other reruns and other test images, but for no other "
        "space, scheduler or held-out images."
    )
    said = f"The configurations are the best of {count} of one search space, found by {searches} with one seed{raced}."
    return said + ("" if replicates else luck)


def _say_costs(evidence: Evidence) -> str:
    """Whether the networks have the same number of weights."""
    counts = {one.cost.params for one in evidence.ended if one.cost is not None}
    if len(counts) < 2:
        return ""
    return f"The networks differ in size: {min(counts):,} to {max(counts):,} weights in the compared layers."
