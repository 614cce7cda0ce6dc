import torch

from benchmarks.common.limit import FLOPS, compute_rates, limit_calls


def test_every_call_has_its_flops():
    calls = limit_calls()
    assert list(calls) == list(FLOPS)
    output = calls["oneDNN conv"]()
    assert isinstance(output, torch.Tensor)
    assert FLOPS["oneDNN conv"] == 2 * output.numel() * 128 * 9
    assert FLOPS["torch.mm"] == 2 * 1024**3


def test_rates_are_in_gflops():
    assert compute_rates(dict.fromkeys(FLOPS, 1.0))["torch.mm"] == FLOPS["torch.mm"] / 1e9
