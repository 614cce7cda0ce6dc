"""The published results of Tables 1.6 and 1.7: top-1 accuracies in percent on CIFAR and Tiny ImageNet."""

from __future__ import annotations

import re
from typing import NamedTuple

DATASETS = {"cifar10": "CIFAR-10", "cifar100": "CIFAR-100", "tiny-imagenet": "Tiny ImgNet"}
"""Our names of the column groups, in the order of the chapter."""

MIXINGS = ("A", "B", "C")
"""The columns of each group: 1x1, shifted impulse, learned 3x3."""

SEEDS = 5

Cells = tuple[float | None, ...]


def _make_row(*groups: Cells) -> dict[str, Cells]:
    """The cells of a row by data set; columns that the chapter leaves blank are None."""
    return {name: (*group, None, None)[:3] for name, group in zip(DATASETS, groups, strict=True)}


ABLATION: dict[str, dict[str, Cells]] = {
    "ref": _make_row((92.6,), (72.0,), (59.3,)),
    "invA": _make_row((92.3, 92.4, 92.3), (71.4, 71.4, 70.7), (60.0, 60.5, 59.2)),
    "invB": _make_row((93.4, 93.2, 93.4), (73.4, 72.9, 72.3), (61.3, 60.7, 61.0)),
    "invC": _make_row((93.7, 93.2, 93.4), (73.7, 73.5, 73.0), (61.7, 62.0, 61.0)),
    "invD": _make_row((92.7, 92.6, 92.8), (72.5, 72.4, 72.1), (61.5, 61.2, 59.7)),
    "invE": _make_row((91.8, 92.2, 92.5), (71.1, 71.7, 71.8), (60.7,)),
    "invF": _make_row((92.4, 92.9, 92.7), (70.3, 71.1, 71.7), (59.8, 59.9, 58.6)),
    "invA+invB": _make_row((92.6, 91.8, 92.4), (71.1, 71.2, 70.2), (58.9, 60.4, 59.3)),
    "invB+invC": _make_row((92.2, 91.8, 92.3), (71.3, 70.9, 70.5), (59.6, 59.2, 59.3)),
    "invC+invD": _make_row((92.5, 92.0, 92.9), (72.1, 72.2, 72.2), (60.7, 61.4, 60.0)),
    "invD+invE": _make_row((90.4, 91.2, 91.9), (68.6, 69.7, 70.5), (58.9, 59.1, 58.1)),
    "invA+invC": _make_row((92.2, 92.0, 92.5), (71.7, 71.0, 70.7), (59.4, 59.6, 60.1)),
    "invB+invD": _make_row((92.8, 92.3, 82.8), (73.0, 72.3, 71.8), (61.4, 60.8, 59.5)),
    "invC+invE": _make_row((91.5, 92.0, 92.3), (70.9, 71.7, 72.4), (61.2,)),
}
"""Table 1.6: swap -> data set -> accuracies with mixing A, B and C."""

ALL = "invAll"
"""All layers swapped at once, which section 1.5.2 announces and no table shows."""

SUSPICIOUS = ("invB+invD", "cifar10", "C")
"""82.8, ten points below all its neighbours: a slip of the pen for 92.8, probably."""


class Hybrid(NamedTuple):
    """A row of Table 1.7.

    Attributes:
        title: what the chapter calls it.
        layers: learned convolutional layers.
        params: millions of parameters.
        mults: millions of multiplies per 32x32x3 image.
        accuracies: in the order of ``DATASETS``.
        estimated: the numbers that the chapter marks as estimated from descriptions: ``params``, ``mults``.
    """

    title: str
    layers: int
    params: float
    mults: float
    accuracies: tuple[float, ...]
    estimated: tuple[str, ...] = ()


HYBRIDS: dict[str, Hybrid] = {
    "scatnetA": Hybrid("ScatNet A", 4, 2.6, 165, (89.4, 67.0, 58.1)),
    "scatnetB": Hybrid("ScatNet B", 6, 2.7, 167, (91.1, 70.7, 59.6)),
    "scatnetC": Hybrid("ScatNet C", 5, 3.7, 251, (91.6, 70.8, 60.8)),
    "scatnetD": Hybrid("ScatNet D", 7, 4.3, 294, (93.0, 73.5, 62.1)),
}
"""Table 1.7, our part; the accuracies on Tiny ImageNet stand in section 1.5.3, for six convolutions after the front."""

OTHERS: tuple[Hybrid, ...] = (
    Hybrid("All Conv", 8, 1.4, 281, (92.8, 66.3), ("mults",)),
    Hybrid("VGG16", 16, 138, 313, (91.6,), ("params", "mults")),
    Hybrid("FitNet", 19, 2.5, 382, (91.6, 65.0)),
    Hybrid("ResNet-1001", 1000, 10.2, 4453, (95.1, 77.3), ("mults",)),
    Hybrid("WRN-28-10", 28, 36.5, 5900, (96.1, 81.2), ("mults",)),
)
"""Table 1.7, the networks of others, as their authors report them."""


class Swap(NamedTuple):
    """What the name of a network says: ``invB+invC-C-w16``."""

    row: str
    mixing: str
    width: int | None


NAME = re.compile(r"(?P<row>[A-Za-z+]+?)(-(?P<mixing>[BC]))?(-w(?P<width>\d+))?")


def find_swap(name: str) -> Swap | None:
    """The row and column of a network in Table 1.6 or the row in Table 1.7; None if it stands in neither."""
    match = NAME.fullmatch(name)
    if match is None or match["row"] not in {*ABLATION, ALL, *HYBRIDS}:
        return None
    return Swap(match["row"], match["mixing"] or "A", None if match["width"] is None else int(match["width"]))
