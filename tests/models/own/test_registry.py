"""Own architectures beside the others: what they take, how they are built, and what is refused."""

import pytest
import torch
from torch import nn

import models
from models.cost import list_layer_costs
from models.own import REGISTERED
from spaces.common.errors import UserError
from spaces.specs.own import Own

NETWORK = """
    import torch
    from torch import nn

    def mine(input_shape, classes, *, width, dropout=0.1):
        return nn.Sequential(
            nn.Flatten(), nn.LazyLinear(width), nn.ReLU(), nn.Dropout(dropout), nn.Linear(width, classes)
        )
    """
HALVES = """
    from torch import nn

    class Mine(nn.Conv2d):
        def __init__(self, in_channels, out_channels):
            super().__init__(in_channels, out_channels, 3, stride=2, padding=1)
    """
HOOKED = """
    import torch
    from torch import nn

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels, gain):
            super().__init__()
            self.weight = nn.Parameter(torch.full((out_channels, in_channels, 1, 1), gain))

        def forward(self, x):
            return nn.functional.conv2d(x, self.weight)
    """
DRAWS = """
    import random
    import numpy as np
    import torch
    from torch import nn

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            drawn = torch.randn(out_channels, in_channels, 1, 1) + np.random.rand() + random.random()
            self.weight, self.scale = nn.Parameter(drawn), nn.Parameter(torch.ones(out_channels))
            self.register_buffer("fixed", torch.ones(out_channels, 1))
            self.norm = nn.LayerNorm([28, 28])
            self.still = nn.Parameter(torch.ones(2, 2), requires_grad=False)
            self.bias = nn.Parameter(torch.ones(1, out_channels, 1, 1))

        def forward(self, x):
            return nn.functional.conv2d(x, self.weight) + self.bias
    """


def test_a_run_keeps_of_it_what_names_it(add):
    found = add()
    path = found.reference.path
    digest = found.sources.compute_digest("Mine")
    assert found.own == Own(f"{path}:Mine", digest, "layer", ("gain", "kernel"))
    assert found.name == found.title == f"Mine-{digest[:8]}"
    assert models.find_architecture(found.name) is REGISTERED[found.name] is found


def test_other_content_is_another_architecture(add, write):
    one = add()
    other = add(write().read_text() + "\n# changed\n")
    assert one.name != other.name
    assert {one.name, other.name} <= set(REGISTERED)


@pytest.mark.parametrize(
    ("code", "shape", "names"),
    [
        (None, (1, 28, 28), ["own1", "relu1", "maxpool1", "own2", "relu2", "maxpool2"]),
        (HALVES, (1, 28, 28), ["own1", "relu1", "own2", "relu2"]),
        (HALVES, (3, 13, 6), ["own1", "relu1", "own2", "relu2"]),
    ],
)
def test_a_layer_stands_in_the_network_of_table_1_1(add, code, shape, names):
    found = add(code) if code else add()
    network = models.build(found.name, gain=1.0, seed=0, input_shape=shape, classes=4)
    assert [name for name, _ in network.named_children()] == [*names, "unravel", "project", "relu_project", "reshuffle"]
    assert network(torch.zeros(3, *shape)).shape == (3, 4)


def test_a_copy_of_the_convolution_gives_the_very_network_but_for_its_weights(add):
    shapes = [
        {
            name.replace("own", "conv").replace(".conv", ""): tensor.shape
            for name, tensor in network.state_dict().items()
        }
        for network in (models.build(name, gain=1.0, seed=0) for name in (add().name, "conv"))
    ]
    assert shapes[0] == shapes[1]


def test_hyperparameters_reach_the_constructor(add):
    name = add().name
    network = models.build(name, gain=1.0, seed=0, further={"kernel": 5})
    assert network.get_submodule("own1.conv").kernel_size == (5, 5)
    assert models.build(name, gain=1.0, seed=0).get_submodule("own1.conv").kernel_size == (3, 3)
    with pytest.raises(UserError, match="does not take depth; it takes kernel"):
        models.build(name, gain=1.0, seed=0, further={"depth": 5})
    with pytest.raises(UserError, match="takes no hyperparameters of its own, so not kernel"):
        models.build("conv", gain=1.0, seed=0, further={"kernel": 5})


