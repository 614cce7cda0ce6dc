"""A bar on a terminal while images are read."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from search.streams import make_console
from spaces.common.errors import make_printable


@contextmanager
def showing_progress(what: str, total: int) -> Iterator[Callable[[int], object]]:
    """A bar that says ``what`` is done; what it yields is told of more images. Nothing is shown in a file."""
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    console = make_console(True)
    with Progress(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        redirect_stderr=False,  # Else rich would write to what escapes its own control sequences.
    ) as progress:
        task = progress.add_task(make_printable(what), total=total)
        yield lambda count: progress.advance(task, count)
