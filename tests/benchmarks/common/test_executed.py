"""Counts against closed forms that are worked out here by hand."""

import pytest

from benchmarks.common.executed import count_executed, count_flops_per_image
from models import describe_architecture
from models.description import Conv, Invariant, MaxPool, Relu, Scatter

MNIST = (1, 28, 28)
LINEAR = 2 * (2401 * 10) + 3 * (10 * 10)  # A fixed map: outputs and inputs. A learned one: its weights too.


def total(description, shape, **options):
    return sum(work.total for work in count_executed(description, shape, **options))


def test_conv():
    # 36 products a 4x4 tile and pair of channels; the first layer's input needs no gradient.
    first = 2 * 36 * (7 * 7) * (1 * 7)
    second = 3 * 36 * (4 * 4) * (7 * 49)
    assert total(describe_architecture("conv"), MNIST) == first + second + LINEAR


def test_gradients_behind_pooling():
    # 9 products a window and pair of channels; outputs and the unpooled are as before.
    first = 36 * (7 * 7) * (1 * 7) + 9 * (14 * 14) * (1 * 7)
    second = 36 * (4 * 4) * (7 * 49) + 2 * 9 * (7 * 7) * (7 * 49)
    assert total(describe_architecture("conv"), MNIST, sparse=True) == first + second + LINEAR
    assert total(describe_architecture("learned"), MNIST, sparse=True) == total(describe_architecture("learned"), MNIST)


def test_conv_directly():
    first = 2 * 9 * (28 * 28) * (1 * 7)
    second = 3 * 9 * (14 * 14) * (7 * 49)
    assert total(describe_architecture("conv"), MNIST, direct=True) == first + second + LINEAR


def test_invariant():
    # 7 multiplies a pixel along rows; a quad's columns: 2 columns x 3 of the pooled lowpass, 4 pixels x (4 + 3 + 4).
    per_quad = 4 * 7 + 2 * 3 + 4 * 11
    first = 196 * per_quad + 2 * 196 * (7 * 7)
    second = 2 * 7 * 49 * per_quad + 3 * 49 * (49 * 49)
    assert total(describe_architecture("invariant"), MNIST) == first + second + LINEAR


def test_wide_conv():
    first = 2 * 36 * (14 * 14) * 10
    second = 3 * 36 * (7 * 7) * (10 * 100)
    linear = 2 * (4900 * 10) + 3 * (10 * 10)
    assert total(describe_architecture("wide-conv"), MNIST) == first + second + linear


@pytest.mark.parametrize("name", ["random", "learned"])
def test_3x3_mixing_is_a_convolution_of_all_subbands(name):
    per_quad = 78
    first = 196 * per_quad + 2 * 36 * (4 * 4) * (7 * 7)
    # 7x7 outputs are 2x2 tiles.
    second = 2 * 7 * 49 * per_quad + 3 * 36 * (2 * 2) * (49 * 49)
    assert total(describe_architecture(name), MNIST) == first + second + LINEAR


def test_mixings_of_a_known_form_multiply_less():
    shape, pairs = (2, 10, 12), 14 * 3
    below = {"inv1": Invariant(2)}

    def mixing(name):
        *_, work = count_executed(below | {"inv2": Invariant(3, name)}, (1, 20, 24))
        assert work.outputs == work.weights == work.inputs
        return work.total

    assert mixing("dct") == 3 * pairs * 3 * (5 * 6)
    assert mixing("shifted-gaussian") == 3 * pairs * (5 * 6)
    # Of six pixels in a row, an impulse at the left or right meets five.
    assert mixing("shifted-impulse") == 3 * pairs / 3 * 5 * (5 + 6 + 5)
    assert total({"inv": Invariant(3, "dct")}, shape, direct=True) == total(
        {"inv": Invariant(3, "learned")}, shape, direct=True
    )


def test_odd_sizes():
    # 5x3 without pooling: 2x1 tiles; with it: one, of 4x2 outputs. Scattering extends 5x3 to 6x4, whose last row costs
    # nothing forward.
    assert total({"conv": Conv(4)}, (2, 5, 3)) == 2 * 36 * 2 * 8
    assert total({"conv": Conv(4), "relu": Relu(), "pool": MaxPool()}, (2, 5, 3)) == 2 * 36 * 8
    assert total({"conv": Conv(4), "pool": MaxPool(), "relu": Relu()}, (2, 5, 3)) == 2 * 36 * 8
    assert total({"z": Scatter()}, (2, 5, 3)) == 2 * (7 * 5 * 4 + 50 * 6)


def test_what_is_not_winograd():
    assert total({"conv": Conv(4, kernel=1)}, (2, 5, 3)) == 2 * 15 * 8
    assert total({"conv": Conv(4, kernel=7)}, (2, 5, 3)) == 2 * 49 * 15 * 8


def test_flops_are_two_a_multiply_add():
    description = {"inv": Invariant(3)}
    assert count_flops_per_image(description, (2, 4, 4)) == 2 * total(description, (2, 4, 4))
