import pytest
import torch

from models.scattering import scatter
from models.stability import list_stages
from models.stability.stages import make_references
from spaces import UserError

SHAPE = (3, 32, 32)
# What begins each network: down to the layer that halves the size for good.
FIRST = {
    ("ref-w2", 1): "convA convB pool1",
    ("ref-w2", 2): "convA convB pool1 convC convD pool2",
    ("invA-w2", 1): "invA upA convB pool1",
    ("invB-w2", 1): "convA invB",
    ("invC-w2", 1): "convA convB invC",
    ("invAll-w2", 1): "invA upA invB",
    ("invAll-w2", 2): "invA upA invB invC upC invD",
    ("scatnetA-w2", 1): "scat1",
    ("scatnetB-w2", 2): "inv1 inv2",
    ("scatnetC-w2", 1): "convA scat1",
    ("conv", 1): "conv1 maxpool1",
    ("conv", 2): "conv1 maxpool1 conv2 maxpool2",
    ("invariant", 2): "inv1 inv2",
}


def images(*shape):
    return torch.randn(shape, generator=torch.Generator().manual_seed(0))


@pytest.mark.parametrize(("name", "scale"), FIRST)
def test_first_stage(name, scale):
    (stage,) = [each for each in list_stages([name], SHAPE, 0) if each.name == name and each.scale == scale]
    assert stage.layers == FIRST[name, scale]
    assert stage(images(2, *SHAPE)).shape[2:] == (32 >> scale, 32 >> scale)


def test_a_relu_belongs_to_the_layer_before_it():
    (stage, _) = [each for each in list_stages(["invB-w2"], SHAPE, 0) if each.name == "invB-w2"]
    assert (stage(images(2, *SHAPE)) >= 0).all()
    assert list(dict(stage.module.named_children()))[-2:] == ["bnB", "reluB"]


def test_normalisation_has_no_effect_and_does_not_move():
    (stage, _) = [each for each in list_stages(["invB-w2"], SHAPE, 0) if each.name == "invB-w2"]
    x = 5 + images(2, *SHAPE)
    without = torch.nn.Sequential(*(module for name, module in stage.module.named_children() if "bn" not in name))
    for _ in range(2):
        torch.testing.assert_close(stage(x), without(x).detach(), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("scale", [1, 2])
def test_references_have_the_size_of_the_stages(scale):
    for stage in make_references(scale):
        assert stage(images(2, *SHAPE)).shape[2:] == (32 >> scale, 32 >> scale)


def test_mean_and_details_keep_all_energy_of_the_pixels():
    """Haar is orthonormal; the mean of 2 x 2 is half of its lowpass."""
    pixels, details, _ = make_references(1)
    x = images(2, *SHAPE)
    energy = 4 * pixels(x).square().sum() + details(x).square().sum()
    assert energy.item() == pytest.approx(x.square().sum().item(), rel=1e-5)


def test_magnitudes_are_z_without_its_lowpass():
    x = images(2, *SHAPE)
    torch.testing.assert_close(make_references(1)[2](x), scatter(x)[:, 3:])
    assert make_references(2)[2](x).shape[1] == 147 - 3


def test_a_network_for_other_images_is_refused():
    with pytest.raises(UserError, match="invG is made for images of 64 x 64"):
        list_stages(["invG"], SHAPE, 0)
