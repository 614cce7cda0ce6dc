import torch

from benchmarks.common.contenders import copy_from_blocks, copy_to_blocks, measure_difference, put_batch_last


def test_blocks_hold_their_images_pixel_by_pixel():
    x = torch.randn(32, 3, 5, 4)
    blocks = copy_to_blocks(x, 16)
    assert blocks.shape == (2, 3, 5, 4, 16)
    assert torch.equal(blocks[1, 2, 4, 3], x[16:, 2, 4, 3])
    assert torch.equal(copy_from_blocks(blocks), x)


def test_batch_last_changes_the_layout_only():
    x = torch.randn(4, 3, 2, 2)
    assert torch.equal(put_batch_last(x), x)
    assert put_batch_last(x).stride(0) == 1


def test_difference_is_relative_to_each_tensors_largest_number():
    reference = [torch.tensor([1.0, 10.0]), torch.tensor([100.0])]
    assert measure_difference([torch.tensor([2.0, 10.0]), torch.tensor([101.0])], reference) == torch.tensor(0.1)
