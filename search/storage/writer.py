"""How a process writes to a run: plain files in a folder; a bucket (search/storage/places/guard.py) comes first.

This is the seam between a run and the place that it lies in: each method is one step that must be whole or not at all.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from search.storage.json_files import append_line, write_json


class Writer:
    """Writes to a run folder that this process has to itself.

    Attributes:
        run: the run folder as this process sees it.
    """

    def __init__(self, run: Path):
        self.run = run

    def check(self) -> None:
        """Passes only while this process may write; here always."""

    def refresh(self) -> None:
        """Brings what other processes have written to the folder; they write there themselves."""

    def upload(self) -> None:
        """Brings what this process has written to the folder to where the run lies; that is here."""

    def fetch(self, path: Path) -> None:
        """Brings one file to the folder."""

    def write(self, path: Path, content: Mapping[str, Any]) -> None:
        """Replaces a record.

        Raises:
            Superseded: another process has written it since this one read it.
        """
        write_json(path, content)

    def create(self, path: Path, content: Mapping[str, Any]) -> None:
        """Writes the one outcome of a trial.

        Raises:
            Superseded: another process has written one.
        """
        write_json(path, content)

    def append(self, path: Path, line: Mapping[str, Any]) -> None:
        """Adds a line to a log.

        Raises:
            Superseded: another process has added one since this one read it.
        """
        append_line(path, line)

    def remove(self, path: Path) -> None:
        """Removes a file, if it is there."""
        path.unlink(missing_ok=True)

    def claim(self, trial: Path, record: Mapping[str, Any], epoch: int) -> list[str]:
        """Makes a trial, whose lock this process holds, its own; brings its checkpoint of that epoch or an earlier one.

        Returns:
            What is to be noted about that.
        """
        return []

    def fetch_copy(self, path: Path) -> None:
        """Brings what a damaged file is restored from to the folder."""

    def leave(self, trial: Path) -> None:
        """Lets go of a trial that this process has claimed; its files stay."""

    def publish(self, checkpoint: Path) -> None:
        """Brings a new checkpoint to where the run lies."""

    def holds(self, checkpoint: Path) -> bool:
        """Whether a checkpoint is there."""
        return checkpoint.exists()

    def keep_only(self, trial: Path, checkpoint: Path | None) -> None:
        """Removes a trial's other checkpoints, and drafts of files that were never finished."""
        for path in [*trial.glob("checkpoint-*.safetensors"), *trial.glob(".*.*")]:
            if path != checkpoint and (path.is_symlink() or not path.is_dir()):
                path.unlink(missing_ok=True)
