"""``invsearch replay``: what other searches and schedulers would have found, on records and without training."""

from __future__ import annotations

import argparse
import sys
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

from search import options
from search.option_types import folder, integer, number, option
from spaces import UserError
from spaces.common.wording import format_count

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from analysis.evidence import Candidate
    from analysis.replay.material import Material
    from analysis.replay.repeats import Plan, Replays
    from analysis.replay.simulation import Source

HELP = (
    "replay other searches and schedulers on a run whose trials were all trained to the end, without training; on one "
    "with halving, say which trials ASHA would have promoted"
)
EXAMPLE = "invsearch replay runs/whole --schedulers asha,halving --searches grid --out replayed"
REPEATS, TPE_REPEATS = 200, 20  # A replay of TPE takes a second.
CHECKED = 20  # Replays in which Ray's ASHA is asked, too.
OPTIONS = (
    folder(
        "runs",
        nargs="+",
        metavar="RUN",
        help="folder of a finished sweep --scheduler none, or halving; several share the tables",
    ),
    option(
        "--schedulers",
        default="asha,halving,hyperband,none",
        metavar="A,B",
        help="asha, halving, hyperband, none (default: all)",
    ),
    option("--searches", default="grid,random,tpe", metavar="A,B", help="grid, random, tpe (default: all)"),
    integer("--repeats", default=REPEATS, help=f"replays of each (default {REPEATS}; of tpe at most {TPE_REPEATS})"),
    integer("--samples", help=f"configurations of a search (default: as many as the grid has; tpe: {options.DRAWN})"),
    integer("--workers", default=2, help="trials at once (default 2)"),
    integer("--seed", default=0, help="seed of orders, arrivals and proposals (default 0)"),
    integer("--grace-period", help="epochs before the first rung (default: the run's)"),
    number("--reduction-factor", metavar="ETA", help="the top 1/ETA continue past each rung (default: the run's)"),
    folder("--out", metavar="FOLDER", help="write the tables and figures there, as .md, .csv, .png and .pdf"),
)


def run(args: argparse.Namespace) -> int:
    """Prints the table; with ``--out`` writes it too, with the figure; ``INCOMPLETE`` where a record cannot be read.

    Raises:
        UserError: something that is not allowed, or a run that was not trained to the end.
    """
    from analysis.evidence import gather
    from analysis.records.reader import read_run
    from analysis.replay.material import collect
    from analysis.replay.regret import summarize_regrets
    from analysis.replay.repeats import REPLAYED, SEARCHED
    from analysis.replay.shown import draw_regrets, draw_replays, write_regrets, write_replays
    from analysis.report.files import make_folder

    schedulers = options.parse_names(args.schedulers, "schedulers", REPLAYED)
    searches = options.parse_names(args.searches, "searches", SEARCHED)
    plan = _make_plan(args)
    runs = [read_run(path) for path in args.runs]
    candidates = gather(runs).candidates
    if all(one.spec["scheduler"] == "halving" for one in runs):
        return _judge_as_asha(candidates, args, plan)
    materials = [collect(one, args.grace_period, args.reduction_factor) for one in candidates]
    if args.out is not None:  # Before minutes of replaying.
        make_folder(args.out)
    replays, misfits = [], dict[str, list[str]]()
    for candidate, material in zip(candidates, materials, strict=True):
        for search in searches:
            for scheduler in schedulers:
                found = _replay(candidate, material, search, scheduler, plan)
                if isinstance(found, str):
                    misfits.setdefault(found, []).append(material.group)
                else:
                    replays.append(found)
    notes = [f"Not replayed: {why} ({', '.join(dict.fromkeys(groups))})." for why, groups in misfits.items()]
    if not replays:
        raise UserError(f"nothing to replay: {'; '.join(misfits)}")
    regrets = summarize_regrets(replays, plan)
    text = f"{write_replays(replays, [*notes, *_compare_with_ray(replays)])}\n{write_regrets(regrets)}"
    print(text, end="", flush=True)
    if args.out is not None:
        from analysis.render.paper import draw_for_paper
        from analysis.render.spreadsheet import write_csv
        from analysis.replay.repeats import summarize_replays
        from spaces.files.atomic import write_atomically

        write_atomically(args.out / "replay.md", text.encode("utf-8", "replace"))
        write_atomically(args.out / "replay.csv", write_csv(summarize_replays(replays)).encode("utf-8", "replace"))
        write_atomically(args.out / "regret.csv", write_csv(regrets).encode("utf-8", "replace"))
        for drawing in (draw_replays(replays), draw_regrets(regrets)):
            printed = draw_for_paper(drawing)
            write_atomically(args.out / f"{drawing.name}.png", printed.png)
            write_atomically(args.out / f"{drawing.name}.pdf", printed.pdf)
    return max(map(options.name_damaged, runs))


