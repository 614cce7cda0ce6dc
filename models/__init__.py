"""Networks: the scattering layer, the invariant layer and the architectures built from them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from models import hybrid, mnist, vgg
from models.architecture import Architecture, Family
from models.description import Description, Shape, assemble
from models.own import REGISTERED, split_kept
from spaces.common.errors import UserError, quote
from spaces.common.lookup import suggest_nearest
from spaces.hyperparameters import check_number

if TYPE_CHECKING:
    from torch import nn

ARCHITECTURES: dict[str, Architecture] = {
    **mnist.TABLE_1_4,
}
"""Architectures with names of their own."""

FAMILIES: dict[str, Family] = {"vgg": vgg.FAMILY, "scatnet": hybrid.FAMILY}
"""Further architectures, whose names describe them: ``invB+invC``, ``invC-B-w16``, ``scatnetD``."""

NOTHING: Mapping[str, Any] = MappingProxyType({})
MIN_SIZE = 4  # Two layers halve the size twice.


def find_architecture(name: str) -> Architecture:
    """The architecture of that name: of ``ARCHITECTURES``, of ``FAMILIES``, or the user's own that was registered.

    >>> find_architecture("wide-conv").title
    'Wide Convolutional'
    >>> find_architecture("invB+invC-C-w16").title
    'invB, invC (learned), C = 16'

    Raises:
        UserError: an unknown name; the message suggests the nearest one and lists the choices.
    """
    if name in REGISTERED:
        return REGISTERED[name]
    for found in (ARCHITECTURES.get(name), *(family.find(name) for family in FAMILIES.values())):
        if found is not None:
            return found
    if split_kept(name):
        raise UserError(f"architecture: {quote(name)}: no such copy is kept here; give --out the run that keeps it")
    known = [*ARCHITECTURES, *(member for family in FAMILIES.values() for member in family.members)]
    raise UserError(
        f"architecture: {quote(name)} is unknown; {suggest_nearest(name, known)}choose one of "
        f"{', '.join(ARCHITECTURES)}; "
        f"or of {'; or of '.join(family.words for family in FAMILIES.values())}"
    )


def name_at_width(name: str, width: int | None) -> str:
    """The name of a family's network at another width; None leaves it as it is.

    Raises:
        UserError: an unknown name, or an architecture with only one width.
    """
    find_architecture(name)
    if width is None:
        return name
    for family in FAMILIES.values():
        if family.find(name) is not None:
            return family.name_at(name, width)
    raise UserError(f"width: {name} has only one; leave it out")


def describe_architecture(
    name: str, input_shape: Shape = (1, 28, 28), classes: int = 10, further: Mapping[str, Any] = NOTHING
) -> Description:
    """The description of an architecture's network for images (C, H, W) of that shape.

    Args:
        name: a name that ``find_architecture`` knows.
        input_shape: (C, H, W) of one image.
        classes: the number of outputs.
        further: hyperparameters beyond the four of Table 1.2, by name.

    Raises:
        UserError: an unknown name, an architecture that is not made for such images, or hyperparameters that it does
            not take.
    """
    architecture = find_architecture(name)
    if not architecture.can_take(input_shape):
        sizes = " or ".join(f"{size} x {size}" for size in architecture.sizes)
        raise UserError(
            f"architecture: {name} is made for images of {sizes} pixels, not {' x '.join(map(str, input_shape[1:]))}; "
            "choose another data set or another architecture"
        )
    return architecture.configure(further).describe(classes, input_shape)


def build(
    name: str,
    *,
    gain: float,
    seed: int,
    input_shape: tuple[int, int, int] = (1, 28, 28),
    classes: int = 10,
    further: Mapping[str, Any] = NOTHING,
) -> nn.Sequential:
    """Builds a network with its initial weights; the same arguments give the same bits.

    Args:
        name: a name that ``find_architecture`` knows.
        gain: a of equation 1.5.1, on the convolutional, invariant or own layers only; above 0.
        seed: decides initial weights and fixed kernels, at least 0; the global generator is not touched.
        input_shape: (C, H, W) of one image; H and W at least 4.
        classes: the number of outputs.
        further: hyperparameters beyond the four of Table 1.2, by name.

    Returns:
        A network from (N, C, H, W) to (N, classes), on torch's default device; its weights are drawn on the CPU.

    Raises:
        UserError: an unknown name, or a value that is not allowed.
    """
    if len(input_shape) != 3 or input_shape[0] < 1 or min(input_shape[1:]) < MIN_SIZE:
        raise UserError(
            f"input shape: {input_shape!r} is not allowed; give (C, H, W) with C >= 1, H and W >= {MIN_SIZE}"
        )
    if classes < 1:
        raise UserError(f"classes: {classes!r} is not allowed; give at least 1")
    if not isinstance(seed, int) or not 0 <= seed < 2**63:
        raise UserError(f"seed: {seed!r} is not allowed; give a whole number from 0 to 2^63 - 1")
    description = describe_architecture(name, input_shape, classes, further)
    import torch

    generator = torch.Generator("cpu").manual_seed(seed)
    return assemble(description, input_shape, check_number("gain", gain), generator).to(torch.get_default_device())


__all__ = [
    "ARCHITECTURES",
    "FAMILIES",
    "REGISTERED",
    "Architecture",
    "Family",
    "build",
    "describe_architecture",
    "find_architecture",
]
