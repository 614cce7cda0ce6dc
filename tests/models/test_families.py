"""The contract of the families' networks: a typical set of each, for every size of image that it is made for."""

import io

import pytest
import torch
import torch.nn.functional as F

from models import ARCHITECTURES, FAMILIES, build, describe_architecture, find_architecture, name_at_width
from models.description import Conv, Invariant
from models.native import has_native_program
from spaces.common import fields
from spaces.common.errors import UserError

WIDTH = 4
TYPICAL = [
    (f"{name}-w{WIDTH}", (3, size, size))
    for family in FAMILIES.values()
    for name in family.typical
    for size in find_architecture(name).sizes
]
every = pytest.mark.parametrize(("name", "shape"), TYPICAL)


def images(shape, n=4):
    return torch.randn((n, *shape), generator=torch.Generator().manual_seed(0))


def gained(name, shape):
    """The parameters that the gain scales: the weights of the convolutional and invariant layers."""
    layers = describe_architecture(name, shape).items()
    return {f"{key}.weight" for key, layer in layers if isinstance(layer, Conv)} | {
        f"{key}.kernel.A" for key, layer in layers if isinstance(layer, Invariant)
    }


def test_a_typical_set_is_of_the_family_and_has_every_size():
    for family in FAMILIES.values():
        assert set(family.typical) <= set(family.members)
        sizes = {find_architecture(name).sizes for name in family.members}
        assert {find_architecture(name).sizes for name in family.typical} == sizes


@every
@pytest.mark.parametrize("classes", [10, 3])
def test_output_shape(name, shape, classes):
    network = build(name, gain=1.0, seed=0, input_shape=shape, classes=classes)
    assert network(images(shape)).shape == (4, classes)


@every
def test_description_foretells_the_built_networks_shapes(name, shape):
    description = describe_architecture(name, shape)
    x = images(shape, 2)
    for child, module in build(name, gain=1.0, seed=0, input_shape=shape).named_children():
        x, shape = module(x), description[child].shape_after(shape)
        assert tuple(x.shape[1:]) == shape, child


@every
def test_descriptions_are_plain_values(name, shape):
    assert describe_architecture(name, shape) == describe_architecture(name, shape)
    assert hash(tuple(describe_architecture(name, shape).values()))


