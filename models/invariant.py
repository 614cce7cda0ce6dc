"""The locally invariant layer: scattering, then mixing (equations 1.3.4 and 1.5.2)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from models.description import SUBBANDS
from models.kernels import KERNELS
from models.scattering import scatter
from spaces.common.errors import UserError
from spaces.common.lookup import choose


def mix(z: Tensor, kernel: Tensor, bias: Tensor | None = None) -> Tensor:
    """Y of equation 1.5.2, (N, Q, H, W) to (N, F, H, W); a 3x3 kernel sees zeros outside the image."""
    if kernel.shape[2:] == (1, 1):
        # scatter's z is batch-last, so this is one matrix product on a view of it.
        pixels = z.permute(1, 2, 3, 0)
        weights, flat = kernel.flatten(1), pixels.flatten(1)
        y = weights @ flat if bias is None else torch.addmm(bias[:, None], weights, flat)
        return y.reshape(y.shape[0], *pixels.shape[1:]).permute(3, 0, 1, 2)
    # Channels-last is what convolution is fastest on; spelled so because vmap has no contiguous(memory_format=...).
    channels_last = z.permute(0, 2, 3, 1).contiguous().permute(0, 3, 1, 2)
    return F.conv2d(channels_last, kernel, bias, padding=kernel.shape[-1] // 2)


class InvariantLayer(nn.Module):
    """z, then its mixing with a bias; the nonlinearity of equation 1.3.6 is a module of its own.

    Args:
        in_channels: C of the input (N, C, H, W).
        out_channels: F of the output (N, F, ceil(H/2), ceil(W/2)).
        mixing: a name of ``KERNELS``.
        gain: a of equation 1.5.1, on the learned weights only.
        generator: draws the learned weights and the fixed kernels.
        dct_scale: the factor on the orthonormal DCT images; only for mixing ``dct``.
        bias: whether there is one; batch normalisation after the layer would cancel it.

    Attributes:
        kernel: the mixing kernel, with the learned weights ``A``.
        bias: (F,), initially zero, or None.

    Raises:
        UserError: unknown mixing, or an input without ``in_channels`` channels.
    """

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        mixing: str = "1x1",
        gain: float,
        generator: torch.Generator,
        dct_scale: float = 1 / 9,
        bias: bool = True,
    ) -> None:
        super().__init__()
        kind = choose("mixing", mixing, KERNELS)
        self.in_channels, self.out_channels, self.mixing = in_channels, out_channels, mixing
        options = {"scale": dct_scale} if mixing == "dct" else {}
        self.kernel = kind(out_channels, SUBBANDS * in_channels, gain, generator, **options)
        self.bias = nn.Parameter(torch.zeros(out_channels, device=generator.device)) if bias else None

    def forward(self, x: Tensor) -> Tensor:
        """Maps (N, C, H, W) to (N, F, ceil(H/2), ceil(W/2))."""
        z = scatter(x)
        if x.shape[1] != self.in_channels:
            raise UserError(
                f"invariant layer: the input has {x.shape[1]} channels; it must have the {self.in_channels} the layer "
                "was built for; rebuild the layer or change the input"
            )
        return mix(z, self.kernel(), self.bias)

    def extra_repr(self) -> str:
        """What ``print`` shows."""
        return f"{self.in_channels}, {self.out_channels}, mixing={self.mixing!r}"
