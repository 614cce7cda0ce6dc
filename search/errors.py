"""Why an invocation, or a worker, ends before its time."""

from __future__ import annotations

from spaces.common.errors import UserError
from spaces.files.sealed import Damaged

TIME_IS_UP = "the time budget is used up"


class Interrupted(KeyboardInterrupt):
    """The user asked the run to end.

    Args:
        number: the signal that asked.
    """

    def __init__(self, number: int):
        super().__init__()
        self.number = number


class Halted(Exception):
    """The run cannot, or may not, continue now; its message says why."""

    outcome = "halted"  # For the history.


class NothingToChoose(UserError):
    """A sweep is over and has no trial that was trained to the end."""


class TimeIsUp(BaseException):
    """Passes through code that takes any ``Exception`` for a failure of its own."""

    outcome = Halted.outcome


class Superseded(Exception):
    """Another driver has taken the run over, so this process must not write to it."""


class Busy(Exception):
    """Another process holds the trial."""


TROUBLE = (Superseded, Busy, Damaged, OSError)
"""What is wrong with the disk, or with the run, and not with a trial or with invsearch."""


def explain_error(error: BaseException, place: str = "the run folder") -> str:
    """What a user reads of such trouble, in one line; ``place`` is where it was if the error does not say."""
    if isinstance(error, OSError):
        return f"{error.filename or place}: {error.strerror or error}".removeprefix(": ")
    return str(error)