@every
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(name, shape, memory_format):
    network = build(name, gain=1.0, seed=0, input_shape=shape).to(memory_format=memory_format)  # pyright: ignore
    F.cross_entropy(network(images(shape)), torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@every
def test_initial_weights(name, shape):
    """Glorot uniform (equation 1.5.1): a bound that is nearly reached, and no other scale."""
    network = build(name, gain=0.5, seed=0, input_shape=shape)
    scaled = gained(name, shape)
    for key, value in network.named_parameters():
        if value.dim() == 1:
            assert (value == (1 if key.startswith("bn") and key.endswith("weight") else 0)).all(), key
            continue
        outputs, inputs, *kernel = value.shape
        area = kernel[0] * kernel[1] if kernel else 1
        bound = (0.5 if key in scaled else 1.0) * (6 / ((inputs + outputs) * area)) ** 0.5
        assert 0.9 * bound < value.abs().max() <= bound * (1 + 1e-6), key


@every
def test_gain_scales_exactly_the_convolutional_and_invariant_layers(name, shape):
    plain, scaled = (build(name, gain=gain, seed=0, input_shape=shape).state_dict() for gain in (1.0, 1.5))
    assert gained(name, shape) <= set(plain)
    for key, value in plain.items():
        assert torch.equal(scaled[key], 1.5 * value if key in gained(name, shape) else value), key


@every
def test_seed_decides_the_weights(name, shape):
    first, again, other = (build(name, gain=1.5, seed=seed, input_shape=shape).state_dict() for seed in (0, 0, 1))
    drawn = gained(name, shape) | {"fc1.weight"} | {key for key in first if key.endswith("alpha")}
    for key, value in first.items():
        assert torch.equal(value, again[key]), key
        assert torch.equal(value, other[key]) == (key not in drawn), key


@every
def test_checkpoint_round_trip_keeps_the_running_means(name, shape):
    source, target = (build(name, gain=1.0, seed=seed, input_shape=shape) for seed in (0, 1))
    x = images(shape)
    source(x)  # Moves the running means.
    file = io.BytesIO()
    torch.save(source.state_dict(), file)
    file.seek(0)
    assert not torch.equal(source.eval()(x), target.eval()(x))
    target.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(source(x), target(x))


@every
def test_global_generator_is_untouched(name, shape):
    before = torch.get_rng_state()
    build(name, gain=1.0, seed=0, input_shape=shape)
    assert torch.equal(torch.get_rng_state(), before)


@every
def test_the_native_engine_is_not_for_them(name, shape):
    assert not has_native_program(describe_architecture(name, shape))


def test_every_name_is_that_of_a_record_at_any_width():
    for family in FAMILIES.values():
        for name in family.members:
            fields.NAME.check("architecture", f"{name}-w256")


def test_names_and_titles_are_different():
    names = [*ARCHITECTURES, *(name for family in FAMILIES.values() for name in family.members)]
    titles = [find_architecture(name).title for name in [*names, *(f"{n}-w8" for n in names if n not in ARCHITECTURES)]]
    assert len(set(names)) == len(names)
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize(
    ("name", "usual"),
    [
        ("invC+invB", "invB+invC"),
        ("invC-A", "invC"),
        ("invc-b", "invC-B"),
        ("ref-w64", "ref"),
        ("invD+invA-C-w64", "invA+invD-C"),
        ("invall-w16", "invAll-w16"),
        ("scatnetA-w96", "scatnetA"),
        ("scatnetd", "scatnetD"),
    ],
)
def test_one_network_has_one_name(name, usual):
    with pytest.raises(UserError, match=rf"'{name.replace('+', '[+]')}' .* write {usual.replace('+', '[+]')}$"):
        find_architecture(name)
    assert find_architecture(usual)


@pytest.mark.parametrize("name", ["invI", "invB+invB", "invC-D", "invC-w16-B", "conv-w8", "", "inv"])
def test_an_unknown_name_gets_the_good_ones_in_one_line(name):
    with pytest.raises(UserError, match=r"architecture: .* is unknown; ") as caught:
        find_architecture(name)
    message = str(caught.value)
    assert "\n" not in message
    for good in (*ARCHITECTURES, "ref", "invA to invH", "invB+invC", "invAll", "scatnetA to scatnetD", "-w16"):
        assert good in message


@pytest.mark.parametrize(
    ("name", "shape", "words"),
    [
        ("invG", (3, 32, 32), "architecture: invG is made for images of 64 x 64 pixels, not 32 x 32; choose"),
        ("invA+invH", (3, 32, 32), "64 x 64 pixels, not 32 x 32"),
        ("ref", (1, 28, 28), "32 x 32 or 64 x 64 pixels, not 28 x 28"),
        ("scatnetB-w8", (3, 32, 64), "32 x 32 or 64 x 64 pixels, not 32 x 64"),
    ],
)
def test_images_of_another_size_are_refused(name, shape, words):
    with pytest.raises(UserError, match=words):
        build(name, gain=1.0, seed=0, input_shape=shape)


@pytest.mark.parametrize(
    "name", ["ref-w257", "invC-B-w9999", "scatnetA-w99999", "ref-w0", "ref-w007", "ref-w1.5", "ref-w"]
)
def test_widths_that_there_are_not_in_a_name(name):
    with pytest.raises(UserError, match="is not a width; give -w1 to -w256"):
        find_architecture(name)


@pytest.mark.parametrize("width", [0, 257, 100_000])
def test_widths_that_there_are_not(width):
    with pytest.raises(UserError, match=f"width: {width} is not allowed; give a whole number from 1 to 256"):
        name_at_width("ref", width)
