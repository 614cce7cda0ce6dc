"""Chromium, driven over the file system only, and what it has to say of a page."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from selenium import webdriver
from selenium.webdriver.chrome.service import Service

CHROMIUM, DRIVER = "/usr/bin/chromium", "/usr/bin/chromedriver"
FLAGS = (
    "--headless=new",
    "--no-sandbox",  # Chromium refuses to run as root otherwise; the only page is ours.
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-default-apps",
    "--disable-extensions",
    "--hide-scrollbars",
)
PATIENCE_SECONDS = 60.0
LOCAL = ("file:", "data:", "blob:", "about:", "chrome:", "devtools:")


class Browser:
    """A browser without a window.

    Args:
        profile: an empty folder for its own files.
    """

    def __init__(self, profile: Path):
        options = webdriver.ChromeOptions()
        options.binary_location = CHROMIUM
        for flag in (*FLAGS, f"--user-data-dir={profile}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
        self.driver = webdriver.Chrome(options=options, service=Service(DRIVER))

    def quit(self) -> None:
        self.driver.quit()

    def size(self, width: int, height: int, phone: bool = False) -> None:
        """The size of the page in CSS pixels."""
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 2 if phone else 1, "mobile": phone},
        )

    def scheme(self, name: str) -> None:
        """What the reader's system prefers: light or dark."""
        features = [{"name": "prefers-color-scheme", "value": name}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def open(self, page: Path, anchor: str = "") -> None:
        """Opens a page and waits until all its plots are drawn."""
        self.driver.get("about:blank")
        self.driver.get(f"file://{page}{anchor}")
        self.until(lambda: self.js("return document.documentElement.dataset.drawn") == "yes", "the plots are drawn")

    def js(self, script: str, *arguments: Any) -> Any:
        """Runs a script in the page."""
        return self.driver.execute_script(script, *arguments)

    def until(self, holds: Callable[[], Any], what: str) -> None:
        """Waits.

        Raises:
            AssertionError: it did not come about.
        """
        end = time.monotonic() + PATIENCE_SECONDS
        while not holds():
            assert time.monotonic() < end, f"not within {PATIENCE_SECONDS:.0f} s: {what}"
            time.sleep(0.05)

    def said(self) -> list[str]:
        """Everything on the console since the last time."""
        return [f"{line['level']} {line['message']}" for line in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address asked for since the last time that is not in the page or beside it."""
        events = [json.loads(line["message"])["message"] for line in self.driver.get_log("performance")]
        urls = [
            event["params"].get("request", event["params"]).get("url", "")
            for event in events
            if event["method"] in ("Network.requestWillBeSent", "Network.webSocketCreated")
        ]
        return [url for url in urls if not url.startswith(LOCAL)]

    def screenshot(self, path: Path, whole: bool = False) -> None:
        """Saves what is seen, or the whole page."""
        more: dict[str, Any] = {}
        if whole:
            size = self.driver.execute_cdp_cmd("Page.getLayoutMetrics", {})["cssContentSize"]
            more = {"captureBeyondViewport": True, "clip": {**size, "x": 0, "y": 0, "scale": 1}}
        picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", **more})
        path.write_bytes(base64.b64decode(picture["data"]))

    def print(self) -> bytes:
        """The page on paper, as PDF."""
        printed = self.driver.execute_cdp_cmd("Page.printToPDF", {"printBackground": True, "preferCSSPageSize": True})
        return base64.b64decode(printed["data"])

    def click(self, x: float, y: float) -> None:
        """A real click at a place of the window."""
        self._mouse("mouseMoved", x, y)
        self._mouse("mousePressed", x, y)
        self._mouse("mouseReleased", x, y)

    def drag(self, start: tuple[float, float], end: tuple[float, float]) -> None:
        """Presses at one place, moves to another and releases."""
        self._mouse("mouseMoved", *start)
        self._mouse("mousePressed", *start)
        for step in range(1, 6):
            self._mouse("mouseMoved", *(a + (b - a) * step / 5 for a, b in zip(start, end, strict=True)), held=True)
        self._mouse("mouseReleased", *end)

    def _mouse(self, kind: str, x: float, y: float, held: bool = False) -> None:
        button = "none" if kind == "mouseMoved" and not held else "left"
        event = {"type": kind, "x": x, "y": y, "button": button, "buttons": int(held or kind == "mousePressed")}
        self.driver.execute_cdp_cmd("Input.dispatchMouseEvent", {**event, "clickCount": int(kind != "mouseMoved")})
