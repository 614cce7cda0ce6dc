"""What a real client makes of a server's answers."""

from __future__ import annotations

import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest

from search.errors import explain_error
from search.storage.places import address
from search.storage.places import bucket as bucket_module
from search.storage.places.address import open_place
from search.storage.places.base import Unreachable


class Answers(BaseHTTPRequestHandler):
    """Gives each answer once, the last one ever after; and slowly."""

    answers: list[tuple[int, bytes]]
    received: list[int]
    seconds: float  # Before the answer, and before each third of it.

    def answer(self) -> None:
        self.received.append(len(self.rfile.read(int(self.headers.get("Content-Length") or 0))))
        status, body = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        if self.command == "PUT":
            time.sleep(self.seconds)
        self.send_response(status)
        for name, value in (("Content-Length", str(len(body))), ("ETag", '"1"'), ("Last-Modified", LONG_AGO)):
            self.send_header(name, value)
        self.end_headers()
        if self.command == "GET" and self.seconds:
            for start in range(0, len(body), len(body) // 3):
                time.sleep(self.seconds)
                self.wfile.write(body[start : start + len(body) // 3])
        else:
            self.wfile.write(body)

    def do_GET(self) -> None:
        self.answer()

    def do_PUT(self) -> None:
        self.answer()

    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        pass


LONG_AGO = "Thu, 01 Jan 2026 00:00:00 GMT"


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch) -> Iterator[type[Answers]]:
    class Mine(Answers):
        answers, received, seconds = [], [], 0.0

    there = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    Thread(target=there.serve_forever, args=(0.05,), daemon=True).start()
    monkeypatch.setattr(bucket_module, "FIRST_WAIT", 0.001)
    for name in (*address.ENDPOINTS, "AWS_PROFILE", "AWS_SESSION_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    settings = {"ACCESS_KEY_ID": "k", "SECRET_ACCESS_KEY": "s", "REGION": "us-east-1"}
    for name, value in {**settings, "ENDPOINT_URL": f"http://127.0.0.1:{there.server_port}"}.items():
        monkeypatch.setenv(f"AWS_{name}", value)
    yield Mine
    there.shutdown()
    there.server_close()


def test_the_server_has_waited_too_long_for_a_write(server: type[Answers]) -> None:
    server.answers = [(400, b"<Error><Code>RequestTimeout</Code></Error>"), (200, b"")]
    open_place("s3://bucket/run", 5.0).create("a", b"1")
    assert server.received == [1, 1]


@pytest.mark.parametrize(
    ("status", "code", "known"),
    [
        (301, "PermanentRedirect", "redirected"),
        (400, "AuthorizationHeaderMalformed", "400 AuthorizationHeaderMalformed"),
    ],
)
def test_another_region_is_said_at_once(server: type[Answers], status: int, code: str, known: str) -> None:
    server.answers = [(status, f"<Error><Code>{code}</Code></Error>".encode())]
    with pytest.raises(Unreachable) as caught:
        open_place("s3://bucket/run", 60.0).get("a")
    told = f"the bucket is in another region ({known}); name it in AWS_REGION"
    assert explain_error(caught.value) == f"s3://bucket/run/a: {told}"
    assert len(server.received) == 1


def test_what_is_large_may_take_its_time(server: type[Answers]) -> None:
    """A request without an answer for 1 second fails; one whose answer comes slowly does not, nor a large one."""
    server.answers, server.seconds = [(200, b"123456")], 0.45
    place = open_place("s3://bucket/run", 1.0)
    found = place.get("checkpoint")
    assert found is not None
    assert found[0] == b"123456"
    server.seconds = 1.3
    place.create("checkpoint", bytes(2_000_000))
    place.patience = 0.0
    with pytest.raises(Unreachable, match="does not answer in time"):
        place.create("small", b"1")


@pytest.mark.parametrize(
    ("url", "variable"), [("gs://bucket/run", "GOOGLE_APPLICATION"), ("az://b/run", "AZURE_STORAGE")]
)
def test_missing_credentials_are_those_of_the_store(url: str, variable: str) -> None:
    error = OSError("Error performing GET http://169.254.169.254/computeMetadata/v1/token")
    assert f"no credentials were found ({variable}" in bucket_module.explain(error, url)
