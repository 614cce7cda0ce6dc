"""A run folder as an object."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal, Unpack

from search.facade.call import AnyPath, Invocation, train_call
from spaces import UserError
from spaces.specs.replicates import list_runs

if TYPE_CHECKING:
    import pandas as pd

    from analysis.best import Best
    from analysis.records.reader import Run as Records
    from analysis.tables.table import Filled
    from spaces.specs.run import RunSpec


class Run:
    """A run folder. Everything that it returns is read from the records anew, so it is up to date.

    The folder of ``reproduce(.., replicates=R)`` holds R runs, its ``replicates``. Its ``table`` and ``report`` show
    all of them together; everything else works on each of them alone.

    Args:
        path: the folder, or the URL of a run in a bucket.

    Attributes:
        path: the folder, or the mirror on this machine of a run in a bucket.
    """

    def __init__(self, path: AnyPath):
        from analysis.records.following import Follower
        from search.storage.places.address import is_url
        from search.storage.places.urls import open_mirror

        self.path = open_mirror(path) if isinstance(path, str) and is_url(path) else Path(path)
        self._follower = Follower(self.path)

    def __repr__(self) -> str:
        return f"invsearch.open_run({str(self.path)!r})"

    def read(self) -> Records:
        """All records: the spec, the trials and epochs, and what is damaged.

        Raises:
            UserError: not a run folder, or its spec.json cannot be read.
        """
        from search.storage.places.urls import refresh

        refresh(self.path)
        return self._follower.read()

    @property
    def replicates(self) -> list[Run]:
        """The runs that have begun in a folder of replicates; empty if the folder is a run itself."""
        found = list_runs(self.path)
        return [] if found == [self.path] else [Run(path) for path in found]

    @property
    def spec(self) -> RunSpec:
        """The request: everything that the run was asked for."""
        from spaces.specs.run import RunSpec

        return RunSpec.from_dict(self.read().spec)

    @property
    def trials(self) -> pd.DataFrame:
        """One row per trial: what defines it, how it ended, and its last numbers."""
        return self.read().trials

    @property
    def epochs(self) -> pd.DataFrame:
        """One row per trial and epoch."""
        return self.read().epochs

    def choose(
        self,
        *,
        choice: Literal["race", "single"] | None = None,
        finalists: int | None = None,
        choice_seeds: int | None = None,
        judge: Literal["final", "last5", "both"] | None = None,
        **invocation: Unpack[Invocation],
    ) -> Run:
        """Lets each architecture's best configurations race over further seeds, on held-out images.

        Args:
            choice: ``race``, or ``single``: the best on the sweep's one seed, as in the chapter; None: race.
            finalists: configurations that race; None: the run's own; 12 in a new race.
            choice_seeds: most seeds of a finalist; None: the run's own; 8 in a new race.
            judge: what decides: ``final``, the accuracy after the last epoch; ``last5``, the mean of the last five
                epochs; or ``both``, the mean of these two in the race and ``final`` elsewhere. None: the run's own;
                in a new race ``both``, or ``final`` if trainings have fewer than ten epochs.
            **invocation: see ``Invocation``.

        Returns:
            This run; ``rerun`` trains the winners.

        Raises:
            UserError: the sweep is not finished, or bad input.
            Halted, Interrupted: as ``sweep``.
        """
        train_call(Run.choose, {name: value for name, value in locals().items() if name != "self"}, self.path)
        return self

    def rerun(self, *, seeds: int = 10, epochs: int | None = None, **invocation: Unpack[Invocation]) -> Run:
        """Trains each architecture's incumbent over fresh seeds on all training images, judged on the test set.

        Args:
            seeds: how many.
            epochs: epochs of a rerun; None: those of earlier reruns, else of the sweep.
            **invocation: see ``Invocation``.

        Returns:
            This run.

        Raises:
            UserError: the sweep or its race is not finished, or bad input.
            Halted, Interrupted: as ``sweep``.
        """
        train_call(Run.rerun, {name: value for name, value in locals().items() if name != "self"}, self.path)
        return self

    def table(
        self, table: str, *others: Run, margin: float = 0.5, judge: Literal["final", "last5"] | None = None
    ) -> Filled:
        """A table of this run, and of others beside it; prints as Markdown.

        Args:
            table: such as ``1.3``, ``summary`` or ``ranking``; ``invsearch list`` has all.
            others: further runs.
            margin: a difference from a published mean that does not matter, in points of accuracy.
            judge: which accuracy of a rerun counts: ``final``, after the last epoch; or ``last5``, the mean of its last
                five epochs. None: what the runs say, ``final`` where they differ.

        Returns:
            ``frame`` has its raw values, ``cells`` the same as text, ``notes`` the sentences below it.

        Raises:
            UserError: there is no such table.
        """
        from analysis.evidence import gather
        from analysis.tables import TABLES
        from spaces.common.lookup import choose

        return choose("table", table, TABLES).fill(gather(_read_all(self, *others), margin, judge))

    def report(
        self,
        out: AnyPath | None = None,
        *others: Run,
        margin: float = 0.5,
        judge: Literal["final", "last5"] | None = None,
        only: Literal["html", "figures", "tables"] | None = None,
    ) -> list[Path]:
        """Writes a report of this run, and of others beside it: one HTML page, figures and tables.

        Args:
            out: folder to write to; None: ``report`` in the run folder.
            others: further runs.
            margin: see ``table``.
            judge: see ``table``.
            only: write only these.

        Returns:
            The files, the page last.

        Raises:
            UserError: the folder cannot be written; or the run is in a bucket, and ``out`` is None.
        """
        from analysis.evidence import gather
        from analysis.report import write_report
        from search.storage.places.urls import find_url

        if out is None and find_url(self.path) is not None:
            raise UserError("out: the run is in a bucket, so say where the report goes, such as out='report'")
        target = self.path / "report" if out is None else Path(out)
        return write_report(gather(_read_all(self, *others), margin, judge), target, only=only)

    def best(self, architecture: str) -> Best:
        """The incumbent of an architecture: its configuration, its trial and its best rerun.

        Args:
            architecture: its name; one of your own needs no digits where only one is meant.

        Raises:
            UserError: the run does not have that architecture, or no trial of it was trained to the end.
        """
        from analysis.best import find_bests
        from spaces.specs.own import choose_architecture

        records = self.read()
        architecture = choose_architecture(architecture, records.spec)
        for best in find_bests(records):
            if best.architecture == architecture:
                return best
        raise UserError(f"{self.path}: no trial of {architecture} has been trained to the end yet")


def _read_all(*runs: Run) -> list[Records]:
    return [each.read() for run in runs for each in run.replicates or [run]]
