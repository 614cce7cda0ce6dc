"""The VGG-like reference of Table 1.5 and its swaps of Table 1.6: some convolutions become invariant layers.

``invB+invC-C`` has invariant layers in place of convB and convC with mixing C; ``invAll`` has no convolution. An
invariant layer halves the size, and is upsampled to keep it, but for those that take the place of a pooling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial
from itertools import combinations

from models.architecture import Architecture, Family, make_at_width
from models.deep_layers import BareConv, BareInvariant, Upsample, make_head, normalise
from models.description import Description, Layer, MaxPool, Shape

LETTERS = {32: "ABCDEF", 64: "ABCDEFGH"}
"""The layers for images of that size: two for each halving down to 8 x 8, then the average pooling."""

MIXINGS = {"A": "1x1", "B": "shifted-impulse", "C": "learned"}
"""The columns of Table 1.6, by names of ``models.kernels.KERNELS``."""

WIDTH = 64


def list_layers(
    letters: str, swapped: str, make: Callable[[int], Layer], width: int, stem: str = "inv", halves: bool = True
) -> Iterator[tuple[str, Layer]]:
    """Names and layers down to the last 8 x 8 activations.

    Args:
        letters: the layers.
        swapped: those that are no convolutions.
        make: makes one of these for a number of channels.
        width: C, the channels of the first layer.
        stem: with which the names of these begin.
        halves: whether they halve the size.
    """
    # A pooling stands after every second layer but the last. An invariant layer just before or after takes its place;
    # of two it is the first, and the second keeps its size. The average pooling is never replaced.
    halving = {
        before: next((letter for letter in (before, after) if halves and letter in swapped), None)
        for before, after in zip(letters[1:-1:2], letters[2::2], strict=True)
    }
    for place, letter in enumerate(letters):
        out = width << place // 2
        if letter in swapped:
            yield f"{stem}{letter}", make(out)
            if halves and letter not in halving.values():
                yield f"up{letter}", Upsample()
        else:
            yield f"conv{letter}", BareConv(out)
        yield from normalise(letter)
        if letter in halving and halving[letter] is None:
            yield f"pool{list(halving).index(letter) + 1}", MaxPool()


def describe(swapped: str | None, mixing: str, width: int, classes: int, shape: Shape) -> Description:
    """The network for images of a size of ``LETTERS``; every layer is swapped where ``swapped`` is None."""
    letters = LETTERS[shape[1]]
    make = partial(BareInvariant, mixing=mixing)
    return dict(list_layers(letters, letters if swapped is None else swapped, make, width)) | make_head(classes)


def swap(swapped: str | None, column: str = "A") -> Callable[[int], Architecture]:
    """What makes the network of a width with those layers swapped; every layer where ``swapped`` is None."""
    layer_names = "all" if swapped is None else ", ".join(f"inv{letter}" for letter in swapped)
    title = f"{layer_names or 'reference'}{'' if column == 'A' else f' ({MIXINGS[column]})'}"
    sizes = tuple(size for size, letters in LETTERS.items() if set(swapped or "") <= set(letters))
    return partial(make_at_width, title, WIDTH, partial(describe, swapped, MIXINGS[column]), sizes)


def list_members() -> Iterator[tuple[str, Callable[[int], Architecture]]]:
    """The reference, then the swaps of one layer, of two and of all; mixing A goes without saying."""
    yield "ref", swap("")
    for column in MIXINGS:
        suffix = "" if column == "A" else f"-{column}"
        for count in (1, 2):
            for chosen in combinations(LETTERS[64], count):
                yield "+".join(f"inv{letter}" for letter in chosen) + suffix, swap("".join(chosen), column)
        yield f"invAll{suffix}", swap(None, column)


FAMILY = Family(
    about="Tables 1.5 and 1.6: the VGG-like reference, and one, two or all of its convolutions made invariant layers",
    words="ref, invA to invH (invG and invH for 64x64 images), two of them such as invB+invC, invAll; "
    "these for mixing B or C with -B or -C; any for another width than 64 with -w16",
    width=WIDTH,
    members=dict(list_members()),
    typical=("ref", "invA", "invC-B", "invF-C", "invH", "invB+invC", "invC+invD-C", "invAll"),
)
