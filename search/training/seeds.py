"""Seeds of whatever is random in a training, each a function of the trial's seed and of where the training stands."""

from __future__ import annotations

import numpy as np

DRAWS, AUGMENTATION = 1, 2  # Streams that share a trial's seed must not repeat each other.


def derive_epoch_seed(seed: int, epoch: int) -> int:
    """What torch's generators are seeded with before an epoch, so that layers which draw need no state to resume."""
    return int(np.random.SeedSequence((DRAWS, seed, epoch)).generate_state(1, np.uint64)[0] >> np.uint64(1))


def make_batch_generator(seed: int, epoch: int, step: int) -> np.random.Generator:
    """The generator of one batch's augmentation."""
    return np.random.Generator(np.random.PCG64(np.random.SeedSequence((AUGMENTATION, seed, epoch, step))))
