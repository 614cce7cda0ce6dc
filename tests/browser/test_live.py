"""The live page of a running sweep, in Chromium."""

from __future__ import annotations

import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.browser.browser import Browser

ROOT = Path(__file__).resolve().parents[2]
SWEEP = ["--architectures", "conv", "--samples", "6", "--epochs", "20", "--scheduler", "none", "--max-concurrent", "1"]

pytestmark = pytest.mark.browser


@pytest.fixture
def sweep(tmp_path: Path) -> Iterator[Path]:
    """A run folder in which a sweep is under way."""
    command = [sys.executable, "-m", "search", "sweep", *SWEEP, "--out", str(tmp_path / "live")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        try:
            yield tmp_path / "live"
            assert process.wait(timeout=240) == 0
        finally:
            if process.poll() is None:
                process.send_signal(signal.SIGINT)


@pytest.fixture
def address(sweep: Path) -> Iterator[str]:
    command = [sys.executable, "-m", "search", "watch", str(sweep.parent), "--serve"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        found = re.search(r"http://127[^ ]+", process.stdout.readline())
        assert found is not None
        yield found[0]
        process.send_signal(signal.SIGINT)


def test_it_follows_a_running_sweep(browser: Browser, sweep: Path, address: str, shots: Path) -> None:
    browser.size(1280, 900)
    browser.scheme("light")
    browser.said()

    def begun() -> bool:
        browser.driver.get(address)
        return browser.js("return document.querySelectorAll('tbody a').length") == 1 and any(
            sweep.glob("trials/*/record.json")
        )

    browser.until(begun, "the run is listed")
    browser.js("document.querySelector('tbody a').click()")
    drawn = "return document.documentElement.dataset.drawn"
    browser.until(lambda: browser.js(drawn) == "yes", "the plots are drawn")
    browser.js("document.getElementById('provenance').dataset.kept = 'yes'; window.stayed = true")
    first = browser.js("return trials.keys.length")
    shown = "return document.querySelector('#all').tBodies[0].rows.length"
    browser.until(lambda: browser.js(shown) > first or browser.js(shown) == 6, "a trial is added")
    browser.until(lambda: "6/6 ended" in browser.js("return document.getElementById('live').textContent"), "the end")
    browser.until(lambda: browser.js("return trials.keys.length") == 6, "all trials are shown")
    browser.until(lambda: browser.js(drawn) == "yes", "the plots are drawn again")
    assert browser.js("return window.stayed")  # The page was not loaded again.
    assert "curves" in browser.js("return document.documentElement.dataset.changed")
    assert browser.js("return document.querySelectorAll('.plot.js-plotly-plot').length") >= 1
    buttons = "[...document.querySelectorAll('table.sortable th')].map(th => th.querySelectorAll('button').length)"
    headings = f"return {buttons}.every(count => count === 1)"
    assert browser.js(headings)
    browser.screenshot(shots / "live.png")
    assert [line for line in browser.said() if "SEVERE" in line] == []
