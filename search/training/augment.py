"""Augmentation of whole batches: random crops of padded images, and horizontal flips.

What happens to a batch is a function of (seed, epoch, batch), whatever came before it and on whatever device.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F

from search.training.seeds import make_batch_generator


def draw_numbers(seed: int, epoch: int, step: int, images: int, padding: int, flip: bool) -> Tensor:
    """What happens to each image of a batch.

    Args:
        seed: the trial's.
        epoch: 1 for the first.
        step: the batch's place in the epoch.
        images: in the batch.
        padding: the most pixels that an image is moved by.
        flip: whether half of them are mirrored.

    Returns:
        int64 (3, images): the row and the column of the padded image at which the crop begins, 0 to twice the
        padding, and 1 where it is mirrored.
    """
    generator = make_batch_generator(seed, epoch, step)
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