def test_a_network_of_ones_own(add):
    found = add(NETWORK, "mine")
    assert (found.own.kind, found.own.takes) == ("network", ("dropout", "width"))
    with pytest.raises(UserError, match="needs width"):
        models.build(found.name, gain=1.0, seed=0)
    one, again, gained, other = (
        models.build(found.name, gain=gain, seed=seed, input_shape=(3, 5, 5), further={"width": 7}).state_dict()
        for gain, seed in ((1.0, 0), (1.0, 0), (2.0, 0), (1.0, 1))
    )
    assert one["network.1.weight"].shape == (7, 75)
    for key, value in one.items():
        assert torch.equal(value, again[key])
        assert torch.equal(value, gained[key])  # It takes no gain.
        assert not torch.equal(value, other[key])


def test_the_seed_decides_whatever_is_drawn_and_gain_scales_weights_only(add):
    name = add(DRAWS).name
    state = torch.get_rng_state()
    one, again, gained, other = (
        models.build(name, gain=gain, seed=seed).state_dict() for gain, seed in ((1.0, 0), (1.0, 0), (1.5, 0), (1.0, 1))
    )
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, again[key]) for key, value in one.items())
    assert not torch.equal(one["own1.weight"], other["own1.weight"])
    for key, value in one.items():
        assert torch.equal(gained[key], 1.5 * value if key in ("own1.weight", "own2.weight") else value), key


def test_a_constructor_that_takes_gain_gets_it_and_nothing_is_scaled(add):
    network = models.build(add(HOOKED).name, gain=1.5, seed=0)
    assert set(network.get_parameter("own1.weight").flatten().tolist()) == {1.5}


@pytest.mark.parametrize(
    ("body", "complaint"),
    [
        ("return x[:, :1]", r"maps \(N, 1, 28, 28\) to \(N, 1, 28, 28\); it must give \(N, 7, 28, 28\), or"),
        ("return self.conv(x)[..., :9]", r"to \(N, 7, 28, 9\)"),
        ("return self.conv(x).flatten(1)", r"to \(N, 5488\)"),
        ("return self.conv(x).flatten(0, 1)", "of a batch of 2"),
        ("return self.conv(x), 1", "gives a tuple"),
    ],
)
def test_wrong_outputs_are_refused(add, body, complaint):
    code = f"""
    from torch import nn

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.conv = nn.Conv2d(in_channels, out_channels, 1)

        def forward(self, x):
            {body}
    """
    with pytest.raises(UserError, match=complaint):
        models.build(add(code).name, gain=1.0, seed=0)


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("def Mine(x, y): pass", r"takes \(x, y\), which is neither"),
        ("class Mine:\n  def __init__(self, in_channels, out_channels): pass", "an nn.Module class"),
        ("def Mine(in_channels, out_channels): pass", "an nn.Module class"),
        ("def Mine(input_shape, classes, lr): pass", "parameter lr has no default"),
        ("def Mine(input_shape, classes, K): pass", "parameter K has no default"),
        ("def Mine(input_shape, classes, k, /): pass", "parameter k has no default"),
        ("Mine = 3", "not a class or function"),
        ("def Mine(): pass", r"takes \(\)"),
    ],
)
def test_other_signatures_are_refused_with_both(add, code, complaint):
    with pytest.raises(UserError, match=complaint) as caught:
        add(code)
    if "parameter" not in complaint:
        assert "(in_channels, out_channels, **hyperparameters)" in str(caught.value)
        assert "(input_shape, classes, **hyperparameters)" in str(caught.value)


def test_what_goes_through_kwargs_is_not_taken(add):
    code = "def Mine(input_shape, classes, width=3, momentum=0.1, *args, deep=True, **kwargs): pass"
    assert add(code).own.takes == ("deep", "width")


def test_a_function_that_returns_no_module(add):
    with pytest.raises(UserError, match="returns a int"):
        models.build(add("def Mine(input_shape, classes): return 3").name, gain=1.0, seed=0)


