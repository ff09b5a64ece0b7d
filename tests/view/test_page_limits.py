"""Pages under stress: hostile names, big networks, huge arrays, numbers that JSON cannot hold."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from view.page_parts import Elements, data_of, network, pictures_of

from glassgrad.graph.trace import trace
from glassgrad.view.page import page
from glassgrad.view.page.data import as_json

# --- hostile names -------------------------------------------------------------------------

HOSTILE = [
    "</script><script>alert(1)</script>",
    "<!--<script>",
    '" onload="alert(1)',
    "]]>",
    "\u2028\u2029",
    "\u202eevil",
    "{name}",
    "\x00\x1b[31m",
]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_names_stay_text(name: str) -> None:
    graph = trace(lambda x, y: x * y, 1.0, 2.0)
    for var in graph.variables():
        var.name = name
    graph.inputs[1].name = "y"
    html = page(graph, 1.0, 2.0, title=name)
    elements = Elements(html)
    assert elements.faults == []
    assert [tag for tag, _ in elements.found].count("script") == 3
    for _, attributes in elements.found:
        assert not any(key.startswith("on") for key in attributes)
    for picture in pictures_of(html)[0].values():
        assert "<script" not in picture
    data = data_of(html)
    marked = [value["html"] for value in data["values"]]
    marked += [
        text for detail in data["details"] for text in (detail["formula"], *detail["locals"])
    ]
    for tag, attributes in Elements("".join(marked)).found:
        assert tag != "script"
        assert not any(key.startswith("on") for key in attributes)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u2028\u2029\u202a-\u202e]", html)


def test_json_cannot_end_its_element() -> None:
    text = as_json({"</script>": ["<!--", "&", "\u2028\u2029"]})
    assert not re.search("[<>&\u2028\u2029]", text)
    assert json.loads(text) == {"</script>": ["<!--", "&", "\u2028\u2029"]}
    with pytest.raises(ValueError, match="JSON"):
        as_json(float("nan"))


# --- sizes -----------------------------------------------------------------------------------


def test_a_big_network_stays_small() -> None:
    """784-50-10 with a batch of 100: 157,760 numbers in, summaries out."""
    graph, inputs = network(100, 784, 50, 10)
    assert len(page(graph, *inputs)) < 600_000


@pytest.mark.full
def test_a_deep_network_is_folded() -> None:
    graph, inputs = network(4, *[8] * 60)
    html = page(graph, *inputs)
    assert len(html) < 3_000_000
    assert all(len(scene["nodes"]) <= 150 for scene in data_of(html)["scenes"])


def test_a_billion_numbers_are_summarised() -> None:
    huge = np.broadcast_to(np.float32(2.0), (100_000, 10_000))
    graph = trace(lambda x: x[0] * 2.0, huge)
    html = page(graph, huge)
    assert len(html) < 200_000
    (x,) = (v for v in data_of(html)["values"] if v["key"] == "x")
    assert x["value"]["count"] == 10**9
    assert x["value"]["isSampled"]
    assert x["value"]["summary"] == [2.0, 2.0, 2.0]
    assert len(x["value"]["sample"]) * len(x["value"]["sample"][0]) <= 240


def test_what_json_cannot_hold() -> None:
    def f(x: Any, n: Any) -> Any:
        return np.log(x) + 1 / (x + 1.0) + np.sqrt(x - 1.0), n * 2, x > 0

    inputs = [-1.0, np.int64(2**60)]
    data = data_of(page(trace(f, *inputs), *inputs))
    cells = [value["value"] for value in data["values"]]
    assert {"NaN", "Infinity", str(2**60), "False"} <= {c for c in cells if isinstance(c, str)}
