"""What is wrong with the disk, or with the run, and not with a trial or with invsearch."""

from __future__ import annotations

from search.driver_lock import Superseded
from search.trial_folder import Busy
from spaces.sealed import Damaged

TROUBLE = (Superseded, Busy, Damaged, OSError)


def reason_of(error: BaseException) -> str:
    """What a user reads of it, in one line."""
    if isinstance(error, OSError):
        return f"{error.filename or 'the run folder'}: {error.strerror or error}"
    return str(error)
