import re
from fractions import Fraction

import pytest

from analysis.evidence import gather
from analysis.published.mnist import PUBLISHED, find_published_theta
from analysis.records.reader import read_run
from models.mnist import TABLE_1_4
from spaces import UserError

# Table 1.4 as the chapter prints it: title, theta, param, mults, mean, std.
TEXT = r"""
Convolutional | 0.1, 0.5, 10^{-5}, 1.5 | 1 | 1 | 97.3 | 0.29
Invariant | 0.032, 0.9, 3.2 \times 10^{-5}, 1.0 | 7/9 | 7/36 | 96.6 | 0.26
Shifted impulses (a) | 0.32, 0.5, 10^{-4}, 1.0 | 7/9 | 7/36 | 97.9 | 0.25
Shifted gaussians (b) | 1.0, 0.0, 10^{-5}, 1.0 | 7/9 | 7/4 | 97.7 | 0.56
Random 3x3 kernel (c) | 1.0, 0.9, 10^{-5}, 1.0 | 7/9 | 7/4 | 95.8 | 1.01
Learned 3x3 kernel (d) | 0.1, 0.5, 10^{-4}, 1.0 | 7 | 7/4 | 99.0 | 0.12
Learned 3 DCT coeffs (e) | 1.0, 0.0, 10^{-5}, 1.0 | 7/3 | 7/4 | 98.1 | 0.37
Wide Convolutional | 0.32, 0.5, 10^{-5}, 1.5 | 7 | 7 | 98.7 | 0.25
"""


@pytest.mark.parametrize(
    ("line", "name"), list(zip(TEXT.strip().splitlines(), PUBLISHED, strict=True)), ids=list(PUBLISHED)
)
def test_a_row_is_that_of_the_text(line, name) -> None:
    title, theta, params, mults, mean, std = line.split(" | ")
    plain = re.sub(r"(?:(\S+) \\times )?10\^\{(-\d)\}", lambda match: f"{match[1] or 1}e{match[2]}", theta)
    row = PUBLISHED[name]
    assert row.title == title
    assert find_published_theta(name) == row.theta
    assert tuple(row.theta.as_dict().values()) == tuple(float(value) for value in plain.split(", "))
    assert (row.params, row.mults) == (Fraction(params), Fraction(mults))
    assert (row.mean, row.std) == (float(mean), float(std))


@pytest.mark.parametrize("name", ["ref", "invB+invC-C", "invAll-w16", "scatnetD"])
def test_the_networks_of_tables_1_6_and_1_7_have_the_theta_of_section_1_5_2(name: str) -> None:
    assert find_published_theta(name).as_dict() == {"lr": 0.5, "momentum": 0.85, "weight_decay": 1e-4, "gain": 1.0}


def test_an_architecture_that_the_text_does_not_have() -> None:
    with pytest.raises(UserError, match="the chapter gives none for 'vgg'; it does for conv, invariant, "):
        find_published_theta("vgg")


def test_the_networks_are_those_of_the_text_in_its_order() -> None:
    assert [(name, network.title) for name, network in TABLE_1_4.items()] == [
        (name, row.title) for name, row in PUBLISHED.items()
    ]


@pytest.mark.parametrize("margin", [0.0, -1.0, 100.0, 1e308, float("nan"), float("inf")])
def test_a_margin_of_nothing_or_everything(full, margin: float) -> None:
    with pytest.raises(UserError, match=r"margin: .* is not allowed; give points between 0 and 100, such as 0.5"):
        gather([read_run(full.write())], margin)
