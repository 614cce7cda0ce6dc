"""What a run folder that is to be continued decides where nothing is said."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path

from search.storage.json_files import read_json
from spaces import UserError
from spaces.files.sealed import Damaged
from spaces.specs.run import GRACE_PERIOD, RunSpec


def grace_period(run: str, most: int) -> int:
    """The grace period of trials of so many epochs: that of the run, else the usual one.

    Args:
        run: the run folder, perhaps a new one; one without any record binds nobody.
        most: maximum epochs of a trial.
    """
    usual = GRACE_PERIOD
    with suppress(UserError, Damaged, OSError):  # Whoever opens the run says what is wrong with it.
        content = read_json(Path(run) / "spec.json")
        if content is not None and any(Path(run).glob("trials/*/record.json")):
            usual = RunSpec.from_dict(content).grace_period
    return min(usual, max(1, most))
