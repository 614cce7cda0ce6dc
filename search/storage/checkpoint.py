"""Checkpoints: safetensors files, written atomically; no pickle is written or read.

A training state is a tree of tensors and plain data. The tensors go into the file under the path by
which the tree reaches them, the tree itself, with the trial's record beside it, into the header as
JSON. The header also carries a checksum over both, so a damaged file is noticed before it is used.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save as as_bytes

from search.storage.json_files import replace_not_finite
from spaces.files.atomic import write_atomically
from spaces.files.sealed import Damaged

FORMAT = "invsearch checkpoint 1"
UNSOUND = (SafetensorError, ValueError, LookupError, TypeError, AttributeError, RecursionError, OverflowError)
MAX_BYTES = 2**34  # 16 GiB, far above any network here.


def save(path: Path, state: Mapping[str, Any], record: Mapping[str, Any]) -> None:
    """Writes a training state so that the file is there whole or not at all.

    Args:
        path: the file.
        state: nested mappings and lists of tensors and plain data.
        record: the trial's record up to this epoch, from which a damaged one can be restored.
    """
    tensors: dict[str, torch.Tensor] = {}
    tree = _take_apart(state, "", tensors)
    header = {"format": FORMAT, "tree": json.dumps(tree), "record": json.dumps(replace_not_finite(dict(record)))}
    content = as_bytes(tensors, header | {"checksum": _compute_digest(header, tensors)})
    write_atomically(path, content)


def load(path: Path, device: str | torch.device = "cpu") -> tuple[dict[str, Any], dict[str, Any]]:
    """Reads a training state and the record that was saved with it.

    Raises:
        Damaged: not what was written; the message says in what way.
        FileNotFoundError: no such file.
    """
    if path.is_symlink() or (path.exists() and not path.is_file()):
        raise Damaged("not a file of its own")
    if os.path.getsize(path) > MAX_BYTES:
        raise Damaged(f"larger than {MAX_BYTES} bytes")
    try:
        # By its handle, because safetensors takes no path that is not UTF-8.
        with path.open("rb") as stream, safe_open(f"/dev/fd/{stream.fileno()}", "pt") as file:
            header = dict(file.metadata() or {})
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - it is not a mapping.
        checksum = header.pop("checksum", None)
        if header.get("format") != FORMAT:
            raise Damaged("not a checkpoint of this format")
        if checksum != _compute_digest(header, tensors):
            raise Damaged("its content does not match its checksum")
        state = _assemble_tensors(json.loads(header["tree"]), tensors, torch.device(device))
        return state, json.loads(header["record"])
    except Damaged:
        raise
    except UNSOUND as error:
        raise Damaged(f"{type(error).__name__}: {' '.join(str(error).split())[:120]}") from None


def _take_apart(node: Any, name: str, tensors: dict[str, torch.Tensor]) -> Any:
    """The tree with each tensor taken out under a name; mappings become pairs, because JSON's keys are text."""
    if isinstance(node, torch.Tensor):
        tensors[name] = node.detach().to("cpu").contiguous().clone()  # safetensors refuses shared memory.
        return {"tensor": name}
    if isinstance(node, Mapping):
        return {"map": [[key, _take_apart(value, f"{name}/{key}", tensors)] for key, value in node.items()]}
    if isinstance(node, list | tuple):
        return {"list": [_take_apart(value, f"{name}/{index}", tensors) for index, value in enumerate(node)]}
    return {"plain": node}


def _assemble_tensors(node: Any, tensors: Mapping[str, torch.Tensor], device: torch.device) -> Any:
    ((kind, content),) = node.items()
    if kind == "tensor":
        return tensors[content].to(device)
    if kind == "map":
        return {key: _assemble_tensors(value, tensors, device) for key, value in content}
    if kind == "list":
        return [_assemble_tensors(value, tensors, device) for value in content]
    return content


def _compute_digest(header: Mapping[str, str], tensors: Mapping[str, torch.Tensor]) -> str:
    found = hashlib.sha256(json.dumps(sorted(header.items())).encode())
    for name, tensor in sorted(tensors.items()):
        found.update(f"{name} {tensor.dtype} {list(tensor.shape)}".encode())
        found.update(tensor.reshape(-1).view(torch.uint8).numpy().data if tensor.numel() else b"")
    return found.hexdigest()
