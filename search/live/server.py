"""``invsearch watch --serve``: the report of a run that goes on, on this machine's own address."""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit

from markupsafe import Markup, escape

from analysis.evidence import gather
from analysis.records.following import Follower
from analysis.records.reader import Run
from analysis.report.page import render_page
from analysis.report.sections import SECTIONS
from analysis.report.trials import make_trial_table
from analysis.report.write import fill
from search.planning.runs import Listed, find_runs, format_used, list_runs
from spaces import UserError
from spaces.common.errors import make_printable

HOST = "127.0.0.1"
SHARE = 10.0  # So many times as long as a page took to make, none is made again: the trials need the cores.
INDEX = Markup(
    """<!doctype html><html lang="en"><head><meta charset="utf-8"><meta http-equiv="refresh" content="5">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<meta name="viewport" content="width=device-width, initial-scale=1"><title>runs below {title}</title>
<link rel="icon" href="data:,"><style>:root {{ color-scheme: light dark }}
body {{ font: 16px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 72rem; padding: 0 1rem }}
div {{ overflow-x: auto }} table {{ border-collapse: collapse }}
th, td {{ text-align: left; padding: .25rem .9rem .25rem 0 }}
</style></head><body><h1>{title}</h1><div><table><thead><tr><th>run<th>data<th>architectures<th>ended<th>last<th>used
<th>notes</tr></thead><tbody>{rows}</tbody></table></div></body></html>"""
)
ROW = Markup('<tr><td><a href="{link}">{name}</a>' + "<td>{}" * 6 + "</tr>")


class LivePage:
    """The page of one run, made anew where its records have changed.

    Args:
        path: the run folder.
        describe: says how the run stands, in a line.
    """

    def __init__(self, path: Path, describe: Callable[[Follower, Path], str]):
        self._path, self._describe, self._follower = path, describe, Follower(path)
        self._lock = threading.Lock()
        self._made: tuple[Run, bytes] | None = None
        self._count, self._took, self._since = 0, 0.0, 0.0

    def _is_due(self, run: Run) -> bool:
        if self._made is None:
            return True
        return self._made[0] is not run and time.monotonic() - self._since > SHARE * self._took

    def read_state(self) -> bytes:
        """JSON: how the run stands, and the version of the page that there is now, or would be made."""
        with self._lock:
            text = self._describe(self._follower, self._path)
            version = self._count + self._is_due(self._follower.read())
        return json.dumps({"text": text, "version": str(version)}).encode()

    def read_page(self) -> bytes:
        """The page of now, or that of a moment ago."""
        with self._lock:
            run = self._follower.read()
            if self._is_due(run):
                began = time.monotonic()
                evidence = gather([run])
                content = fill(evidence)
                self._count += 1
                page = render_page(evidence, SECTIONS, *content, make_trial_table(evidence), live=str(self._count))
                self._since = time.monotonic()
                self._made, self._took = (run, page), self._since - began
            assert self._made is not None
            return self._made[1]


class LiveServer(ThreadingHTTPServer):
    """Answers on 127.0.0.1 for a run, or for all runs below a folder.

    Args:
        path: the run or the folder.
        port: 0 takes any that is free.
        describe: as ``LivePage``.

    Raises:
        UserError: no run there, or the port is taken.
    """

    daemon_threads = True

    def __init__(self, path: Path, port: int, describe: Callable[[Follower, Path], str]):
        self.path, self._describe = path, describe
        self._pages: dict[Path, LivePage] = {}
        if not path.is_dir():
            raise UserError(f"{path}: not a folder; give a run, or a folder of runs")
        self.is_run = [*find_runs(path)] == [path]
        try:
            super().__init__((HOST, port), _Handler)
        except (OSError, OverflowError) as error:
            raise UserError(
                f"serve: port {port} is not available ({error}); leave the number out to use any other"
            ) from None

    @property
    def url(self) -> str:
        """Where the page is."""
        return f"http://{HOST}:{self.server_address[1]}/"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Says nothing of a reader who left before the answer was there."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)

    def answer(self, place: str) -> tuple[str, bytes] | None:
        """Content type and content for a path of the URL; None where there is nothing."""
        if not self.is_run:
            if place == "/":
                return "text/html", self._write_index()
            run, _, what = place.removeprefix("/run/").rpartition("/")
            folder = self.path / unquote(run)
            if not place.startswith("/run/") or folder not in find_runs(self.path):
                return None
        else:
            folder, what = self.path, place.removeprefix("/")
        page = self._pages.setdefault(folder, LivePage(folder, self._describe))
        if what == "state":
            return "application/json", page.read_state()
        return ("text/html", page.read_page()) if what in ("", "page") else None

    def _write_index(self) -> bytes:
        rows = Markup().join(map(_write_row, list_runs(self.path)))
        return INDEX.format(title=make_printable(self.path), rows=rows).encode("utf-8", "replace")


def _write_row(one: Listed) -> Markup:
    link = f"/run/{quote(one.name, safe='')}/"
    facts = (one.data, one.networks, f"{one.ended}/{one.begun}", one.state, format_used(one.used), one.said)
    return ROW.format(*map(escape, map(make_printable, facts)), link=link, name=make_printable(one.name))


class _Handler(BaseHTTPRequestHandler):
    server: LiveServer  # pyright: ignore[reportIncompatibleVariableOverride]

    def do_GET(self) -> None:
        """Answers, but only to who asks for this address: a page elsewhere is not to read runs by a name of its own."""
        port = self.server.server_address[1]
        found = None
        if self.headers.get("Host") in (f"{HOST}:{port}", f"localhost:{port}"):
            try:
                found = self.server.answer(urlsplit(self.path).path)
            except UserError as error:
                found = "text/plain", make_printable(error).encode("utf-8", "replace")
        kind, content = found or ("text/plain", b"nothing here\n")
        self.send_response(200 if found else 404)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Cache-Control", "no-store")
        self.send_header("X-Content-Type-Options", "nosniff")
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Says nothing."""
