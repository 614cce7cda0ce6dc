"""A report of every kind of figure and of a stranger's records, opened in Chromium."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from analysis.evidence import gather
from analysis.figures.figure import Figure
from analysis.records.reader import read_run
from analysis.report import Section, write_report
from spaces import Hyperparameters
from tests.analysis.conftest import RunFolder
from tests.browser.browser import CHROMIUM, DRIVER, Browser
from tests.drawings import samples

HOSTILE = "</script><script>document.title='taken'</script><img src=x onerror=\"document.title='taken'\">\u2028<!--"
NAME = "<img src=x onerror=document.title=1>"  # Of the run folder.
TRIALS = 260


@pytest.fixture(scope="session")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    for path in (CHROMIUM, DRIVER):
        if not Path(path).exists():
            pytest.fail(f"{path} is not there; make test-browser installs it")
    found = Browser(tmp_path_factory.mktemp("profile"))
    yield found
    found.quit()


@pytest.fixture(scope="session")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """260 trials and a rerun, one of which failed with an error that is an attack."""
    folder = RunFolder(tmp_path_factory.mktemp("runs") / NAME)
    folder.spec["dataset"] = "mnist"
    for number in range(TRIALS):
        theta = Hyperparameters(0.01 + number / 1000, 0.5, 1e-5, 1.5)
        rows = [0.5, 0.7, 0.8, 0.8 + (number * 37 % TRIALS) / 2000]
        folder.sweep("conv", [*rows], "completed", theta=theta)
    folder.sweep("invariant", [0.5], "failed", status="failed", error=f"ValueError: {HOSTILE}")
    for seed in (1, 2, 3):
        theta = Hyperparameters(0.01 + 7 / 1000, 0.5, 1e-5, 1.5)
        folder.rerun("conv", [0.5, 0.6, 0.7, 0.9 + seed / 100], "completed", theta=theta, seed=seed)
    return folder.write()


@pytest.fixture(scope="session")
def report(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page."""
    found = read_run(run)
    drawings = samples(found.trials["trial_id"].tolist())
    figures = {drawing.name: Figure(drawing.name, lambda _, drawing=drawing: drawing) for drawing in drawings}
    figures["none"] = Figure("none", lambda _: "There is nothing to draw, because nothing was swept.")
    sections = [
        Section("summary", "Summary"),
        Section("published", "Beside the published numbers", tables=("beside",)),
        *(Section(name, name.capitalize(), figures=(name,)) for name in figures),
        Section("provenance", "Where the numbers come from"),
        Section("trials", "All trials"),
    ]
    target = tmp_path_factory.mktemp("report")
    write_report(gather([found]), target, sections, figures)
    return target / "report.html"


@pytest.fixture(scope="session")
def shots(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where screenshots are left."""
    folder = Path(os.environ.get("SCREENSHOTS") or tmp_path_factory.mktemp("shots"))
    folder.mkdir(parents=True, exist_ok=True)
    return folder
