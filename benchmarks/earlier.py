"""Training steps of the native engine and their losses, this checkout against an earlier one, on each instruction set.

    git worktree add /tmp/earlier REVISION   # then in it: python setup.py -q build_ext --inplace
    INVSEARCH_DATA=~/data python -m benchmarks.earlier /tmp/earlier --out earlier.md

Each checkout runs in a process of its own, and the two have their turns.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from types import TracebackType

from benchmarks.common.interleave import interleave
from benchmarks.common.options import make_parser, publish
from benchmarks.common.pictures import mnist_is_here
from benchmarks.common.report import Report, format_times
from benchmarks.step import BATCHES
from models import ARCHITECTURES
from models.native import BUILDS
from models.native.library import open_library
from search.storage.provenance import ROOT
from spaces.common.errors import UserError

MODULE = "benchmarks.earlier"
IMAGES, QUICK_IMAGES = 1024, 32
WORKER = """
import sys
sys.path.insert(0, "")
import models.native.network as network
try:
    from benchmarks.common.interleave import one_thread
    from benchmarks.common.pictures import load_pictures
except ImportError:  # Where they were in earlier checkouts.
    from benchmarks.interleave import one_thread
    from benchmarks.pictures import load_pictures
from benchmarks.step import make_engine_call
one_thread()
data = load_pictures(int(sys.argv[1]), real=sys.argv[2] == "True")
calls = {}
print("ready", flush=True)
for line in sys.stdin:
    isa, name, batch = key = tuple(line.split())
    if key not in calls:
        network.find_instruction_set = lambda: isa
        calls[key] = make_engine_call(name, int(batch), data, "native")
    print("done", calls[key](), flush=True)
"""


class Checkout:
    """A process that trains with the native engine of one checkout; a context manager.

    Args:
        tree: its folder.
        images: how many to train on.
        real: whether they are MNIST's.

    Raises:
        UserError: it is no checkout.
    """

    def __init__(self, tree: Path, images: int, *, real: bool) -> None:
        if not (tree / "models/native/engine.cpp").is_file():
            raise UserError(
                f"{tree} is not a checkout of invsearch; give the folder of one in which the engine was built"
            )
        self.tree = tree
        command = [sys.executable, "-W", "ignore", "-c", WORKER, str(images), str(real)]
        self._process = subprocess.Popen(command, cwd=tree, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        self._expect("ready")

    def _expect(self, answer: str) -> list[str]:
        assert self._process.stdout is not None
        word, *others = self._process.stdout.readline().split() or [""]
        if word != answer:
            raise UserError(f"the engine of {self.tree} does not run; build it there with setup.py build_ext --inplace")
        return others

    def train(self, isa: str, architecture: str, batch: int) -> float:
        """The mean loss of another epoch over the images."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{isa} {architecture} {batch}\n")
        self._process.stdin.flush()
        return float(self._expect("done")[0])

    def __enter__(self) -> Checkout:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._process.communicate()


def describe_difference(earlier: float, now: float) -> str:
    """How far the loss of one checkout is from the other's, of its value."""
    return "none" if earlier == now else f"{abs(now - earlier) / abs(earlier):.0e}"


def measure(tree: Path, isas: Sequence[str], architectures: Sequence[str], repeats: int, *, quick: bool) -> Report:
    """Times the networks on both checkouts."""
    real = mnist_is_here() and not quick
    images = QUICK_IMAGES if quick else IMAGES
    rows = []
    with Checkout(tree, images, real=real) as earlier, Checkout(ROOT, images, real=real) as now:
        for isa in isas:
            for name in architectures:
                row = {"instruction set": isa, "network": name}
                for batch in BATCHES[:1] if quick else BATCHES:
                    trees = {"earlier": earlier, "now": now}
                    losses = [each.train(isa, name, batch) for each in trees.values()]
                    calls = {which: partial(each.train, isa, name, batch) for which, each in trees.items()}
                    seconds = interleave(calls, repeats, 0.0)
                    row[f"batch {batch}"] = format_times(seconds["earlier"] / seconds["now"])
                    row[f"difference, batch {batch}"] = describe_difference(*losses)
                rows.append(row)
    report = Report("The native engine against an earlier one, one core", MODULE)
    report.text(
        f"Training steps on {images:,} images of {'MNIST' if real else 'random noise'}; medians of {repeats} "
        "interleaved repeats. A ratio above 1 says how many times faster this checkout is. The difference is that of "
        "the mean losses of the first epoch, relative to their value; none: they are the same to the bit."
    )
    report.table("Ratios", rows)
    return report


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    parser = make_parser(
        MODULE, "Times the native engine against that of an earlier checkout, and compares losses.", repeats=7
    )
    parser.add_argument("tree", type=Path, help="the folder of the earlier checkout")
    parser.add_argument("--isa", nargs="+", choices=BUILDS, help="instruction sets (default: all that are here)")
    parser.add_argument("--networks", nargs="+", choices=ARCHITECTURES, default=list(ARCHITECTURES), metavar="NAME")
    asked = parser.parse_args(arguments)
    isas = asked.isa or [isa for isa in BUILDS if open_library(isa) is not None]
    try:
        publish(measure(asked.tree, isas, asked.networks, asked.repeats, quick=asked.quick), asked.out)
    except UserError as error:
        parser.error(str(error))


if __name__ == "__main__":
    main()
