"""What the tests of `data` share: the folder of real data, a web server on the loopback."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def real_data(shared_data: Path) -> Path:
    """The folder with real data sets: GLASSGRAD_DATA's layout, beside the checkout."""
    if not shared_data.is_dir():
        pytest.skip("no real data: ../shared/data is not there")
    return shared_data


@pytest.fixture
def real_table(real_data: Path) -> Path:
    folder = real_data / "tabular"
    if not folder.is_dir():
        pytest.skip(f"no folder tabular in {real_data}")
    return folder


class Site:
    """A web server with files by path; `behave` makes it misbehave, `ranges` lists requests."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.behave: dict[str, str] = {}
        self.ranges: list[tuple[str, str]] = []
        site = self

        class Handler(BaseHTTPRequestHandler):
            def log_message(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                site.answer(self)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        self.thread = threading.Thread(target=self.server.serve_forever, args=(0.01,))
        self.thread.start()

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        asked = handler.headers.get("Range", "")
        self.ranges.append((handler.path, asked))
        manner = self.behave.get(handler.path, "")
        content = self.files.get(handler.path)
        if content is None:
            handler.send_error(404)
            return
        start = 0
        if asked and manner != "ignores ranges":
            start = int(asked.removeprefix("bytes=").removesuffix("-"))
            if start >= len(content):
                handler.send_error(416)
                return
            handler.send_response(206)
            claimed = start + (manner == "wrong range")
            handler.send_header("Content-Range", f"bytes {claimed}-{len(content) - 1}/*")
        else:
            handler.send_response(200)
        kind = "text/html; charset=utf-8" if manner == "html" else "application/octet-stream"
        handler.send_header("Content-Type", kind)
        handler.send_header("Content-Length", str(len(content) - start))
        handler.end_headers()
        body = content[start:]
        handler.wfile.write(body[: len(body) // 2] if manner == "breaks off" else body)

    def close(self) -> None:
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()
    yield site
    site.close()
