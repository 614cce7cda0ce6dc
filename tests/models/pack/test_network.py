import pytest
import torch
from torch.nn import functional as F

import models
from models.pack import LaneWeights, PackedNetwork, explain_not_packed

GAINS = (0.5, 1.0, 2.0)


@pytest.mark.parametrize("name", models.ARCHITECTURES)
@pytest.mark.parametrize("side", [28, 9])  # 9 is odd in every layer.
def test_each_lane_has_the_scores_and_gradients_of_its_network(name: str, side: int) -> None:
    torch.set_default_dtype(torch.double)
    try:
        generator = torch.Generator().manual_seed(0)
        shape = (1, side, side)
        x, y = torch.randn(4, *shape, generator=generator), torch.randint(10, (4,), generator=generator)
        networks = [models.build(name, gain=gain, seed=1, input_shape=shape) for gain in GAINS]
        shapes = {key: weight.shape for key, weight in networks[0].named_parameters()}
        weights = LaneWeights(shapes, len(GAINS), torch.device("cpu"))
        for row, network in zip(weights.flat, networks, strict=True):
            weights.load(row, dict(network.named_parameters()))
        pack = PackedNetwork(models.describe_architecture(name, shape), networks[0])
        scores = pack.compute_scores(weights.views, x.permute(1, 2, 3, 0).contiguous())
        losses = F.cross_entropy(scores, y.expand(len(GAINS), -1), reduction="none").mean(1)
        gradients = weights.view(weights.gather_gradients(losses.sum()))
        for lane, network in enumerate(networks):
            expected = network(x)
            torch.testing.assert_close(scores[lane].T, expected)
            F.cross_entropy(expected, y).backward()
            for key, weight in network.named_parameters():
                torch.testing.assert_close(gradients[key][lane], weight.grad)
    finally:
        torch.set_default_dtype(torch.float)


def test_layers_without_a_form_over_lanes_are_named() -> None:
    assert explain_not_packed(models.describe_architecture("conv")) is None
    reason = explain_not_packed(models.describe_architecture("ref", (3, 32, 32)))
    assert reason == "a pack has no AveragePool, BareConv, BatchNorm, Linear"
