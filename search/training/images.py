"""Images on their way to a network: kept as they are stored; cropped, flipped and normalised batch by batch.

What happens to a batch is a function of (seed, epoch, batch), whatever came before it and on whatever device.
"""

from __future__ import annotations

import warnings

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from search.datasets.split import Scaling
from spaces.specs.recipes import Recipe

DRAWS, AUGMENTATION = 1, 2  # Streams that share a trial's seed must not repeat each other.
MAX_RESIDENT = 2**29  # Bytes of images that are copied to a GPU as a whole; larger ones go there batch by batch.


def draw_numbers(seed: int, epoch: int, step: int, images: int, padding: int, flip: bool) -> Tensor:
    """What happens to each image of a batch, the ``step``-th of an epoch.

    Returns:
        int64 (3, images): the row and the column of the padded image at which the crop begins, 0 to twice the
        padding, and 1 where it is mirrored, as half of them are with ``flip``.
    """
    stream = np.random.SeedSequence((AUGMENTATION, seed, epoch, step))
    generator = np.random.Generator(np.random.PCG64(stream))
    corners = generator.integers(0, 2 * padding, (2, images), endpoint=True)
    mirrored = generator.integers(0, 2, (1, images))
    return torch.cat([torch.from_numpy(corners), torch.from_numpy(mirrored) * flip])


def crop_and_flip(x: Tensor, drawn: Tensor, padding: int) -> Tensor:
    """Crops every image out of itself with ``padding`` black pixels around it, then mirrors some.

    Args:
        x: (N, C, H, W), any type; 0 is black.
        drawn: from ``draw_numbers``, on the same device.
        padding: as there.

    Returns:
        (N, C, H, W), of the type of ``x``, channels last in memory.
    """
    count, _, height, width = x.shape
    top, left, mirrored = (line[:, None] for line in drawn)
    across = torch.arange(width, device=x.device)
    rows = top + torch.arange(height, device=x.device)
    columns = left + torch.where(mirrored.bool(), width - 1 - across, across)
    padded = F.pad(x, (padding,) * 4)
    images = torch.arange(count, device=x.device)[:, None, None]
    return padded.permute(0, 2, 3, 1)[images, rows[:, :, None], columns[:, None, :]].permute(0, 3, 1, 2)


def make_tensor(array: np.ndarray, device: torch.device | str) -> Tensor:
    """A tensor over the array's own memory, or its copy on another device.

    Ray's object store hands out read-only arrays; nothing here writes to them, so torch's warning does not apply.
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

    Attributes:
        home: where the images are kept, and their numbers are looked up.
    """

    def __init__(self, array: np.ndarray, scaling: Scaling | None, device: torch.device) -> None:
        resident = scaling is None or array.nbytes <= MAX_RESIDENT
        self._stored = make_tensor(array, device if resident else "cpu")
        self.home, self._device = self._stored.device, device
        self._factor = self._shift = None
        if scaling is not None:
            mean, std = (torch.tensor(values, dtype=torch.float64) for values in (scaling.mean, scaling.std))
            self._factor, self._shift = (
                value.to(device, torch.float32)[:, None, None] for value in (1 / (255 * std), -mean / std)
            )

    def take_batch(self, chosen: Tensor | slice) -> Tensor:
        """The images of those numbers, normalised float32, on the device."""
        return self._normalize(self._stored[chosen].to(self._device))

    def augment(self, chosen: Tensor, recipe: Recipe | None, seed: int, epoch: int, step: int) -> Tensor:
        """As ``take_batch``, cropped and flipped as the recipe says: a function of the last three numbers."""
        x = self._stored[chosen].to(self._device)
        if recipe and (recipe.crop_padding or recipe.flip):
            drawn = draw_numbers(seed, epoch, step, len(x), recipe.crop_padding, recipe.flip)
            x = crop_and_flip(x, drawn.to(self._device), recipe.crop_padding)
        return self._normalize(x)

    def _normalize(self, x: Tensor) -> Tensor:
        if self._factor is None or self._shift is None:
            return x
        return torch.addcmul(self._shift, x.float(), self._factor)
