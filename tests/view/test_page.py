"""The page as a document: alone in its file, escaped, small, with what the script needs."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from html.parser import HTMLParser
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from random_graphs import Program, programs
from view.canon_circuits import CIRCUITS, graph_of

import glassgrad
from glassgrad import nn
from glassgrad.errors import OptionError
from glassgrad.graph.ir import Graph
from glassgrad.graph.trace import trace
from glassgrad.text import LANGUAGES, speaking
from glassgrad.view.digits import number
from glassgrad.view.page import assets, figure, page
from glassgrad.view.page.data import as_json
from glassgrad.view.page.words import words
from glassgrad.view.record import record

_DATA = re.compile(r'<script type="application/json">(.*?)</script>', re.S)
_PACKED = re.compile(r'<script type="text/plain">(.*?)</script>', re.S)


def data_of(html: str) -> Any:
    found = _DATA.search(html)
    assert found is not None
    return json.loads(found[1])


def pictures_of(html: str) -> list[dict[str, str]]:
    found = _PACKED.search(html)
    assert found is not None
    return json.loads(zlib.decompress(base64.b64decode(found[1])))


class _Elements(HTMLParser):
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


@pytest.fixture(scope="module")
def sigmoid() -> str:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    return page(graph, *arguments)


def _network(rows: int, *sizes: int) -> tuple[Graph, list[Any]]:
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


# --- the file ------------------------------------------------------------------------------


def test_it_is_a_whole_document(sigmoid: str) -> None:
    elements = _Elements(sigmoid)
    assert elements.faults == []
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert [tags.count(tag) for tag in ("html", "head", "body", "h1")] == [1, 1, 1, 0]
    assert "<title>sigmoid_circuit</title>" in sigmoid
    assert dict(elements.found)["html"] == {"lang": "en"}


def test_it_needs_no_network(sigmoid: str) -> None:
    """No address but the names of namespaces, nothing that could be loaded."""
    assert set(re.findall(r"\w+://[^\"' \\)]+", sigmoid)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in sigmoid
    assert "@import" not in sigmoid
    for tag, attributes in _Elements(sigmoid).found:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form")
        assert not {"src", "href", "srcset", "action"} & set(attributes)


def test_its_policy_allows_its_own_script_alone(sigmoid: str) -> None:
    found = re.search(r'http-equiv="Content-Security-Policy" content="([^"]+)"', sigmoid)
    assert found is not None
    rules = dict(rule.strip().split(" ", 1) for rule in found[1].split(";"))
    assert rules["default-src"] == "'none'"
    assert rules["img-src"] == "data:"
    (script,) = re.findall(r"<script>(.*?)</script>", sigmoid, re.S)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert rules["script-src"] == f"'sha256-{digest}'"
    assert sigmoid.index("Content-Security-Policy") < sigmoid.index("<style>")


def test_the_picture_is_there_without_the_script(sigmoid: str) -> None:
    """It is the one that `Graph.svg` draws, less its legend and its style sheet."""
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    shown = re.search(r'<div class="gg-stage">(<svg.*?</svg>)</div>', sigmoid, re.S)
    assert shown is not None
    alone = graph.svg(*arguments)
    for part in ("edges", "nodes", "labels"):
        pattern = re.compile(rf'<g class="{part}"[^>]*>\n(.*?)\n</g>', re.S)
        both = [pattern.search(text) for text in (shown[1], alone)]
        assert both[0] is not None
        assert both[1] is not None
        assert both[0][1] == both[1][1]
    assert shown[1] == pictures_of(sigmoid)[0]["2"]


def test_title_and_language() -> None:
    graph = trace(lambda x: x * x, 3.0)
    with speaking("ko"):
        html = graph.html(3.0, title="제곱")
    assert '<html lang="ko">' in html
    assert "<title>제곱</title>" in html
    data = data_of(html)
    assert data["language"] == "ko"
    assert set(data["words"]) == set(LANGUAGES)


def test_words_have_the_same_keys_and_places() -> None:
    by_language = words()
    places = [
        {key: sorted(re.findall(r"\{\w+\}", text)) for key, text in by_language[code].items()}
        for code in LANGUAGES
    ]
    assert places[0] == places[1]


def test_the_script_asks_for_words_that_exist() -> None:
    known = words()["en"]
    script = assets()
    asked = set(re.findall(r'say\("([\w.]+)"', script)) | set(
        re.findall(r'button\("([\w.]+)"', script)
    )
    assert asked
    assert asked - set(known) == set()


# --- what it says --------------------------------------------------------------------------


def test_numbers_are_whole() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    data = data_of(page(graph, *arguments))
    found = record(graph, arguments)
    shown = {value["key"]: value for value in data["values"]}
    for var in graph.variables():
        assert shown[var.name]["value"] == float(found.value(var))
        assert shown[var.name]["gradient"] == float(found.gradient(var))


def test_nodes_know_their_lines_both_ways() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    data = data_of(page(graph, *arguments))
    nodes = {
        data["values"][n["outs"][0]]["key"]: n for n in data["scenes"][0]["nodes"] if n["outs"]
    }
    for code in LANGUAGES:
        text = data["sources"][code]
        forward, backward = nodes["w1x1"]["lines"][code]
        assert [text[i].strip() for i in forward] == ["w1x1 = w1 * x1"]
        assert [text[i].strip() for i in backward] == ["dw1 = dscore * x1", "dx1 = dscore * w1"]


def test_formulas_come_with_and_without_numbers() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    data = data_of(page(graph, *arguments))
    (power,) = (n for n in data["scenes"][0]["nodes"] if n["html"].startswith("e<sup>"))
    detail = data["details"][power["detail"]]
    assert detail["formula"].startswith("<math>")
    assert "0.36787944117144233" in detail["numbers"]
    assert len(detail["locals"]) == 1


def test_formulas_of_single_numbers() -> None:
    """A product in a matrix product is named by its own factors, a sum by its own terms."""
    graph, arguments = graph_of("cs231n.vectorized")
    data = data_of(page(graph, *arguments, level="numbers"))
    scene = data["scenes"][data["first"]]
    texts = [data["details"][n["detail"]]["formula"] for n in scene["nodes"] if "detail" in n]
    assert scene["level"] == "numbers"
    assert any("W[0,1]" in text and "x[1]" in text for text in texts)
    sums = [text for text in texts if "q[0].0" in text and "q[0].1" in text]
    assert len(sums) == 1


def test_levels_and_regions_are_all_drawn() -> None:
    graph, inputs = _network(2, 2, 3, 2)
    html = page(graph, *inputs)
    data, pictures = data_of(html), pictures_of(html)
    levels = [scene["level"] for scene in data["scenes"]]
    assert set(levels) == {"layers", "arrays", "numbers"}
    assert len(pictures) == len(levels)
    assert all(list(drawn) == ["2", "4", "6"] for drawn in pictures)
    opened = {tuple(scene["opened"]) for scene in data["scenes"] if scene["level"] == "layers"}
    layers = [f"sequential/layers.{i}" for i in range(3)]
    assert {(), *((layer,) for layer in layers), tuple(layers), ("cross_entropy",)} <= opened
    assert ("cross_entropy", "cross_entropy/mean") in opened
    for scene, drawn in zip(data["scenes"], pictures, strict=True):
        assert len(scene["nodes"]) == drawn["2"].count('data-node="')


def test_precision_asked_for_is_drawn() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    html = page(graph, *arguments, precision=3)
    assert data_of(html)["precisions"] == [2, 3, 4, 6]
    assert number(-0.19661193324148188, 3) in html


def test_structure_alone() -> None:
    graph, _ = graph_of("cs231n.sigmoid_circuit")
    data = data_of(page(graph))
    assert not data["hasValues"]
    assert all(value["value"] is None for value in data["values"])


@pytest.mark.parametrize("name", CIRCUITS)
def test_every_circuit_has_its_page(name: str) -> None:
    graph, arguments = graph_of(name)
    html = page(graph, *arguments)
    data = data_of(html)
    assert len(html) < 400_000
    for scene in data["scenes"]:
        assert len(scene["nodes"]) <= 150
        for node in scene["nodes"]:
            if node["kind"] == "operation":
                assert data["details"][node["detail"]]["formula"]
                assert node["lines"]["en"][0] or _is_beside(data, node)


def _is_beside(data: Any, node: Any) -> bool:
    """Whether the node is not on the way to the first output, so that its gradient is 0 or none."""
    gradient = data["values"][node["outs"][0]]["gradient"]
    return gradient in (None, 0.0) or gradient.get("summary") == [0.0, 0.0, 0.0]


@given(programs())
@hypothesis_settings(max_examples=15)
def test_random_graphs(program: Program) -> None:
    arrays = program.arrays()
    graph = trace(program.of(np), *arrays)
    assert _Elements(page(graph, *arrays)).faults == []


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
    elements = _Elements(html)
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
    for tag, attributes in _Elements("".join(marked)).found:
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
    graph, inputs = _network(100, 784, 50, 10)
    assert len(page(graph, *inputs)) < 600_000


def test_a_deep_network_is_folded() -> None:
    graph, inputs = _network(4, *[8] * 60)
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


# --- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"level": "layer"}, "`layers`"),
        ({"opened": ["softmaks"]}, "offered"),
        ({"opened": ["softmaks"], "level": "numbers"}, "offered"),
        ({"select": "powr"}, "`power`"),
        ({"precision": 17}, ""),
        ({"parameters": ["w9"]}, "w0"),
    ],
)
def test_unknown_names_are_refused(options: Any, hint: str) -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    with pytest.raises(OptionError) as caught:
        page(graph, *arguments, **options)
    assert hint in str(caught.value)


# --- a part of a page --------------------------------------------------------------------------


def test_figures_have_ids_and_rules_of_their_own() -> None:
    one, two = (graph_of(name) for name in ("cs231n.sigmoid_circuit", "cs231n.staged"))
    parts = [figure(graph, *arguments, with_assets=False) for graph, arguments in (one, two)]
    ids = [set(re.findall(r' id="([^"]+)"', part)) for part in parts]
    assert not ids[0] & ids[1]
    style = re.search(r"<style>(.*?)</style>", assets(), re.S)
    assert style is not None
    rules = re.sub(r"/\*.*?\*/", "", style[1], flags=re.S)
    selectors = re.findall(r"(?:^|[{}])\s*([^{}@;]+)\{", rules)
    loose = [
        s for s in selectors for part in s.split(",") if not re.search(r"gg-|glassgrad|is-", part)
    ]
    assert loose == []


def test_the_assets_are_part_of_the_package() -> None:
    folder = glassgrad.__path__[0] + "/view/page/assets"
    from pathlib import Path

    names = {path.name for path in Path(folder).iterdir()}
    assert {"figure.css", "page.css", "figure.js", "digits.js"} <= names
