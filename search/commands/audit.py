"""``invsearch audit``: what a sweep's scheduler threw away."""

from __future__ import annotations

import argparse
from functools import partial
from itertools import zip_longest

from search import options
from search.option_types import folder, integer
from spaces import UserError

HELP = "train a random sample of the stopped trials to the end, and estimate what the scheduler threw away"
EXAMPLE = "invsearch audit runs/first --trials 20"
TRIALS = 20
OPTIONS = (
    folder("run", metavar="RUN", help="folder of a finished sweep; the trainings are kept in RUN/audit"),
    integer(
        "--trials",
        default=TRIALS,
        help=f"stopped trials to train, per architecture (default {TRIALS}); a larger number adds some, 0 trains none",
    ),
    integer("--sample-seed", default=0, help="seed of the sample (default 0)"),
    *options.TRAINING,
)


def run(args: argparse.Namespace) -> int:
    """Trains what is left of the sample and prints the audit; ``INCOMPLETE`` where some failed or cannot be read.

    Raises:
        UserError: nothing was stopped, or the sweep is not finished.
    """
    from analysis.audit import FOLDER, audit_run, check_auditable, describe_audit, draw_sample
    from analysis.records.reader import read_run
    from search.streams import show

    if not args.sample_seed < 2**31:
        raise UserError(f"sample-seed: {args.sample_seed} is not allowed; give a whole number below {2**31}")
    conditions = options.parse_conditions(args)
    found = read_run(args.run)
    check_auditable(found)
    names = found.spec["architectures"]
    samples = {name: draw_sample(found, name, args.trials, args.sample_seed) for name in names}
    where, failures = args.run / FOLDER, 0
    if any(samples.values()):
        from search.audit.phase import make_audit_spec, plan_audit
        from search.storage.run_folder import RunFolder
        from search.storage.sources import load_kept
        from search.storage.trial_folder import read_trials
        from search.tuning.phases import train_run

        spec = RunFolder(args.run).read_spec()
        load_kept(args.run, spec.own)
        turns = zip_longest(*(read_trials(args.run, ids) for ids in samples.values()))
        trials = [trial for turn in turns for trial in turn if trial is not None]
        failures = train_run(where, make_audit_spec(spec), [partial(plan_audit, trials)], *conditions)
    audited = read_run(where) if (where / "spec.json").exists() else None
    rung = found.spec["grace_period"], found.spec["max_epochs"]
    show(describe_audit(args.run, audit_run(found, audited, samples), *rung))
    damaged = [options.name_damaged(each) for each in (found, audited) if each is not None]
    return max(options.choose_exit_code(failures, where), *damaged)
