import pytest
import torch
from torch import Tensor
from torch.nn import functional as F

from models.pack.pooling import pool


def batch_first(x: Tensor) -> Tensor:
    return x.permute(0, 4, 1, 2, 3).flatten(0, 1)


@pytest.mark.parametrize(("height", "width"), [(4, 6), (5, 7), (4, 3)])
def test_pools_as_torch_and_sends_the_gradient_to_the_same_of_equal_pixels(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randint(3, (2, 3, height, width, 4), generator=generator).float().requires_grad_()
    y = pool(x)
    dy = torch.randn(y.shape, generator=generator)
    (dx,) = torch.autograd.grad(y, x, dy)
    other = batch_first(x.detach()).requires_grad_()
    expected = F.max_pool2d(other, 2)
    assert torch.equal(batch_first(y), expected)
    assert torch.equal(batch_first(dx), torch.autograd.grad(expected, other, batch_first(dy))[0])