def _judge_as_asha(candidates: Sequence[Candidate], args: argparse.Namespace, plan: Plan) -> int:
    """Of runs with halving: prints, and writes, which trials ASHA would have promoted at the first rung."""
    import pandas as pd

    from analysis.render.spreadsheet import write_csv
    from analysis.replay.halved import judge_first_rung, write_judged
    from analysis.report.files import make_folder
    from spaces.files.atomic import write_atomically

    rows = [judge_first_rung(one, plan.repeats, plan.seed) for one in candidates]
    text = write_judged(rows)
    print(text, end="", flush=True)
    if args.out is not None:
        make_folder(args.out)
        write_atomically(args.out / "first-rung.md", text.encode("utf-8", "replace"))
        write_atomically(args.out / "first-rung.csv", write_csv(pd.DataFrame(rows)).encode("utf-8", "replace"))
    return max(options.name_damaged(one.run) for one in candidates)


def _make_plan(args: argparse.Namespace) -> Plan:
    """How often what is replayed.

    Raises:
        UserError: a number that is not allowed.
    """
    from analysis.replay.repeats import Plan

    for name, most in (("repeats", 10_000), ("workers", 10_000), ("samples", 100_000)):
        value = getattr(args, name)
        if value is not None and not 1 <= value <= most:
            raise UserError(f"{name}: {value} is not allowed; give a whole number from 1 to {most}")
    if args.seed >= 2**31:
        raise UserError(f"seed: {args.seed} is not allowed; give a whole number below {2**31}")
    return Plan(args.repeats, args.workers, args.seed, args.samples)


def _replay(candidate: Candidate, material: Material, search: str, scheduler: str, plan: Plan) -> Replays | str:
    """The replays of a search with a scheduler, or why there are none."""
    from analysis.replay.repeats import explain_misfit, replay_listed, replay_proposed

    spec = candidate.run.spec
    if why := explain_misfit(material, search, scheduler):
        return why
    if spec["search"] != "grid":
        return f"the run searched with {spec['search']}, so its configurations are a selection, not a grid"
    if plan.samples is not None and plan.samples > material.size and search != "random":
        return f"{search} cannot try {plan.samples} of {format_count(material.size, 'configuration')}"
    if search != "tpe":
        return replay_listed(material, search, scheduler, plan)
    make = _find_source(candidate, material, plan)
    if isinstance(make, str):
        return make
    print(f"replaying tpe, {scheduler} on {material.group}", file=sys.stderr)  # It takes a while.
    fewer = replace(plan, repeats=min(plan.repeats, TPE_REPEATS))
    return replay_proposed(material, search, scheduler, fewer, make)


def _find_source(candidate: Candidate, material: Material, plan: Plan) -> Callable[[int], Source] | str:
    """Makes sources of TPE's proposals from a seed, or says why that is not possible."""
    from search.audit.proposals import Proposed
    from spaces.specs.run import RunSpec

    spec, name = RunSpec.from_dict(candidate.run.spec), candidate.architecture
    size = spec.find_space(name).size
    if material.size < size:
        return f"tpe may propose any of the grid's {size:.0f} points, and {material.size} were trained"
    samples = min(plan.samples or options.DRAWN, material.size)
    return partial(Proposed, spec, name, material, samples)


def _compare_with_ray(replays: Sequence[Replays]) -> list[str]:
    """Asserts that Ray's own ASHA decides as the simulated one did, on these records."""
    judged = [one for one in replays if one.scheduler == "asha"]
    if not judged:
        return []
    from search.audit.asha import check_agreement

    traces = [(one.material, one.traces[:CHECKED]) for one in judged]
    count = sum(check_agreement(*pair) for pair in traces)
    many = sum(len(part) for _, part in traces)
    return [f"Ray's own ASHA decided alike at each of {count} judgements of {format_count(many, 'replay')}."]
