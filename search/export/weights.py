"""The weights of a trial that has ended: from its checkpoint if that was kept, else trained once more."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from search.datasets import find_dataset, load_split
from search.storage import checkpoint
from search.storage.json_files import replace_not_finite
from search.storage.trial_folder import TrialFolder
from search.training.loop import Epoch, Training, make_repeatable
from spaces import UserError
from spaces.common.wording import format_command, format_count
from spaces.files.sealed import Damaged
from spaces.specs.records import RECORD, read_record

CLOCK = ("seconds", "time")  # What of a row differs each time.


@dataclass(frozen=True)
class Weights:
    """A network's weights and fixed kernels, and where they come from.

    Attributes:
        tensors: the network's state, on the CPU.
        folder: the trial, read.
        source: ``checkpoint`` or ``trained again``.
        difference: how the training came out differently from the record; None where it did not.
    """

    tensors: Mapping[str, torch.Tensor]
    folder: TrialFolder
    source: str
    difference: str | None = None

    @property
    def maker(self) -> Mapping[str, str]:
        """Versions, device and engine of the process that computed the last recorded epoch."""
        return find_maker(self.folder)


def read_weights(run: Path, trial_id: str, accept_changes: bool = False) -> Weights:
    """Finds the weights of a trial; nothing in the run folder is touched.

    Args:
        run: the run folder.
        trial_id: a trial that was trained to its end.
        accept_changes: take weights of a training that came out differently from the record, as on another machine.

    Raises:
        UserError: the record is damaged, the data are others now, or the training came out differently.
    """
    folder = _read(run, trial_id)
    path = folder.find_checkpoint(folder.epoch)
    why = "its checkpoint was not kept"
    if path.exists():
        try:
            state = checkpoint.load(path)[0]
            if (state["trial_id"], state["epoch"]) != (trial_id, folder.epoch):
                raise Damaged(f"it is of epoch {state['epoch']} of {state['trial_id']}")
            print(f"{trial_id}: weights from its checkpoint", file=sys.stderr)
            return Weights(_make_plain(state["network"]), folder, "checkpoint")
        except (OSError, Damaged, KeyError, TypeError) as error:
            why = f"its checkpoint cannot be used ({error})"
    print(f"{trial_id}: {why}; training it again, {format_count(folder.epoch, 'epoch')}", file=sys.stderr)
    training, difference = train_anew(folder, accept_changes)
    said = f"differently: {difference}" if difference else "exactly as recorded"
    print(f"{trial_id}: {format_count(folder.epoch, 'epoch')} came out {said}", file=sys.stderr)
    return Weights(_make_plain(training.network.state_dict()), folder, "trained again", difference)


def train_anew(folder: TrialFolder, accept_changes: bool) -> tuple[Training, str | None]:
    """Trains a trial once more, as its record says that it was, and compares each epoch with the record.

    Returns:
        The training after the last recorded epoch, and the first difference, None where there is none.

    Raises:
        UserError: the data are others now, the device is not here, or an epoch came out differently.
    """
    spec, maker = folder.spec, find_maker(folder)
    data = find_dataset(spec.dataset)
    if data.data_hash != spec.data_hash:
        raise UserError(
            f"trial {spec.trial_id}: {spec.dataset} is {data.data_hash} here and was {spec.data_hash} then, so it "
            "cannot be trained again; use the original data"
        )
    device, engine = maker.get("device", "cpu"), maker.get("engine", "auto")
    if device == "cuda" and not torch.cuda.is_available():
        if not accept_changes:
            raise UserError(_evaluate_elsewhere(folder, "it was trained on a GPU, and there is none here"))
        device, engine = "cpu", "auto"
    make_repeatable(device, int(maker.get("threads", "1")))
    training = Training(
        spec, load_split(data, spec.phase, spec.split_seed), device, "auto" if accept_changes else engine
    )
    first: str | None = None
    for row in folder.rows:
        difference = _measure_difference(row, training.run_epoch(), spec.phase)
        if difference and not accept_changes:
            raise UserError(_evaluate_elsewhere(folder, f"trained again here it came out differently ({difference})"))
        first = first or difference
    return training, first


def find_maker(folder: TrialFolder) -> Mapping[str, str]:
    """Versions, device and engine of the process that computed the last recorded epoch."""
    return folder.makers[folder.rows[-1]["maker"]] if folder.rows else {}


def _read(run: Path, trial_id: str) -> TrialFolder:
    path = run / "trials" / trial_id
    try:
        record = read_record(path)
        if record is None or not record.rows:
            raise Damaged("it is missing, or has no epoch")
    except Damaged as error:
        mending = format_command("invsearch", "check", run, "--repair")
        raise UserError(f"{path / RECORD}: damaged ({error}); run {mending}") from None
    folder = TrialFolder(run, record.spec)
    folder.adopt(record)
    return folder


def _measure_difference(row: Mapping[str, Any], epoch: Epoch, phase: str) -> str | None:
    """The first number of an epoch that is not as it was recorded."""
    for name, value in replace_not_finite(epoch.row(phase)).items():
        if name not in CLOCK and row.get(name) != value:
            return f"epoch {epoch.epoch}: {name} is {value!r} here and {row.get(name)!r} on record"
    return None


def _evaluate_elsewhere(folder: TrialFolder, reason: str) -> str:
    parts = ("engine", "engine_version", "instruction_set", "torch", "code", "device_name", "host")
    maker = ", ".join(f"{name} {find_maker(folder)[name]}" for name in parts if name in find_maker(folder))
    return (
        f"trial {folder.spec.trial_id}: {reason}; it was made by {maker}; export it there, or add --accept-changes to "
        "take the weights of here (for the next run: --keep-checkpoints best)"
    )


def _make_plain(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """In the usual layout and memory of their own, as safetensors wants them."""
    return {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in state.items()}
