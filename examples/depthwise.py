"""A layer of one's own: a depthwise separable convolution, to compare with others on any data set.

invsearch sweep --architectures conv,examples/depthwise.py:Depthwise --samples 16 --out runs/depthwise
"""

from __future__ import annotations

from torch import Tensor, nn


class Depthwise(nn.Module):
    """A k x k convolution of each channel, then a mixing of the channels; it keeps the size of an image.

    Args:
        in_channels: of the input (N, C, H, W).
        out_channels: of the output.
        kernel: height and width of the kernels, odd.
    """

    def __init__(self, in_channels: int, out_channels: int, kernel: int = 3) -> None:
        super().__init__()
        self.depthwise = nn.Conv2d(
            in_channels, in_channels, kernel, padding=kernel // 2, groups=in_channels, bias=False
        )
        self.pointwise = nn.Conv2d(in_channels, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, out_channels, H, W)."""
        return self.pointwise(self.depthwise(x))
