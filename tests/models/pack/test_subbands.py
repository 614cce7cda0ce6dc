import pytest
import torch

from models.pack.subbands import make_subbands
from models.scattering import scatter


@pytest.mark.parametrize(("height", "width"), [(6, 8), (5, 7)])
def test_is_z_of_each_lane_over_a_row_of_ones(height: int, width: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, height, width, 4, dtype=torch.double, generator=generator).requires_grad_()
    found = make_subbands(x)
    expected = torch.stack([scatter(images.permute(3, 0, 1, 2)).permute(1, 2, 3, 0).flatten(1) for images in x])
    torch.testing.assert_close(found[:, :-1], expected)
    assert (found[:, -1] == 1).all()
    assert torch.equal(make_subbands(x[0]), found[0])
    grad = torch.randn(found.shape, dtype=torch.double, generator=generator)
    ours, theirs = torch.autograd.grad(found, x, grad), torch.autograd.grad(expected, x, grad[:, :-1])
    torch.testing.assert_close(ours, theirs)
