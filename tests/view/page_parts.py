"""Pages taken apart: their elements, their data, their pictures; and a network to draw."""

from __future__ import annotations

import base64
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np

from glassgrad import nn
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace

_DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
_PACKED = re.compile(r'<script type="text/plain">(.*?)</script>', re.S)


def data_of(html: str) -> Any:
    found = _DATA.search(html)
    assert found is not None
    return json.loads(found[1])


def pictures_of(html: str) -> list[dict[str, str]]:
    found = _PACKED.search(html)
    assert found is not None
    packed = json.loads(zlib.decompress(base64.b64decode(found[1])))
    paths = packed["paths"]
    return [
        {
            precision: re.sub(r' d="@(\d+)"', lambda n: f' d="{paths[int(n[1])]}"', picture)
            for precision, picture in drawn.items()
        }
        for drawn in packed["pictures"]
    ]


class Elements(HTMLParser):
    """Every tag with its attributes, and whether all that were opened were closed."""

    VOID = ("meta", "br", "input", "link", "img")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.faults: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        if not self.open or self.open.pop() != tag:
            self.faults.append(tag)


def network(rows: int, *sizes: int) -> tuple[Graph, list[Any]]:
    layers: list[Any] = []
    for i in range(len(sizes) - 1):
        layers += [nn.Linear(sizes[i], sizes[i + 1], rng=i), nn.ReLU()]
    model = nn.Sequential(*layers[:-1])
    rng = np.random.default_rng(0)
    x = rng.random((rows, sizes[0]), np.float32)

    def loss(model: Any, x: Any, t: Any) -> Any:
        return nn.cross_entropy(model(x), t)

    inputs = [model, x, rng.integers(0, sizes[-1], rows)]
    return trace(loss, *inputs), inputs
