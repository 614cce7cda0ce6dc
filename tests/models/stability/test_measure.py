import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn

from models.invariant import InvariantLayer
from models.scattering import Scattering
from models.stability import Stage, list_stages, measure
from models.stability.measure import GRADIENTS, SHIFTS, list_moves
from models.stability.warps import displace


def images(n=3, size=16):
    """Smooth images, as photographs are."""
    noise = torch.randn(n, 2, size + 4, size + 4, generator=torch.Generator().manual_seed(0))
    return nn.functional.avg_pool2d(noise, 5, stride=1)


def frame(compared, seed=0, **options):
    return pd.DataFrame(measure(images(**options), compared, seed))


def test_every_stage_image_and_displacement_has_a_row():
    found = frame(list_stages(["conv"], (2, 16, 16), 0))
    assert len(found) == 3 * 8 * (len(SHIFTS) + len(GRADIENTS))
    assert not found.isna().any().any()
    assert set(found["stage"]) == {"pixels", "details", "magnitudes", "conv"}


def test_nothing_changes_where_nothing_moves():
    found = frame(list_stages(["conv"], (2, 16, 16), 0))
    assert found.loc[found["amount"] == 0, "change"].max() < 1e-6
    assert (found.loc[found["amount"] > 0, "change"] > 1e-4).all()


def test_changes_are_norms_of_differences():
    """Of the identity by NumPy; of one that doubles each side of an image twice as much."""
    found = frame([Stage("identity", 1, "", nn.Identity()), Stage("twice", 1, "", nn.Upsample(scale_factor=2))])
    same = found[found["stage"] == "identity"].reset_index()
    twice = found[found["stage"] == "twice"].reset_index()
    np.testing.assert_allclose(twice["change"], 2 * same["change"], rtol=1e-5)
    np.testing.assert_allclose(twice["relative"], same["relative"], rtol=1e-5)
    np.testing.assert_allclose(same["change"], same["relative"], rtol=1e-5)
    x = images()
    expected = [
        np.linalg.norm(moved - plain) / np.linalg.norm(plain)
        for _, _, taus, _ in list_moves(3, 16, 16, 0)
        for moved, plain in zip(displace(x, taus).numpy(), x.numpy(), strict=True)
    ]
    np.testing.assert_allclose(same["change"], expected, rtol=1e-4, atol=1e-7)


def test_warps_are_of_the_size_that_they_say_and_within_the_theorems_condition():
    """By what the displacements do at the pixels, not by what is said of them."""
    height, width = 20, 24
    places = torch.cartesian_prod(torch.arange(height), torch.arange(width)).double()
    seen = set()
    for kind, amount, taus, sizes in list_moves(3, height, width, seed=0):
        for tau, size in zip(taus, sizes, strict=True):
            lengths = torch.linalg.vector_norm(tau.compute(places), dim=-1)
            gradients = torch.linalg.matrix_norm(tau.compute_jacobian(places), 2)
            if kind == "shift":
                torch.testing.assert_close(lengths, torch.full_like(lengths, amount))
                assert not gradients.any()
                assert size.compute_bound(1) == pytest.approx(amount / 2)
                continue
            # The suprema are over a finer grid, which the pixels lie between: near, not exact.
            assert 0.9 * amount <= gradients.max() <= 1.001 * amount <= 0.5005
            assert size.gradient == pytest.approx(amount)
            assert lengths.max() <= 1.001 * size.displacement
            assert size.compute_bound(1) >= amount + size.displacement / 2
        seen.add(kind)
    assert seen == {"shift", "warp"}


def test_the_seed_decides_the_displacements():
    stage = [Stage("identity", 1, "", nn.Identity())]
    first, again, other = (frame(stage, seed)["change"] for seed in (0, 0, 1))
    assert first.equals(again)
    assert not first.equals(other)


@pytest.mark.parametrize("norm", [1.0, 0.5])
def test_a_non_expansive_mixing_changes_no_more_than_the_scattering(norm):
    """Section 1.3.1.3: with a mixing of Lipschitz constant 1, and a ReLU, the bound of the scattering holds."""
    layer = InvariantLayer(2, 9, gain=1.0, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        layer.kernel.A.mul_(norm / torch.linalg.matrix_norm(layer.kernel.A, 2))
    found = frame([Stage("z", 1, "", Scattering()), Stage("mixed", 1, "", nn.Sequential(layer, nn.ReLU()))])
    change = found.pivot_table(index=["kind", "amount", "image"], columns="stage", values="change")
    assert (change["mixed"] <= norm * change["z"] + 1e-6).all()
