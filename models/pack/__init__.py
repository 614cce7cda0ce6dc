"""Packs: P networks of one architecture, its *lanes*, computed as one batched program.

A pack is for small networks on a GPU, which alone leave it waiting for kernel launches. Every lane sees the same batch.
Activations are batch-last, (P, C, H, W, N), or (C, H, W, N) where they are the same for all lanes, as the images are
and what a layer without weights makes of them. So every mixing is one batched matrix product, and what is the same for
all lanes is computed once.
"""

from models.pack.network import LAYERS, PackedNetwork, explain_not_packed
from models.pack.weights import LaneWeights

__all__ = ["LAYERS", "LaneWeights", "PackedNetwork", "explain_not_packed"]
