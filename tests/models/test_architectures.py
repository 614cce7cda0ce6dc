"""The contract of every architecture."""

import io
import math

import pytest
import torch
import torch.nn.functional as F
from torch.func import functional_call, grad, stack_module_state, vmap

from models import ARCHITECTURES, build
from models.mnist import TABLE_1_4
from spaces.common.errors import UserError

# Learned weights and biases of the two layers, by equations 1.2.1, 1.4.2 and 1.5.2; then those of reshuffle.
PARAMETERS = {
    "conv": (9 * 1 * 7 + 7) + (9 * 7 * 49 + 49) + (10 * 10 + 10),
    "invariant": (7 * 1 * 7 + 7) + (7 * 7 * 49 + 49) + (10 * 10 + 10),
    "shifted-impulse": (7 * 1 * 7 + 7) + (7 * 7 * 49 + 49) + (10 * 10 + 10),
    "shifted-gaussian": (7 * 1 * 7 + 7) + (7 * 7 * 49 + 49) + (10 * 10 + 10),
    "random": (7 * 1 * 7 + 7) + (7 * 7 * 49 + 49) + (10 * 10 + 10),
    "learned": (9 * 7 * 1 * 7 + 7) + (9 * 7 * 7 * 49 + 49) + (10 * 10 + 10),
    "dct": (3 * 7 * 1 * 7 + 7) + (3 * 7 * 7 * 49 + 49) + (10 * 10 + 10),
    "wide-conv": (25 * 1 * 10 + 10) + (25 * 10 * 100 + 100) + (10 * 10 + 10),
}
every = pytest.mark.parametrize("name", ARCHITECTURES)
of_the_text = pytest.mark.parametrize("name", PARAMETERS)


def images(n=4, shape=(1, 28, 28)):
    return torch.randn((n, *shape), generator=torch.Generator().manual_seed(0))


def gained(key):
    """Whether a state dict's entry is a weight of the two layers under study."""
    return key.endswith(".kernel.A") or key in ("conv1.weight", "conv2.weight")


def test_names_and_titles_are_table_1_4s_in_its_order():
    assert list(TABLE_1_4) == list(PARAMETERS)
    assert [architecture.title for architecture in TABLE_1_4.values()] == [
        "Convolutional",
        "Invariant",
        "Shifted impulses (a)",
        "Shifted gaussians (b)",
        "Random 3x3 kernel (c)",
        "Learned 3x3 kernel (d)",
        "Learned 3 DCT coeffs (e)",
        "Wide Convolutional",
    ]


@every
@pytest.mark.parametrize(("shape", "classes"), [((1, 28, 28), 10), ((3, 13, 6), 4), ((1, 4, 4), 2)])
def test_output_shape(name, shape, classes):
    network = build(name, gain=1.0, seed=0, input_shape=shape, classes=classes)
    assert network(images(3, shape)).shape == (3, classes)


@of_the_text
def test_parameter_count(name):
    network = build(name, gain=1.0, seed=0)
    assert sum(parameter.numel() for parameter in network.parameters() if parameter.requires_grad) == PARAMETERS[name]


@every
def test_every_parameter_gets_a_finite_gradient_that_is_not_zero(name):
    network = build(name, gain=1.0, seed=0)
    F.cross_entropy(network(images()), torch.arange(4)).backward()
    for key, parameter in network.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@every
def test_seed_decides_the_weights(name):
    first, again, other = (build(name, gain=1.5, seed=seed).state_dict() for seed in (0, 0, 1))
    for key, value in first.items():
        assert torch.equal(value, again[key]), key
        same = torch.equal(value, other[key])
        assert same == (key.endswith("bias") or key.endswith("basis")), key


@of_the_text
def test_gain_scales_exactly_the_two_layers(name):
    plain, scaled = (build(name, gain=gain, seed=0).state_dict() for gain in (1.0, 1.5))
    assert sum(gained(key) for key in plain) == 2
    for key, value in plain.items():
        assert torch.equal(scaled[key], 1.5 * value if gained(key) else value), key


@of_the_text
def test_biases_start_at_zero_and_the_tail_at_gain_root_2(name):
    network = build(name, gain=0.5, seed=0)
    for key, value in network.state_dict().items():
        if key.endswith("bias"):
            assert (value == 0).all(), key
    project, reshuffle = network.state_dict()["project.weight"], network.state_dict()["reshuffle.weight"]
    for weight in (project, reshuffle):
        bound = math.sqrt(2) * math.sqrt(6 / sum(weight.shape))
        assert 0.95 * bound < weight.abs().max() <= bound


@of_the_text
def test_project_is_fixed(name):
    network = build(name, gain=1.0, seed=0)
    assert "project.weight" in network.state_dict()
    assert not any(key.startswith("project") for key, _ in network.named_parameters())


@every
def test_checkpoint_round_trip(name):
    source, target = build(name, gain=1.0, seed=0), build(name, gain=2.0, seed=1)
    x = images()
    assert not torch.equal(source(x), target(x))
    file = io.BytesIO()
    torch.save(source.state_dict(), file)
    file.seek(0)
    target.load_state_dict(torch.load(file, weights_only=True))
    assert torch.equal(source(x), target(x))


@every
def test_global_generator_is_untouched(name):
    before = torch.get_rng_state()
    build(name, gain=1.0, seed=0)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize("name", [*ARCHITECTURES, "invB+invC", "scatnetA", "scatnetD"])
def test_a_network_is_built_whole_on_the_default_device(name):
    shape = (1, 28, 28) if name in ARCHITECTURES else (3, 32, 32)
    with torch.device("meta"):
        net = build(name, gain=1.0, seed=3, input_shape=shape)
        assert net(torch.zeros(2, *shape)).shape == (2, 10)
    assert {tensor.device.type for tensor in net.state_dict().values()} == {"meta"}


@every
def test_networks_of_several_seeds_train_together_under_vmap(name):
    networks = [build(name, gain=1.0, seed=seed) for seed in range(2)]
    parameters, buffers = stack_module_state(networks)
    x, labels = images(2), torch.arange(2)

    def loss(p, b):
        return F.cross_entropy(functional_call(networks[0], (p, b), (x,)), labels)

    together = vmap(grad(loss))(parameters, buffers)
    for index, network in enumerate(networks):
        F.cross_entropy(network(x), labels).backward()
        for key, parameter in network.named_parameters():
            torch.testing.assert_close(together[key][index], parameter.grad, rtol=1e-3, atol=1e-5)


def test_unknown_name_lists_all_and_suggests_the_nearest():
    with pytest.raises(UserError, match="did you mean shifted-impulse") as caught:
        build("shifted_impulse", gain=1.0, seed=0)
    assert all(name in str(caught.value) for name in ARCHITECTURES)


@pytest.mark.parametrize(
    ("options", "complaint"),
    [
        ({"gain": 0.0}, "gain: 0.0 is not allowed"),
        ({"gain": math.nan}, "gain: nan is not allowed"),
        ({"seed": -1}, "seed: -1 is not allowed"),
        ({"seed": 0.5}, "seed: 0.5 is not allowed"),
        ({"classes": 0}, "classes: 0 is not allowed"),
        ({"input_shape": (1, 28, 3)}, "input shape"),
        ({"input_shape": (0, 28, 28)}, "input shape"),
        ({"input_shape": (28, 28)}, "input shape"),
    ],
)
def test_bad_values_are_user_errors(options, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        build("conv", **({"gain": 1.0, "seed": 0} | options))
    assert "\n" not in str(caught.value)
