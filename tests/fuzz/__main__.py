"""Damaged inputs by the thousand: ``python -m tests.fuzz``, or ``make fuzz``. Exit code 1: one had no clear answer."""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from tests.fuzz.fuzzer import TARGETS, attempt, fuzz

COUNT = 10_000


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz", description=__doc__)
    parser.add_argument("--target", choices=TARGETS, help="only this one (default: all, in equal parts)")
    parser.add_argument("--count", type=int, default=COUNT, help=f"inputs (default {COUNT:,})")
    parser.add_argument("--seed", type=int, default=0, help="other seeds are other inputs (default 0)")
    parser.add_argument("--only", type=int, metavar="NUMBER", help="this input of a target, again")
    parser.add_argument(
        "--keep", type=Path, default=Path("build/fuzz"), help="where failing inputs are left (build/fuzz)"
    )
    args = parser.parse_args()
    names = [args.target] if args.target else list(TARGETS)
    if args.only is not None:
        if args.target is None:
            parser.error("--only needs a --target")
        with tempfile.TemporaryDirectory(prefix="fuzz-") as folder:
            failure = attempt(args.target, args.seed, args.only, Path(folder))
        print(failure.reason if failure else f"{args.target} {args.only} of seed {args.seed}: a clear answer")
        return int(failure is not None)
    wrong = []
    for name in names:
        count = args.count // len(names)
        failures = fuzz(name, args.seed, count, keep=args.keep)
        print(f"{name}: {count:,} inputs of seed {args.seed}, {len(failures)} without a clear answer", flush=True)
        for failure in failures:
            print(f"  {failure}", flush=True)
        wrong += failures
    if wrong:
        print(f"the failing inputs are in {args.keep}")
    return int(bool(wrong))


if __name__ == "__main__":
    raise SystemExit(main())
