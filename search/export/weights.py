"""The weights of a trial that has ended: from its checkpoint if that was kept, else trained once more."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from search.datasets import Dataset, find_dataset, load_split
from search.storage import checkpoint
from search.storage.json_files import replace_not_finite
from search.storage.trial_folder import TrialFolder
from search.training.loop import Training, make_repeatable
from spaces import TrialSpec, UserError
from spaces.common.wording import format_command, format_count
from spaces.files.sealed import Damaged
from spaces.specs.records import RECORD, Record, read_record
from spaces.specs.run import RunSpec, read_spec

CLOCK = ("seconds", "time")  # What of a row differs each time.


@dataclass(frozen=True)
class Weights:
    """A network's weights and fixed kernels, and where they come from.

    Attributes:
        tensors: the network's state, on the CPU.
        record: of the trial.
        maker: versions, device and engine of the process that computed the last recorded epoch.
        source: ``checkpoint`` or ``trained again``.
        difference: how the training came out differently from the record; None where it did not.
    """

    tensors: Mapping[str, torch.Tensor]
    record: Record
    maker: Mapping[str, str]
    source: str
    difference: str | None = None


def read_weights(run: Path, trial_id: str, accept_changes: bool = False) -> Weights:
    """Finds the weights of a trial; nothing in the run folder is touched.

    Args:
        run: the run folder.
        trial_id: a trial that was trained to its end.
        accept_changes: take weights of a training that came out differently from the record, as on another machine.

    Raises:
        UserError: the record is damaged, the data are others now, or the training came out differently.
    """
    record_path = run / "trials" / trial_id / RECORD
    try:
        record = read_record(record_path.parent)
        if record is None or not record.rows:
            raise Damaged("it is missing, or has no epoch")
    except Damaged as error:
        mending = format_command("invsearch", "check", run, "--repair")
        raise UserError(f"{record_path}: damaged ({error}); run {mending}") from None
    maker, last = record.makers[record.rows[-1]["maker"]], len(record.rows)
    path, epochs = TrialFolder(run, record.spec).find_checkpoint(last), format_count(last, "epoch")
    why = "its checkpoint was not kept"
    if path.exists():
        try:
            state = checkpoint.load(path)[0]
            if (state["trial_id"], state["epoch"]) != (trial_id, last):
                raise Damaged(f"it is of epoch {state['epoch']} of {state['trial_id']}")
            print(f"{trial_id}: weights from its checkpoint", file=sys.stderr)
            return Weights(_make_plain(state["network"]), record, maker, "checkpoint")
        except (OSError, Damaged, KeyError, TypeError) as error:
            why = f"its checkpoint cannot be used ({error})"
    print(f"{trial_id}: {why}; training it again, {epochs}", file=sys.stderr)
    training, difference = train_anew(record, find_data(run, record.spec), maker, accept_changes)
    said = f"differently: {difference}" if difference else "exactly as recorded"
    print(f"{trial_id}: {epochs} came out {said}", file=sys.stderr)
    return Weights(_make_plain(training.network.state_dict()), record, maker, "trained again", difference)


def train_anew(
    record: Record, data: Dataset, maker: Mapping[str, str], accept_changes: bool
) -> tuple[Training, str | None]:
    """Trains a trial once more, as its record says that it was, and compares each epoch with the record.

    Returns:
        The training after the last recorded epoch, and the first difference, None where there is none.

    Raises:
        UserError: the data are others now, the device is not here, or an epoch came out differently.
    """
    spec = record.spec
    if data.data_hash != spec.data_hash:
        raise UserError(
            f"trial {spec.trial_id}: {spec.dataset} is {data.data_hash} here and was {spec.data_hash} then, so it "
            "cannot be trained again; use the original data"
        )
    device, engine = maker.get("device", "cpu"), "auto" if accept_changes else maker.get("engine", "auto")
    if device == "cuda" and not torch.cuda.is_available():
        if not accept_changes:
            raise _refuse(spec.trial_id, maker, "it was trained on a GPU, and there is none here")
        device = "cpu"
    if engine == "pack":
        raise UserError(
            f"trial {spec.trial_id}: it was trained in a pack, and training it alone does not repeat those bits; "
            "--accept-changes trains it alone and takes those weights (in the next run, --keep-checkpoints best)"
        )
    make_repeatable(device, int(maker.get("threads", "1")))
    training = Training(spec, load_split(data, spec.phase, spec.split_seed), device, engine)
    first: str | None = None
    for row in record.rows:
        here = replace_not_finite(training.run_epoch().make_row(spec.phase))
        changed = [name for name in here if name not in CLOCK and row.get(name) != here[name]]
        if changed and first is None:
            name = changed[0]
            first = f"epoch {here['epoch']}: {name} is {here[name]!r} here and {row.get(name)!r} on record"
            if not accept_changes:
                raise _refuse(spec.trial_id, maker, f"trained again here it came out differently ({first})")
    return training, first


def find_data(run: Path, spec: TrialSpec) -> Dataset:
    """The data set of a trial; data of one's own by their hash, or from where the run had them.

    Raises:
        UserError: they are nowhere.
    """
    asked = RunSpec.from_dict(read_spec(run))
    source = asked.data_source
    return replace(find_dataset(spec.dataset, source and spec.data_hash, source), recipe=asked.recipe)


def _refuse(trial_id: str, maker: Mapping[str, str], reason: str) -> UserError:
    parts = ("engine", "engine_version", "instruction_set", "torch", "code", "device_name", "host")
    made_by = ", ".join(f"{name} {maker[name]}" for name in parts if name in maker)
    return UserError(
        f"trial {trial_id}: {reason}; it was made by {made_by}; export it there, or add --accept-changes to "
        "take the weights of here (for the next run: --keep-checkpoints best)"
    )


def _make_plain(state: Mapping[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """In the usual layout and memory of their own, as safetensors wants them."""
    return {name: tensor.detach().to("cpu").contiguous().clone() for name, tensor in state.items()}
