"""The published results of Tables 1.3 and 1.4, in the order of the chapter.

Both tables are for MNIST; the rows of Table 1.3 are the first two of Table 1.4.
"""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from analysis.published.deep import find_swap
from spaces.common.errors import UserError, quote
from spaces.hyperparameters import Hyperparameters
from spaces.specs.recipes import THETA


@dataclass(frozen=True)
class Published:
    """One row of Table 1.4.

    Attributes:
        title: what the chapter calls the architecture.
        theta: the published optimal hyperparameters.
        params: parameters relative to a 3x3 convolutional layer, by the chapter's counting.
        mults: multiplies relative to a 3x3 convolutional layer, mixing or convolution only.
        mean: mean test accuracy over 10 runs, in percent.
        std: its standard deviation, in percent.
    """

    title: str
    theta: Hyperparameters
    params: Fraction
    mults: Fraction
    mean: float
    std: float


def _make_row(title: str, theta: tuple[float, float, float, float], costs: str, mean: float, std: float) -> Published:
    params, mults = (Fraction(cost) for cost in costs.split())
    return Published(title, Hyperparameters(*theta), params, mults, mean, std)


PUBLISHED: dict[str, Published] = {
    "conv": _make_row("Convolutional", (0.1, 0.5, 1e-5, 1.5), "1 1", 97.3, 0.29),
    "invariant": _make_row("Invariant", (0.032, 0.9, 3.2e-5, 1.0), "7/9 7/36", 96.6, 0.26),
    "shifted-impulse": _make_row("Shifted impulses (a)", (0.32, 0.5, 1e-4, 1.0), "7/9 7/36", 97.9, 0.25),
    "shifted-gaussian": _make_row("Shifted gaussians (b)", (1.0, 0.0, 1e-5, 1.0), "7/9 7/4", 97.7, 0.56),
    "random": _make_row("Random 3x3 kernel (c)", (1.0, 0.9, 1e-5, 1.0), "7/9 7/4", 95.8, 1.01),
    "learned": _make_row("Learned 3x3 kernel (d)", (0.1, 0.5, 1e-4, 1.0), "7 7/4", 99.0, 0.12),
    "dct": _make_row("Learned 3 DCT coeffs (e)", (1.0, 0.0, 1e-5, 1.0), "7/3 7/4", 98.1, 0.37),
    "wide-conv": _make_row("Wide Convolutional", (0.32, 0.5, 1e-5, 1.5), "7 7", 98.7, 0.25),
}


def find_published_theta(name: str) -> Hyperparameters:
    """The published hyperparameters of an architecture: its own in Table 1.4, else those of section 1.5.2.

    Raises:
        UserError: the chapter gives none.
    """
    if find_swap(name) is not None:
        return THETA
    if name not in PUBLISHED:
        raise UserError(
            f"theta: the chapter gives none for {quote(name)}; it does for {', '.join(PUBLISHED)} and the networks "
            "of Tables 1.6 and 1.7; give lr=..,momentum=..,weight_decay=..,gain=.."
        )
    return PUBLISHED[name].theta
