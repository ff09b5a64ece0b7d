"""A real browser for pages: Debian's Chromium under Playwright, without a network.

Where Playwright or Chromium is missing, these tests are skipped with the reason.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from view.canon_circuits import graph_of

from glassgrad import nn
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

NAMES = ("chromium", "chromium-browser", "google-chrome")
ARGUMENTS = """
    --no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking
    --disable-component-update --disable-sync --disable-default-apps --no-default-browser-check
""".split()

Open = Callable[..., Any]


@pytest.fixture(scope="session")
def browser() -> Iterator[Any]:
    """Chromium, once for all tests."""
    playwright = pytest.importorskip(
        "playwright.sync_api", reason="needs playwright: pip install playwright"
    )
    path = next(filter(None, map(shutil.which, NAMES)), None)
    if path is None:
        pytest.skip("needs Chromium: apt install chromium")
    with playwright.sync_playwright() as p:
        started = p.chromium.launch(executable_path=path, args=ARGUMENTS)
        yield started
        started.close()


@pytest.fixture
def show(browser: Any, tmp_path: Path) -> Iterator[Open]:
    """Open HTML from disk; afterwards nothing was reported and nothing was asked of a network."""
    faults: list[str] = []
    contexts = []

    def open_page(html: str, **options: Any) -> Any:
        options = {"viewport": {"width": 1280, "height": 860}, "reduced_motion": "reduce"} | options
        context = browser.new_context(**options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.on("console", lambda message: faults.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on("request", lambda request: _note_request(request.url, faults))
        path = tmp_path / f"page{len(contexts)}.html"
        path.write_text(html, encoding="utf-8")
        page.goto(path.as_uri())
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert faults == []


def _note_request(url: str, faults: list[str]) -> None:
    if not url.startswith(("file:", "data:")):  # an embedded image is in the file
        faults.append(f"asked for {url}")


# --- what is shown ---------------------------------------------------------------------------


@pytest.fixture
def sigmoid() -> tuple[Graph, list[Any]]:
    return graph_of("cs231n.sigmoid_circuit")


class TwoLayerNet(nn.Module):
    """The book's network, with names of its own."""

    def __init__(self) -> None:
        self.fc1 = nn.Linear(2, 3, rng=1)
        self.relu = nn.ReLU()
        self.fc2 = nn.Linear(3, 2, rng=2)

    def forward(self, x: Any) -> Any:
        return self.fc2(self.relu(self.fc1(x)))


@pytest.fixture
def network() -> tuple[Graph, list[Any]]:
    def loss(model: Any, x: Any, t: Any) -> Any:
        return nn.cross_entropy(model(x), t)

    x = np.array([[1.0, -2.0], [0.5, 3.0]], np.float32)
    inputs = [TwoLayerNet(), x, np.array([0, 1])]
    return trace(loss, *inputs), inputs