@pytest.mark.parametrize(("places", "shape"), [("@C", (3, 32, 32)), ("@B+C-w2", (3, 32, 32)), ("@G-w2", (3, 64, 64))])
@pytest.mark.parametrize("code", [None, HALVES])
def test_a_layer_stands_in_places_of_table_1_5(write, places, shape, code):
    """Named as the swaps of Table 1.6 where it halves the size, as the reference where it keeps it."""
    from models.own import Reference, register

    found = register(Reference.parse(f"{write(code) if code else write()}:Mine{places}"))
    assert found.name.startswith(f"Mine{places}-")
    network = models.build(found.name, gain=1.0, seed=0, input_shape=shape)
    letters, _, width = places[1:].partition("-")
    swap = "+".join(f"inv{letter}" for letter in letters.split("+")) if code else "ref"
    like = models.build(f"{swap}-{width}" if width else swap, gain=1.0, seed=0, input_shape=shape)
    stems = [
        "own" + name[-1] if name[-1] in letters and name[:-1] in ("inv", "conv") else name
        for name, _ in like.named_children()
    ]
    assert [name for name, _ in network.named_children()] == stems
    assert network(torch.zeros(2, *shape)).shape == (2, 10)


def test_places_need_images_of_their_size_and_a_layer(write, add):
    from models.own import Reference, register

    found = register(Reference.parse(f"{write()}:Mine@H"))
    with pytest.raises(UserError, match="made for images of 64 x 64 pixels"):
        models.build(found.name, gain=1.0, seed=0, input_shape=(3, 32, 32))
    with pytest.raises(UserError, match="is a whole network"):
        register(Reference.parse(f"{write(NETWORK)}:mine@C"))
    with pytest.raises(UserError, match="give -w1 to -w256"):
        register(Reference.parse(f"{write()}:Mine@C-w1000"))


def test_a_basis_that_a_file_keeps_for_later_has_its_numbers(add):
    """As it would not, had the size of the output been found on the meta device."""
    name = add("""
    from functools import cache
    import torch
    from torch import nn

    @cache
    def make_basis(size):
        return torch.linspace(0, 1, size)

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.conv = nn.Conv2d(in_channels, out_channels, 1)

        def forward(self, x):
            return self.conv(x) * make_basis(x.shape[-1])
    """).name
    assert isinstance(models.build(name, gain=1.0, seed=0)(torch.zeros(1, 1, 28, 28)), torch.Tensor)


def test_an_unknown_copy_says_where_copies_are():
    with pytest.raises(UserError, match="no such copy is kept here; give --out"):
        models.find_architecture("Mine-1f2e3d4c")


def test_descriptions_are_plain_values(add):
    name = add().name
    one, again = (models.describe_architecture(name, further={"kernel": 5}) for _ in range(2))
    assert one == again
    assert hash(tuple(one.values()))
    assert isinstance(models.build(name, gain=1.0, seed=0), nn.Sequential)


def test_an_invariant_layer_inside_counts_as_elsewhere(add):
    name = add("""
    import torch
    from torch import nn
    from models.invariant import InvariantLayer

    class Mine(nn.Module):
        def __init__(self, in_channels, out_channels):
            super().__init__()
            self.inv = InvariantLayer(in_channels, out_channels, gain=1.0, generator=torch.Generator().manual_seed(0))
            self.mix = nn.Conv2d(out_channels, out_channels, 1)

        def forward(self, x):
            return self.mix(self.inv(x))
    """).name
    network = models.build(name, gain=1.0, seed=0)
    first = list_layer_costs(network, (1, 28, 28), ["own1", "own2"])[0]
    alone = list_layer_costs(models.build("invariant", gain=1.0, seed=0), (1, 28, 28))[0]
    assert (first.params, first.mults) == (alone.params + 7 * 7, alone.mults + 7 * 7 * 14 * 14)
    assert first.transform_mults == alone.transform_mults
    assert all(parameter.requires_grad for parameter in network.get_submodule("own1").parameters())
