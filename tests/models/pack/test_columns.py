import pytest
import torch
from torch.nn import functional as F

from models.pack.columns import Band, list_bands, make_columns

SIZES = [(7, 6, 3), (2, 9, 5), (1, 1, 3), (4, 4, 1), (3, 5, 5)]


def test_far_from_the_edges_all_taps_see_a_pixel() -> None:
    assert list(list_bands(14, 3)) == [Band(0, 1, 0, 2), Band(1, 12, 0, 3), Band(13, 1, 1, 2)]
    assert list(list_bands(2, 5)) == [Band(0, 1, 1, 2), Band(1, 1, 2, 2)]  # No window has all five.


@pytest.mark.parametrize(("height", "width", "kernel"), SIZES)
def test_columns_are_those_of_torch_over_a_row_of_ones(height: int, width: int, kernel: int) -> None:
    x = torch.randn(2, 3, height, width, 4, generator=torch.Generator().manual_seed(0))
    columns = make_columns(x, kernel)
    for lane, images in enumerate(x):
        unfolded = F.unfold(images.permute(3, 0, 1, 2), kernel, padding=kernel // 2)  # (N, C k k, H W)
        assert torch.equal(columns[lane, :-1], unfolded.permute(1, 2, 0).flatten(1))
        assert torch.equal(make_columns(images, kernel), columns[lane])
    assert (columns[:, -1] == 1).all()


@pytest.mark.parametrize(("height", "width", "kernel"), SIZES)
def test_the_gradient_is_that_of_torch(height: int, width: int, kernel: int) -> None:
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, 3, height, width, 4, dtype=torch.double, generator=generator).requires_grad_()
    columns = make_columns(x, kernel)
    grad = torch.randn(columns.shape, dtype=torch.double, generator=generator)
    (found,) = torch.autograd.grad(columns, x, grad)
    other = x.detach().permute(0, 4, 1, 2, 3).flatten(0, 1).requires_grad_()
    unfolded = F.unfold(other, kernel, padding=kernel // 2)
    by_image = grad[:, :-1].unflatten(-1, (-1, 4)).permute(0, 3, 1, 2).flatten(0, 1)
    (expected,) = torch.autograd.grad(unfolded, other, by_image)
    torch.testing.assert_close(found.permute(0, 4, 1, 2, 3).flatten(0, 1), expected)
