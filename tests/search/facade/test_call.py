from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import invsearch
from search.facade import call
from search.facade.call import describe_call, train_call


@pytest.mark.parametrize(
    ("function", "options", "run", "said"),
    [
        (invsearch.sweep, {"out": Path("a b"), "architectures": ["conv"]}, None, "sweep('a b', ['conv'])"),
        (invsearch.sweep, {"out": "x", "architectures": ("conv", "invariant"), "seed": 0}, None, "sweep('x')"),
        (
            invsearch.sweep,
            {"out": "x", "architectures": "all", "samples": 3, "space": {"lr": 1}, "force": True, "on_event": print},
            None,
            "sweep('x', 'all', samples=3, space={'lr': 1}, force=True)",
        ),
        (invsearch.reproduce, {"table": "1.3", "out": "x"}, None, "reproduce('1.3', 'x')"),
        (
            invsearch.Run.rerun,
            {"seeds": 5, "log": ["mlflow"]},
            Path("x"),
            "open_run('x').rerun(seeds=5, log=['mlflow'])",
        ),
    ],
)
def test_the_history_has_a_call_as_python_has_it(function: Any, options: Any, run: Path | None, said: str) -> None:
    assert describe_call(function, options, run) == f"invsearch.{said}"


def test_one_call_at_a_time() -> None:
    with call._training, pytest.raises(invsearch.UserError, match="another call of this program is training"):
        invsearch.sweep("x")


@pytest.mark.parametrize(
    "theta",
    [
        "lr=0.1,momentum=0.5,weight_decay=1e-05,gain=1.5",
        {"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": 1.5},
        invsearch.Hyperparameters(lr=0.1, momentum=0.5, weight_decay=1e-5, gain=1.5),
    ],
)
def test_theta_as_text_mapping_or_object(theta: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    found = []

    def note(request: Any, on_event: object, command: str) -> int:
        found.append(request.spec.thetas["conv"])
        return 0

    monkeypatch.setattr("search.options.Request.train", note)
    invsearch.train("x", "conv", theta=theta)
    assert found == [{"lr": 0.1, "momentum": 0.5, "weight_decay": 1e-5, "gain": 1.5}]


def test_a_time_budget_bounds_the_start_too(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(*given: object) -> int:
        while True:
            pass

    monkeypatch.setattr("search.options.Request.train", start)
    options = {"out": "x", "architectures": "conv", "invocation": {"time_budget": 0.5}}
    with pytest.raises(invsearch.Halted, match="the time budget is used up before more was trained"):
        train_call(invsearch.sweep, options)


@pytest.mark.parametrize("space", [3, ["table-1.2"], b"mine.yaml", True])
def test_what_is_no_space_is_refused(space: Any, tmp_path: Path) -> None:
    with pytest.raises(invsearch.UserError, match="is not a space; give a name, a YAML file or a mapping of domains"):
        invsearch.sweep(tmp_path / "run", "conv", space=space)
    assert not (tmp_path / "run").exists()
