"""What goes wrong in the user's own code, in one line that names its file and line."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from spaces.common.errors import UserError, shorten

MOST = 300  # Characters of what Python says.


def find_place(error: BaseException, owns: Callable[[str], bool]) -> str | None:
    """File and line of the last of the user's lines that led to an error; None where there is none."""
    if isinstance(error, SyntaxError) and error.filename is not None and owns(error.filename):
        return f"{error.filename}, line {error.lineno}"
    frames = [frame for frame in traceback.extract_tb(error.__traceback__) if owns(frame.filename)]
    return f"{frames[-1].filename}, line {frames[-1].lineno}" if frames else None


def describe_error(error: BaseException) -> str:
    """Type and message of an error, in one line."""
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return shorten(" ".join(f"{type(error).__name__}: {said}".split()), MOST)


@contextmanager
def blamed(what: str, owns: Callable[[str], bool]) -> Iterator[None]:
    """Turns what the user's code raises into one line.

    Args:
        what: begins the line.
        owns: whether a file is the user's.

    Raises:
        UserError: whatever was raised.
    """
    try:
        yield
    except (Exception, SystemExit, GeneratorExit) as error:
        place = find_place(error, owns)
        if place is None and isinstance(error, UserError):
            raise
        advice = "fix that and try again"
        if isinstance(error, ModuleNotFoundError):
            beside = (
                "" if place is None else ", or put the module beside the file; import modules at the top of the file"
            )
            advice = f"install it{beside}"
        elif isinstance(error, ImportError) and "relative import" in str(error):
            advice = "the file is not part of a package, so import modules beside it without the dot"
        elif isinstance(error, OSError):
            advice = "only Python modules that the file imports are copied with a run, so read no other file"
        raise UserError(": ".join(filter(None, [what, place, f"{describe_error(error)}; {advice}"]))) from None
