"""TensorBoard: RUN/log/tensorboard/TRIAL_ID/events.out.tfevents.invsearch, one file a trial.

The file is a function of the record: the events of N epochs are the beginning of the events of N + 1.
So it is brought up to date by appending what it lacks, be that a few epochs or the rest of an event
that a killed process wrote half of, and no epoch can be in it twice.
"""

from __future__ import annotations

import importlib
import io
import os
import struct
from pathlib import Path
from typing import Any, ClassVar

from search.loggers.base import Logger, Recorded, claim_folder, list_measures
from search.storage.json_files import check_ours
from spaces.files.atomic import write_atomically

NAME = "events.out.tfevents.invsearch"
VERSION = "brain.Event:2"


class TensorboardLogger(Logger):
    """Scalars of every epoch, and the hyperparameters for the HPARAMS page."""

    MODULE: ClassVar[str] = "tensorboardX"
    INSTALL: ClassVar[str] = "tensorboardX"

    def __init__(self, folder: Path) -> None:
        importlib.import_module(self.MODULE)  # Here and not in a thread: it is large, and Ray may import it too.
        self._folder = folder

    def log(self, trial: Recorded) -> None:
        """Appends what the trial's file lacks; a file of another record is replaced."""
        path = self._folder / trial.spec.trial_id / NAME
        claim_folder(path.parent)
        content = list_events(trial)
        try:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_NOFOLLOW)
        except FileNotFoundError:
            handle = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_EXCL, 0o644)
        with open(handle, "rb+", buffering=0) as stream:
            check_ours(handle, path)
            there = stream.read()
            if content.startswith(there):
                rest = memoryview(content)[len(there) :]
                while rest:  # A disk that becomes full takes a part; the rest follows when there is room.
                    rest = rest[stream.write(rest) or 0 :]
                return
        write_atomically(path, content)  # It was trained again, or continued after its end.


def list_events(trial: Recorded) -> bytes:
    """The content of a trial's file: version, hyperparameters, an event for each epoch, how it ended.

    The trial is a row of its own on the HPARAMS page, so without a group: of a group the page shows averages. Columns
    and their ranges are left to TensorBoard, which finds them in all trials. Were they described in each trial, it
    would take one description, that of a sweep without a test accuracy, say.
    """
    out, summary, hparams = io.BytesIO(), _import_proto("summary").Summary, _import_proto("plugin_hparams")
    start, end = trial.start or 0.0, trial.end or 0.0
    begun = hparams.SessionStartInfo(start_time_secs=start)
    for name, value in trial.hyperparameters.items():
        kind = {str: "string", bool: "bool"}.get(type(value), "number")
        setattr(begun.hparams[name], f"{kind}_value", value)
    _write(out, start, file_version=VERSION)
    _write(out, start, summary=_describe_session("session_start_info", begun))
    for row in trial.rows:
        values = [summary.Value(tag=tag, simple_value=value) for tag, value in list_measures(row)]
        _write(out, row["time"], step=row["epoch"], summary=summary(value=values))
    if trial.status is not None:
        well = trial.status in ("completed", "stopped")
        code = _import_proto("api").Status.Value("STATUS_SUCCESS" if well else "STATUS_FAILURE")
        ended = hparams.SessionEndInfo(status=code, end_time_secs=end)
        _write(out, end, summary=_describe_session("session_end_info", ended))
    return out.getvalue()


def _import_proto(name: str) -> Any:
    """A module of TensorBoard's messages; their classes are made when it is imported."""
    return importlib.import_module(f"tensorboardX.proto.{name}_pb2")


def _write(out: io.BytesIO, time: float, **content: Any) -> None:
    """One event in TensorFlow's framing: length, its checksum, the event, its checksum."""
    checksum = importlib.import_module("tensorboardX.record_writer").masked_crc32c
    event = _import_proto("event").Event(wall_time=time, **content).SerializeToString(deterministic=True)
    length = struct.pack("<Q", len(event))
    out.write(length + struct.pack("<I", checksum(length)) + event + struct.pack("<I", checksum(event)))


def _describe_session(tag: str, session: Any) -> Any:
    """A summary as the HPARAMS plugin reads it."""
    data = _import_proto("plugin_hparams").HParamsPluginData(version=0, **{tag: session})
    messages = _import_proto("summary")
    plugin = messages.SummaryMetadata.PluginData(
        plugin_name="hparams", content=data.SerializeToString(deterministic=True)
    )
    about = messages.SummaryMetadata(plugin_data=plugin)
    return messages.Summary(value=[messages.Summary.Value(tag=f"_hparams_/{tag}", metadata=about)])
