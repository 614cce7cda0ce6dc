"""Images on their way to a network: kept as they are stored, and normalised batch by batch on the device."""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor

from search.datasets.split import Scaling
from search.training.augment import crop_and_flip, draw_numbers
from spaces.specs.recipes import Recipe

MAX_RESIDENT = 2**29  # Bytes of images that are copied to a GPU as a whole; larger ones go there batch by batch.


def make_tensor(array: np.ndarray, device: torch.device | str) -> Tensor:
    """A tensor over the array's own memory, or its copy on another device.

    Ray's object store hands out read-only arrays; nothing here writes to them, so torch's warning
    about that does not apply.
    """
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message="The given NumPy array is not writable", category=UserWarning)
        return torch.from_numpy(array).to(device)


class Images:
    """Batches of images.

    Args:
        array: (N, C, H, W), float32 and normalised, or uint8 where there is a ``scaling``.
        scaling: how to normalise them; None: not at all.
        device: where batches are wanted.
    """

    def __init__(self, array: np.ndarray, scaling: Scaling | None, device: torch.device) -> None:
        resident = scaling is None or array.nbytes <= MAX_RESIDENT
        self._stored = make_tensor(array, device if resident else "cpu")
        self._device = device
        self._factor = self._shift = None
        if scaling is not None:
            mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scaling.mean, scaling.std))
            self._factor, self._shift = (
                value.to(device, torch.float32)[:, None, None] for value in (1 / (255 * std), -mean / std)
            )

    def placed(self, order: Tensor) -> Tensor:
        """Numbers of images, moved to where the images are."""
        return order.to(self._stored.device)

    def take_batch(self, chosen: Tensor | slice) -> Tensor:
        """The images of those numbers, normalised float32, on the device."""
        return self._normalize(self._stored[chosen].to(self._device))

    def augment(self, chosen: Tensor, recipe: Recipe, seed: int, epoch: int, step: int) -> Tensor:
        """As ``take_batch``, cropped and flipped as the recipe says: a function of the last three numbers."""
        x = self._stored[chosen].to(self._device)
        if recipe.crop_padding or recipe.flip:
            drawn = draw_numbers(seed, epoch, step, len(x), recipe.crop_padding, recipe.flip)
            x = crop_and_flip(x, drawn.to(self._device), recipe.crop_padding)
        return self._normalize(x)

    def _normalize(self, x: Tensor) -> Tensor:
        if self._factor is None or self._shift is None:
            return x
        return torch.addcmul(self._shift, x.float(), self._factor)
