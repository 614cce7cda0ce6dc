"""``make soak``: thousands of short trials under a kill every few seconds, and a table of what it cost.

Exit code 0 if no trial was lost and every invariant held, else 1.
"""

from __future__ import annotations

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from contextlib import nullcontext
from pathlib import Path

from tests.faults import measures
from tests.faults.following import serving
from tests.faults.harness import Driver, epochs, kill
from tests.faults.invariants import Witness, check_complete, check_decisions, outcomes

SPACE = """\
name: soak
lr: {choice: [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0]}
momentum: {choice: [0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9]}
weight_decay: {choice: [0, 1e-6, 1e-5, 1e-4, 1e-3]}
gain: {choice: [0.5, 1.0]}
"""
KINDS = ("driver", "worker", "raylet")
SHAPE = ["--dataset", "digits", "--architectures", "conv,invariant", "--epochs", "2", "--grace-period", "1"]
FOLLOW_SECONDS = 1.0  # Until a folder that follows a bucket has what was written last.
SAMPLE_SECONDS = 5.0  # Between looks at the memory.
RETRY_SECONDS = 3.0  # What is to be killed may not have started yet.
AT_START = 0.2  # The share of drivers whose first kill is timed from their start; others must have begun to train.


class Soak:
    """One sweep, started again whenever it dies.

    Args:
        folder: where everything goes; must not exist yet.
        trials: how many; half of each architecture.
        seconds: between kills, on average.
        seed: of the kills.
        url: where the run lies, if that is a bucket; the folder then follows it.
    """

    def __init__(self, folder: Path, trials: int, seconds: float, seed: int, url: str | None = None):
        folder.mkdir(parents=True)
        self.run, self.log, self.trials = folder / "run", folder / "epochs-started", trials
        (folder / "space.yaml").write_text(SPACE)
        options = [*SHAPE, "--space", str(folder / "space.yaml"), "--samples", str(trials // 2)]
        self._line = ["sweep", *options, "--out", url or str(self.run)]
        self._environment = measures.counting_environment(self.log)
        self._seconds, self._random = seconds, random.Random(seed)
        self._witness = Witness(self.run)
        self.kills: Counter[str] = Counter()
        self.drivers: list[int] = []
        self.memory: list[tuple[float, float]] = []
        self.wall = 0.0

    def survive(self) -> None:
        """Runs the sweep to its end.

        Raises:
            AssertionError: something was lost or changed, or a driver ended without being killed.
        """
        began = time.monotonic()
        try:
            while self._life() != 0:
                self._witness.look()
            time.sleep(FOLLOW_SECONDS)
        finally:
            self.wall = time.monotonic() - began
        self._witness.look()
        check_complete(self.run)
        check_decisions(self.run)

    def _life(self) -> int:
        """One driver from its start to its end; its exit code, negative where it was killed."""
        driver, mortal = Driver(*self._line, environment=self._environment), False
        self.drivers.append(driver.process.pid)
        sample, (kind, strike) = time.monotonic(), self._next()
        # A start takes about as long as the time between two kills: counted from it, the sweep would hardly get on.
        starting = self._random.random() >= AT_START
        try:
            while driver.alive:
                now = time.monotonic()
                if now >= sample:
                    self._sample(driver)
                    sample = now + SAMPLE_SECONDS
                if starting:
                    if driver.workers():
                        starting, (kind, strike) = False, self._next()
                elif now >= strike and not self._strike(kind, driver):
                    strike = now + self._random.uniform(0.0, RETRY_SECONDS)
                elif now >= strike:
                    mortal |= kind != "worker"
                    self._witness.look()
                    kind, strike = self._next()
                time.sleep(0.02)
        finally:
            if driver.alive:
                driver.kill()
        code = driver.wait()
        overloaded = "Ray did not start" in driver.errors  # Half a minute is all the time that Ray gives a node.
        assert code == 0 or mortal or overloaded, f"it ended with {code} by itself: {driver.errors[-2000:]}"
        return code

    def _next(self) -> tuple[str, float]:
        """What is killed next, and when."""
        return self._random.choice(KINDS), time.monotonic() + self._random.uniform(0.0, 2 * self._seconds)

    def _strike(self, kind: str, driver: Driver) -> bool:
        """Kills something, if it is there."""
        if kind == "driver":
            driver.kill()
        else:
            victims = driver.workers() if kind == "worker" else driver.raylet()[:1]
            if not victims or not kill(self._random.choice(victims)):
                return False
        self.kills[kind] += 1
        done = len(list(self.run.glob("trials/*/verdict.json")))
        print(f"{kind} killed, {done} of {self.trials} trials ended", flush=True)
        return True

    def _sample(self, driver: Driver) -> None:
        family = driver.family()
        self.memory.append((measures.memory(family[:1]), measures.memory(family)))

    def table(self) -> list[tuple[str, str]]:
        """What it cost, for people."""
        recorded, begun = epochs(self.run), measures.started(self.log)
        quarter = max(1, len(self.memory) // 4)
        parts = {"first": self.memory[:quarter], "last": self.memory[-quarter:]}
        left = measures.sessions(self.drivers)
        return [
            ("trials", f"{self.trials}"),
            ("trials lost", f"{self.trials - len(outcomes(self.run))}"),
            *[(f"kills: {kind}", f"{self.kills[kind]}") for kind in KINDS],
            ("driver starts", f"{len(self.drivers)}"),
            ("epochs recorded", f"{recorded}"),
            ("epochs trained again", f"{begun - recorded}"),
            *[
                (f"memory of driver / of all its processes, {name} quarter", f"{driver:.0f} / {tree:.0f} MiB")
                for name, part in parts.items()
                for driver, tree in [map(max, zip(*part, strict=True))]
            ],
            ("run folder, per trial", f"{measures.space(self.run) / self.trials / 1024:.1f} KiB"),
            ("Ray sessions left in /tmp/ray", f"{len(left)}, {sum(map(measures.space, left)) / measures.MIB:.1f} MiB"),
            ("wall time", f"{self.wall / 60:.1f} minutes"),
        ]


def main() -> int:
    """Runs a soak; its exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--trials", type=int, default=2000, help="default 2000; an even number up to 2000")
    parser.add_argument("--seconds", type=float, default=20.0, help="between kills, on average (default 20)")
    parser.add_argument("--seed", type=int, default=0, help="of the kills (default 0)")
    parser.add_argument("--out", type=Path, help="new folder for the run (default: a temporary one)")
    parser.add_argument("--bucket", action="store_true", help="in a bucket of SeaweedFS on this machine")
    args = parser.parse_args()
    out = args.out or Path(tempfile.mkdtemp(prefix="soak-")) / "soak"
    print(f"soak in {out}", flush=True)
    url = "s3://soak/run" if args.bucket else None
    soak, failure = Soak(out.resolve(), args.trials, args.seconds, args.seed, url), None
    with serving(url, out.resolve()) if url else nullcontext():
        try:
            soak.survive()
        except AssertionError as error:
            failure = error
    table = soak.table()
    width = max(len(name) for name, _ in table)
    for name, value in table:
        print(f"{name:<{width}}  {value}")
    print("every invariant held" if failure is None else f"VIOLATED: {failure}")
    return 0 if failure is None else 1


if __name__ == "__main__":
    sys.exit(main())
