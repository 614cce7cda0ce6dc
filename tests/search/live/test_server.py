"""What the live page's server answers, and to whom."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPConnection
from pathlib import Path

import pytest

from search.live.server import LiveServer
from spaces import UserError
from tests.analysis.conftest import RunFolder


@contextmanager
def serving(path: Path) -> Iterator[LiveServer]:
    with LiveServer(path, 0, lambda follower, run: f"{len(follower.read().trials)} trials") as server:
        thread = threading.Thread(target=server.serve_forever, args=[0.01])
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


def get(server: LiveServer, place: str, host: str | None = None) -> tuple[int, str]:
    connection = HTTPConnection("127.0.0.1", server.server_address[1])
    connection.request("GET", place, headers={"Host": host} if host else {})
    answer = connection.getresponse()
    found = answer.status, answer.read().decode()
    connection.close()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    made = RunFolder(tmp_path / "a run")
    made.sweep("conv", [0.1, 0.5], "completed")
    made.write()
    return made


def test_the_page_of_a_run_is_made_anew_where_it_changed(folder: RunFolder) -> None:
    with serving(folder.path) as server:
        state = json.loads(get(server, "/state")[1])
        assert state == {"text": "1 trials", "version": "1"}
        code, page = get(server, "/")
        assert code == 200
        assert 'data-live="1"' in page
        assert "connect-src &#39;self&#39;" in page
        assert get(server, "/page")[1] == page
        assert json.loads(get(server, "/state")[1])["version"] == "1"  # Nothing has changed.
        (made,) = server._pages.values()
        made._took = 0.0  # As on a machine that draws at once.
        folder.sweep("invariant", [0.1, 0.6], "completed")
        folder.write()
        assert json.loads(get(server, "/state")[1]) == {"text": "2 trials", "version": "2"}
        made._took = 1e6  # A page that takes long is not made for every change.
        assert json.loads(get(server, "/state")[1])["version"] == "1"


def test_runs_below_a_folder(folder: RunFolder) -> None:
    with serving(folder.path.parent) as server:
        index = get(server, "/")[1]
        assert '<a href="/run/a%20run/">a run</a>' in index
        assert "conv" in index
        assert 'data-live="1"' in get(server, "/run/a%20run/")[1]
        for place in ("/run/other/", "/run/..%2f/", "/run/a%20run/spec.json", "/spec.json"):
            assert get(server, place)[0] == 404


def test_only_who_knows_the_address_is_answered(folder: RunFolder) -> None:
    with serving(folder.path) as server:
        assert get(server, "/state", host="evil.example")[0] == 404
        assert server.server_address[0] == "127.0.0.1"


def test_a_reader_who_left_is_no_error(folder: RunFolder, capsys: pytest.CaptureFixture[str]) -> None:
    with serving(folder.path) as server:
        for error, said in ((BrokenPipeError(), False), (ConnectionResetError(), False), (ValueError("ours"), True)):
            try:
                raise error
            except (OSError, ValueError):
                server.handle_error(None, ("127.0.0.1", 1))
            assert ("Traceback" in capsys.readouterr().err) == said


def test_what_cannot_be_served(folder: RunFolder, tmp_path: Path) -> None:
    with pytest.raises(UserError, match="not a folder"):
        LiveServer(tmp_path / "none", 0, lambda follower, run: "")
    with serving(folder.path) as server, pytest.raises(UserError, match="is not available"):
        LiveServer(folder.path, server.server_address[1], lambda follower, run: "")
