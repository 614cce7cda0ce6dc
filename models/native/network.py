"""A network in the native engine: it works on the memory of a torch module's own weights."""

from __future__ import annotations

import ctypes
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from models.description import Description
from models.native.library import ERROR_SIZE, Arrays, Sgd, Step, find_instruction_set, open_library
from models.native.program import check_layers, list_steps, list_tensors

IMAGES = 1024  # Predicted in one call.


class NativeNetwork:
    """Trains, judges and differentiates a network on one core of a CPU.

    The weights stay in the torch module: the engine reads and updates them in place, so ``state_dict``
    always holds the truth. Its arrays must not be read or written by other threads during a call; calls
    release the interpreter's lock.

    ``block`` is how many images it works on together.

    Args:
        description: what the module was assembled from.
        module: with contiguous float32 weights on the CPU.
        shape: (C, H, W) of one image.
        isa: an instruction set; the best one by default.
        input_gradient: whether ``backward`` gives the gradient of the input too.

    Raises:
        NoNativeProgramError: the engine does not have one of the layers.
        RuntimeError: no engine was built for that instruction set, or this machine does not have it.
    """

    def __init__(
        self,
        description: Description,
        module: nn.Sequential,
        shape: Sequence[int],
        *,
        isa: str | None = None,
        input_gradient: bool = False,
    ) -> None:
        self._handle = None
        self.isa = isa or find_instruction_set() or "baseline"
        library = open_library(self.isa)
        if library is None:
            raise RuntimeError(f"the native engine was not built for {self.isa}, or this machine does not have it")
        self._library, self._module, self.shape = library, module, tuple(shape)
        self.block: int = library.invsearch_block()
        named = zip(description.items(), module.children(), strict=True)
        steps = [step for (name, layer), child in named for step in list_steps(name, layer, child)]
        self._error = ctypes.create_string_buffer(ERROR_SIZE)
        self._outputs: tuple[int, ...] = self.shape
        for layer in description.values():
            self._outputs = layer.shape_after(self._outputs)
        self._handle = ctypes.c_void_p(
            self._call("new", *shape, (Step * len(steps))(*steps), len(steps), input_gradient)
        )
        self.workspace_floats: int = library.invsearch_workspace(self._handle)

    __copy__ = __deepcopy__ = None  # One owner of what is behind the handle.

    def __del__(self) -> None:
        if self._handle is not None:
            self._library.invsearch_delete(self._handle)

    def train(
        self,
        images: np.ndarray,
        labels: np.ndarray,
        order: np.ndarray,
        *,
        batch_size: int,
        lr: float,
        momentum: float,
        weight_decay: float,
        momenta: Mapping[Tensor, Tensor],
    ) -> float:
        """One pass of SGD, as ``torch.optim.SGD`` does it, over the images in the given order.

        Args:
            images: (N, C, H, W), float32.
            labels: (N,), int64.
            order: indices of images, int64; the last batch may be smaller.
            batch_size: images of a step.
            lr: learning rate.
            momentum: its factor.
            weight_decay: its factor, on biases too.
            momenta: the momentum buffer of each learned parameter, updated in place; empty if momentum is 0.

        Returns:
            The sum of the losses; after the first step whose loss is not finite, training stops.
        """
        self._check(images, labels)
        if batch_size < 1:
            raise ValueError(f"native engine: a batch size of {batch_size} is not allowed; give at least 1")
        if momentum and not set(momenta).issuperset(self._learned()):
            raise ValueError("native engine: with momentum, each learned parameter needs a buffer")
        if order.dtype != np.int64 or not order.flags.c_contiguous:
            raise ValueError("native engine: the order must be contiguous int64")
        if len(order) and not 0 <= order.min() <= order.max() < len(labels):
            raise IndexError(f"native engine: the order names images outside 0 .. {len(labels) - 1}")
        batch_size = min(batch_size, max(1, len(order)))  # A C long holds it.
        sgd = Sgd(lr, momentum, weight_decay)
        return self._work("train", images, labels, order, len(order), batch_size, sgd, momenta=momenta)

    def judge(self, images: np.ndarray, labels: np.ndarray) -> tuple[float, int]:
        """The summed loss of all images, and how many are classified correctly."""
        self._check(images, labels)
        correct = ctypes.c_int64()
        return self._work("judge", images, labels, np.arange(len(labels)), len(labels), correct), correct.value

    def predict(self, images: np.ndarray) -> np.ndarray:
        """The class of the highest score (the first of equals) of each image, int64 (N,); ``judge`` counts by these."""
        space = torch.empty(1, self.workspace_floats)
        found = []
        for start in range(0, len(images), IMAGES):
            some = torch.from_numpy(images[start : start + IMAGES])
            full = torch.zeros(-len(some) % self.block, *self.shape)
            blocks = torch.cat([some, full]).unflatten(0, (-1, self.block)).permute(0, 2, 3, 4, 1).contiguous()
            scores = torch.empty(len(blocks), *self._outputs, self.block)
            self.forward(blocks, scores, space, keep=False)
            found.append(scores.numpy().argmax(1).flatten()[: len(some)])
        return np.concatenate(found)

    def forward(self, blocks: Tensor, outputs: Tensor, workspace: Tensor, keep: bool) -> None:
        """Runs blocks of images (B, C, H, W, ``block``) to outputs (B, C', H', W', ``block``).

        Args:
            blocks: the input.
            outputs: is filled.
            workspace: (B, ``workspace_floats``) where ``keep``, for ``backward``; else one row is enough.
            keep: whether a backward pass follows.
        """
        count = len(blocks)
        spaces = (count if keep else 1, self.workspace_floats)
        self._work(
            "forward",
            check_layers(blocks, "the input", (count, *self.shape, self.block)),
            check_layers(outputs, "the output", (count, *self._outputs, self.block)),
            count,
            check_layers(workspace, "the workspace", spaces),
            keep,
        )

    def backward(
        self, blocks: Tensor, gradient: Tensor, input_gradient: Tensor | None, workspace: Tensor
    ) -> dict[Tensor, np.ndarray]:
        """After ``forward`` with ``keep``: the gradients by the learned parameters; ``gradient`` is overwritten."""
        found, pointers = self._gradient_arrays()
        count = len(blocks)
        inputs = (count, *self.shape, self.block)
        self._work(
            "backward",
            check_layers(blocks, "the input", inputs),
            check_layers(gradient, "the gradient", (count, *self._outputs, self.block)),
            None if input_gradient is None else check_layers(input_gradient, "the input gradient", inputs),
            count,
            check_layers(workspace, "the workspace", (count, self.workspace_floats)),
            pointers,
        )
        return found

    def _learned(self) -> list[Tensor]:
        """The learned parameters, in the engine's order."""
        rows = (row for child in self._module.children() for row in list_tensors(child))
        return [tensor for weight, bias, _ in rows for tensor in (weight, bias) if isinstance(tensor, nn.Parameter)]

    def _gradient_arrays(self) -> tuple[dict[Tensor, np.ndarray], Any]:
        found = {tensor: np.empty(tuple(tensor.shape), np.float32) for tensor in self._learned()}
        return found, (ctypes.c_void_p * len(found))(*(array.ctypes.data for array in found.values()))

    def _split_arrays(self, momenta: Mapping[Tensor, Tensor] | None = None) -> Any:
        """Pointers to all arrays, made anew for each call: torch may have moved them."""
        momenta = momenta or {}

        def pointer(tensor: Tensor | None) -> int | None:
            return None if tensor is None else check_layers(tensor, "a weight").data_ptr()

        def momentum(tensor: Tensor | None) -> int | None:
            buffer = None if tensor is None else momenta.get(tensor)
            if buffer is not None and tensor is not None and buffer.shape != tensor.shape:
                raise ValueError(f"native engine: a momentum buffer is {buffer.shape}, not {tensor.shape}")
            return pointer(buffer)

        rows = []
        for child in self._module.children():
            for weight, bias, basis in list_tensors(child):
                lengths = (0 if tensor is None else tensor.numel() for tensor in (weight, bias, basis))
                pointers = (pointer(weight), momentum(weight), pointer(bias), momentum(bias), pointer(basis))
                rows.append(Arrays(*pointers, *lengths))
        return (Arrays * len(rows))(*rows)

    def _work(self, name: str, *arguments: Any, momenta: Mapping[Tensor, Tensor] | None = None) -> Any:
        """Calls one of the engine's functions on this network and its arrays; arguments that are arrays as pointers."""
        pointers = (
            each.ctypes.data if isinstance(each, np.ndarray) else each.data_ptr() if isinstance(each, Tensor) else each
            for each in arguments
        )
        return self._call(name, self._handle, self._split_arrays(momenta), *pointers)

    def _call(self, name: str, *arguments: Any) -> Any:
        """Calls one of the engine's functions.

        Raises:
            RuntimeError: what it says went wrong.
        """
        result = getattr(self._library, f"invsearch_{name}")(*arguments, self._error)
        if self._error.value:
            message, self._error.value = self._error.value.decode(errors="replace"), b""
            raise RuntimeError(f"native engine: {message}")
        return result

    def _check(self, images: np.ndarray, labels: np.ndarray) -> None:
        if images.dtype != np.float32 or not images.flags.c_contiguous or images.shape[1:] != self.shape:
            raise ValueError(f"native engine: images must be contiguous float32 {('N', *self.shape)}")
        if labels.dtype != np.int64 or not labels.flags.c_contiguous or labels.shape != images.shape[:1]:
            raise ValueError("native engine: labels must be contiguous int64, one per image")
        if len(self._outputs) != 1:
            raise ValueError("native engine: training needs a network that ends in features, one per class")
        if len(labels) and not 0 <= labels.min() <= labels.max() < self._outputs[0]:
            raise ValueError(f"native engine: labels must be from 0 to {self._outputs[0] - 1}")
