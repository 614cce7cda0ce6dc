"""Builds the two networks of Table 1.3 and compares their size and their output.

python examples/compare_networks.py
"""

import torch

import models
from models.cost import list_layer_costs

images = torch.rand(4, 1, 28, 28)  # (N, C, H, W)
for name in ("conv", "invariant"):
    network = models.build(name, gain=1.0, seed=0)
    costs = list_layer_costs(network, (1, 28, 28))
    learned = sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad)
    multiplies = sum(int(cost.mults + cost.transform_mults) for cost in costs)
    print(f"{models.ARCHITECTURES[name].title}: {learned} learned weights, {multiplies} multiplies per image")
    print(f"  from {tuple(images.shape)} to {tuple(network(images).shape)}")
