"""``invsearch replay`` on a run of a whole small grid, written by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from search.cli import main
from search.commands import replay
from spaces import make_space
from tests.analysis.conftest import RunFolder

SPACE = {
    "name": "small",
    "lr": {"choice": [0.01, 0.1, 1.0]},
    "momentum": {"choice": [0.0, 0.9]},
    "weight_decay": {"choice": [1e-5]},
    "gain": {"choice": [0.5, 1.0]},
}


@pytest.fixture
def run(tmp_path: Path) -> str:
    folder, random = RunFolder(tmp_path / "run"), np.random.default_rng(0)
    folder.spec.update(space=SPACE, samples=12, scheduler="none", grace_period=1, max_epochs=4, rerun_seeds=None)
    folder.spec["rerun_epochs"] = None
    for name in folder.spec["architectures"]:
        for theta in make_space(SPACE, "space").walk(0):
            end = random.uniform(0.5, 0.9)
            folder.sweep(name, [end / 4, end / 3, end / 2, end], "completed", theta=theta)
    return str(folder.write())


def refuse(capsys: pytest.CaptureFixture[str], *arguments: str) -> str:
    assert main(["replay", *arguments]) == 2
    return capsys.readouterr().err


def test_all_searches_and_schedulers(
    run: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(replay, "TPE_REPEATS", 2)
    out = tmp_path / "out"
    assert main(["replay", run, "--repeats", "5", "--out", str(out)]) == 0
    text = capsys.readouterr().out
    assert (out / "replay.md").read_text() == text
    assert "- Not replayed: halving takes all configurations at the start, and tpe" in text
    assert text.count("(Convolutional, Invariant).") == 2
    assert "- Ray's own ASHA decided alike at each of " in text
    found = pd.read_csv(out / "replay.csv")
    assert len(found) == 2 * (4 + 4 + 2)
    assert set(found["repeats"]) == {5, 2}
    none = found[(found["search"] != "random") & (found["scheduler"] == "none")]
    assert (none[["best", "rank", "share"]] == 1).all(axis=None)
    assert (found["regret"] >= 0).all()
    files = [f"{name}.{kind}" for name in ("regret", "replay") for kind in ("csv", "pdf", "png")]
    assert sorted(path.name for path in out.iterdir()) == sorted([*files, "replay.md"])
    regrets = pd.read_csv(out / "regret.csv")
    whole = regrets[(regrets["search"] == "grid") & (regrets["share"] == 1)]
    assert (whole.query("scheduler == 'none'")[["median", "low", "high"]] == 0).all(axis=None)
    assert "## Regret at equal epochs" in text
    assert main(["replay", run, "--repeats", "5"]) == 0
    assert capsys.readouterr().out == text


def test_what_is_refused_is_one_line(run: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert "pbt" in refuse(capsys, run, "--schedulers", "asha,pbt")
    assert "searches: give at least one of grid, random, tpe" in refuse(capsys, run, "--searches", ",")
    assert "repeats: 0 is not allowed; give a whole number from 1 to 10000" in refuse(capsys, run, "--repeats", "0")
    assert "grace-period: 0 is not allowed" in refuse(capsys, run, "--grace-period", "0")
    alone = refuse(capsys, run, "--searches", "tpe", "--schedulers", "halving")
    assert alone.startswith("invsearch: nothing to replay: halving takes all configurations at the start")
    assert "a run folder was given twice" in refuse(capsys, run, run)
    link = tmp_path / "link"
    link.symlink_to(tmp_path)
    assert "is a link" in refuse(capsys, run, "--out", str(link))


def test_tpe_needs_the_whole_grid(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = RunFolder(tmp_path / "part")
    folder.spec.update(space=SPACE, samples=3, scheduler="none", grace_period=1, architectures=["conv"])
    for theta in list(make_space(SPACE, "space").walk(0))[:3]:
        folder.sweep("conv", [0.1, 0.2, 0.3, 0.4], "completed", theta=theta)
    assert main(["replay", str(folder.write()), "--schedulers", "none", "--repeats", "2"]) == 0
    text = capsys.readouterr().out
    assert "- Not replayed: tpe may propose any of the grid's 12 points, and 3 were trained (Convolutional)." in text
