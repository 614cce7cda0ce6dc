"""Plugins: a distribution that lies on the path, good ones and broken ones."""

import sys

import pytest
import torch

import models
from models.own import REGISTERED, Reference, list_plugins, pack, register, unpack
from spaces.common.errors import UserError

LAYER = """
from torch import nn

class Layer(nn.Conv2d):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 1)
"""


@pytest.fixture
def install(tmp_path, monkeypatch):
    """Puts a distribution on the path."""
    monkeypatch.syspath_prepend(tmp_path)

    def install(points, version="1.0", module="fakeplugin", code=LAYER):
        info = tmp_path / f"{module}-{version}.dist-info"
        for old in tmp_path.glob(f"{module}-*.dist-info"):
            old.rename(tmp_path / f"old-{old.name}.txt")
        info.mkdir()
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {module}\nVersion: {version}\n")
        (info / "entry_points.txt").write_text(f"[invsearch.architectures]\n{points}\n")
        (tmp_path / f"{module}.py").write_text(code)
        monkeypatch.delitem(sys.modules, module, raising=False)

    yield install
    sys.modules.pop("fakeplugin", None)


def test_a_plugin_is_listed_without_being_imported_and_works(install):
    install("fancy = fakeplugin:Layer\nbroken = nosuchmodule:Layer")
    assert list_plugins() == {
        "broken": "fakeplugin 1.0 (nosuchmodule:Layer)",
        "fancy": "fakeplugin 1.0 (fakeplugin:Layer)",
    }
    assert "fakeplugin" not in sys.modules
    found = register(Reference.parse("fancy"))
    assert found.own.reference == "fancy"
    assert found.name == f"fancy-{found.own.digest[:8]}"
    assert register(Reference.parse("fancy@C")).name == f"fancy@C-{found.own.digest[:8]}"
    assert models.build(found.name, gain=1.0, seed=0)(torch.zeros(1, 1, 28, 28)).shape == (1, 10)
    with pytest.raises(UserError, match=r"plugin nosuchmodule:Layer.*No module named 'nosuchmodule'"):
        register(Reference.parse("broken"))


def test_a_worker_takes_its_own_installation_if_it_is_the_same(install):
    install("fancy = fakeplugin:Layer")
    name = register(Reference.parse("fancy")).name
    parcels = pack([name])
    assert parcels[name].sources is None
    REGISTERED.clear()
    unpack(parcels)
    assert name in REGISTERED
    REGISTERED.clear()
    install("fancy = fakeplugin:Layer", version="1.1")
    with pytest.raises(UserError, match=f"architecture {name}: it is fancy-.* here; install the version"):
        unpack(parcels)
    REGISTERED.clear()
    install("fancy = fakeplugin:Layer", code=LAYER + "\n")
    with pytest.raises(UserError, match="install the version"):
        unpack(parcels)


def test_a_plugin_that_is_not_installed():
    with pytest.raises(UserError, match="no such plugin is installed"):
        register(Reference.parse("fancy"))
