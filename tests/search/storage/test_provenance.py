"""What a record says of the process that computed it, and what counts as a change of that."""

from __future__ import annotations

import sys
from typing import Any

import pytest
import torch

from search.storage import provenance
from search.storage.provenance import describe_environment, describe_maker, find_differences, merge_environments


@pytest.mark.parametrize("threads", [1, 2])
def test_the_threads_are_those_of_the_moment(threads: int) -> None:
    """On them the order of sums depends, so a training can only be repeated with the same number."""
    before = torch.get_num_threads()
    try:
        torch.set_num_threads(threads)
        assert describe_maker("cpu")["threads"] == str(threads)
    finally:
        torch.set_num_threads(before)


HERE: dict[str, Any] = describe_environment({"conv": "native 1 avx512 on cpu"})


def test_nothing_has_changed() -> None:
    assert find_differences(HERE, HERE) == []
    assert find_differences(HERE | {"engines": {}}, HERE) == []  # An architecture that is new.


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"code": "0"}, "the code of invsearch is 0 there and"),
        ({"versions": HERE["versions"] | {"numpy": "1.0"}}, "numpy is 1.0 there and"),
        ({"engines": {"conv": "native 1 avx2 on cpu"}}, "the engine of conv is native 1 avx2 on cpu there and"),
        ({"engines": {"conv": "on cuda"}}, "the engine of conv is on cuda there and native 1 avx512 on cpu here"),
    ],
)
def test_one_phrase_a_change(change: dict[str, Any], text: str) -> None:
    (found,) = find_differences(HERE | change, HERE)
    assert found.startswith(text)


def test_architectures_whose_engine_changed_alike_share_a_phrase() -> None:
    there, here = (
        HERE | {"engines": {"conv": f"native 1 {isa} on cpu", "dct": f"native 1 {isa} on cpu", "own": other}}
        for isa, other in (("avx2", "torch on cpu"), ("avx512", "torch on cuda"))
    )
    assert find_differences(there, here) == [
        "the engine of conv, dct is native 1 avx2 on cpu there and native 1 avx512 on cpu here",
        "the engine of own is torch on cpu there and torch on cuda here",
    ]


def test_a_cluster_is_compared_by_its_device_only() -> None:
    assert find_differences(HERE | {"engines": {"conv": "on cpu"}}, HERE) == []


@pytest.mark.parametrize(
    ("there", "here", "differ"),
    [
        ("pack 1 of 4, avx2, threads: 1 on cpu", "pack 1 of 4 on cpu", False),  # Here, then on a cluster.
        ("pack 1 of 4 on cpu", "pack 1 of 8 on cpu", True),
        ("on cuda", "pack 1 of 4 on cuda", True),
        ("pack 1 of 4 on cuda", "on cuda", True),
        ("pack 1 of 4, avx2, threads: 1 on cpu", "pack 1 of 4, avx2, threads: 2 on cpu", True),
    ],
)
def test_the_size_of_packs_is_known_of_a_cluster_too(there: str, here: str, differ: bool) -> None:
    both = (HERE | {"engines": {"conv": engine}} for engine in (there, here))
    assert bool(find_differences(*both)) == differ


def test_an_extension_keeps_the_engines_of_the_rest() -> None:
    there = HERE | {"engines": {"dct": "torch avx2, threads: 1 on cpu"}}
    assert merge_environments(there, HERE)["engines"] == there["engines"] | HERE["engines"]
    assert merge_environments(None, HERE) == HERE


def test_any_source_file_changes_the_code(tmp_path: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of three packages that stand in for ours."""
    from types import SimpleNamespace

    for name in ("spaces", "models", "search"):
        (tmp_path / name / "sub").mkdir(parents=True)
        (tmp_path / name / "sub" / "a.py").write_text("x = 1")
        stand_in = SimpleNamespace(__name__=name, __path__=[str(tmp_path / name)])
        monkeypatch.setitem(sys.modules, name, stand_in)
        monkeypatch.setattr(provenance, name, stand_in, raising=False)
    digest = provenance.compute_code_digest.__wrapped__
    before = digest()
    (tmp_path / "models" / "notes.md").write_text("changes no number")
    assert digest() == before
    (tmp_path / "models" / "sub" / "a.py").write_text("x = 2")
    assert digest() != before
