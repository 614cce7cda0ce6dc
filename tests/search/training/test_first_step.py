"""What would fail in every worker is refused before anything starts, in one line with file and line."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

from models.own import Reference, register
from search.datasets import find_dataset
from search.training.first_step import try_first_step
from spaces import Hyperparameters, TrialSpec, UserError

pytestmark = pytest.mark.usefixtures("registered")

THETA = Hyperparameters(lr=0.1, momentum=0.5, weight_decay=1e-4, gain=1.0)
BODY = """
import random
import time
import numpy as np
import torch
from torch import nn
import torch.nn.functional as F

COUNTS = []

class Mine(nn.Module):
    def __init__(self, in_channels, out_channels):
        super().__init__()
        {constructor}

    def forward(self, x):
        {forward}
"""
CONV = "self.conv = nn.Conv2d(in_channels, out_channels, 3, padding=1)"


def list_numbers() -> list[int]:
    """The state of NumPy's global generator."""
    return np.random.get_state(legacy=False)["state"]["key"].tolist()  # pyright: ignore


@pytest.fixture
def attempt(tmp_path: Path) -> Callable[..., None]:
    def attempt(
        constructor: str = CONV,
        forward: str = "return self.conv(x)",
        code: str | None = None,
        theta: Hyperparameters = THETA,
    ) -> None:
        path = tmp_path / "my_layer.py"
        body = BODY.replace("{constructor}", constructor).replace("{forward}", forward) if code is None else code
        path.write_text(textwrap.dedent(body))
        data = find_dataset("digits")
        found = register(Reference.parse(f"{path}:Mine"))
        batch_size = int(theta.further.get("batch_size", 64))
        trial = TrialSpec("sweep", found.name, "digits", data.data_hash, theta, 0, 0, batch_size)
        try_first_step(found, trial, data)

    return attempt


@pytest.mark.parametrize(
    ("constructor", "forward"),
    [
        (CONV, "return self.conv(x)"),
        (CONV, "return F.dropout(self.conv(x), 0.5, self.training)"),
        (CONV + "; self.norm = nn.BatchNorm2d(out_channels)", "return self.norm(self.conv(x))"),
        ("self.conv = nn.LazyConv2d(out_channels, 3, padding=1)", "return self.conv(x)"),
        (CONV, "return self.conv(x.view(len(x), -1).view(x.shape)).view(len(x), -1, *x.shape[2:])"),
        (
            CONV + "; self.deep = nn.Conv3d(1, 1, 1)",
            "return self.deep(self.conv(x)[:, None])[:, 0]",
        ),
        (CONV + "; self.register_buffer('step', torch.zeros(()))", "self.step += 1; return self.conv(x) / self.step"),
        (
            "self.conv = nn.utils.parametrizations.weight_norm(nn.Conv2d(in_channels, out_channels, 1))",
            "return self.conv(x)",
        ),
    ],
)
def test_what_works_passes_and_leaves_no_trace(attempt, constructor, forward) -> None:
    states = torch.get_rng_state(), list_numbers(), torch.get_num_threads()
    attempt(constructor, forward)
    after = torch.get_rng_state(), list_numbers(), torch.get_num_threads()
    assert torch.equal(states[0], after[0])
    assert states[1:] == after[1:]


@pytest.mark.parametrize("batch_size", [4, 32])
def test_a_searched_batch_size(attempt, batch_size) -> None:
    attempt(theta=Hyperparameters.from_mapping({**THETA, "batch_size": batch_size}))


@pytest.mark.parametrize(
    ("constructor", "forward", "complaint"),
    [
        ("1 / 0", "return x", r"my_layer.py, line 14: ZeroDivisionError"),
        ("raise GeneratorExit", "return x", r"my_layer.py, line 14: GeneratorExit"),
        (CONV, "return self.cnv(x)", r"my_layer.py, line 17: AttributeError"),
        (CONV, "return self.conv(x[:, :0])", r"my_layer.py, line 17: RuntimeError"),
        ("self.k = out_channels", "return x.repeat(1, self.k, 1, 1)[:, :self.k]", "has no learnable weight"),
        (CONV, "return self.conv(x).detach()", "no weight gets a gradient"),
        (CONV, "return self.conv(x) * float('nan')", "the loss of the first step is nan"),
        (CONV, "return self.conv(x) / 0", "the loss of the first step is nan"),
        (CONV, "return torch.sqrt(self.conv(x) * 0)", "the gradient of own1.conv.weight is not finite"),
        (CONV + "; nn.init.constant_(self.conv.weight, time.time_ns() % 997)", "return self.conv(x)", "built twice"),
        (
            "g = torch.Generator(); g.seed(); self.w = nn.Parameter(torch.randn(out_channels, 1, 1, 1, generator=g))",
            "return F.conv2d(x[:, :1], self.w)",
            "built twice for one seed, own1.w differs",
        ),
        (CONV, "return self.conv(x) * random.random()", "the same step taken twice"),
        (CONV, "return self.conv(x) * np.random.rand()", "the same step taken twice"),
        (CONV, "COUNTS.append(1); return self.conv(x) / len(COUNTS)", "the same step taken twice"),
        (CONV + "; self.n = 0", "self.n += 1; return self.conv(x) / self.n", "continued from a checkpoint, .* buffer"),
        (CONV, "import helper; return self.conv(x)", r"line 17: ModuleNotFoundError.*at the top of the file"),
    ],
)
def test_what_would_fail_is_refused(attempt, constructor, forward, complaint) -> None:
    with pytest.raises(UserError, match=complaint) as caught:
        attempt(constructor, forward)
    assert "\n" not in str(caught.value)


def test_a_module_that_is_imported_late_from_elsewhere_on_the_path(attempt, tmp_path, monkeypatch) -> None:
    (tmp_path / "late_helper.py").write_text("")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(UserError, match="imports late_helper only while it runs"):
        attempt(forward="import late_helper; return self.conv(x)")


EXTRA = """
import random
from torch import nn

class Mine(nn.Conv2d):
    def __init__(self, in_channels, out_channels):
        super().__init__(in_channels, out_channels, 1)
        self.extra = {"scale": VALUE, "names": ["a", ("b", None)]}

    def get_extra_state(self):
        return {**self.extra}

    def set_extra_state(self, state):
        self.extra = state
"""


def test_an_extra_state_is_compared_by_its_value(attempt) -> None:
    attempt(code=EXTRA.replace("VALUE", "random.random()"))
    with pytest.raises(UserError, match=r"own1\._extra_state differs"):
        attempt(code=EXTRA.replace("VALUE", "random.SystemRandom().random()"))


def test_a_constructor_that_changes_a_switch_of_torch(attempt) -> None:
    with pytest.raises(UserError, match=r"Mine: changes torch\.backends\.mkldnn\.enabled from True to False"):
        attempt("torch.backends.mkldnn.enabled = False; " + CONV)
    assert torch.backends.mkldnn.enabled


def test_a_network_that_has_no_weight(attempt) -> None:
    code = """
        from torch import nn
        def Mine(input_shape, classes):
            return nn.Sequential(nn.AdaptiveAvgPool2d((1, classes)), nn.Flatten())
        """
    with pytest.raises(UserError, match="has no learnable weight"):
        attempt(code=code)
