"""The page as a document: alone in its file, escaped, small, with what the script needs."""

from __future__ import annotations

import base64
import hashlib
import re
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from random_graphs import Program, programs
from view.canon_circuits import CIRCUITS, graph_of
from view.page_parts import Elements, data_of, network, pictures_of

import glassgrad
from glassgrad.errors import OptionError
from glassgrad.graph.trace import trace
from glassgrad.text import LANGUAGES, speaking
from glassgrad.view.digits import number
from glassgrad.view.page import assets, figure, page
from glassgrad.view.page.words import words
from glassgrad.view.record import record


@pytest.fixture(scope="module")
def sigmoid() -> str:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    return page(graph, *arguments)


# --- the file ------------------------------------------------------------------------------


def test_it_is_a_whole_document(sigmoid: str) -> None:
    elements = Elements(sigmoid)
    assert elements.faults == []
    assert elements.open == []
    tags = [tag for tag, _ in elements.found]
    assert [tags.count(tag) for tag in ("html", "head", "body", "h1")] == [1, 1, 1, 0]
    assert "<title>sigmoid_circuit</title>" in sigmoid
    assert dict(elements.found)["html"] == {"lang": "en"}


def test_it_needs_nonetwork(sigmoid: str) -> None:
    """No address but the names of namespaces, nothing that could be loaded."""
    assert set(re.findall(r"\w+://[^\"' \\)]+", sigmoid)) == {"http://www.w3.org/2000/svg"}
    assert "url(" not in sigmoid
    assert "@import" not in sigmoid
    for tag, attributes in Elements(sigmoid).found:
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
    graph, inputs = network(2, 2, 3, 2)
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


@pytest.mark.full
@given(programs())
@hypothesis_settings(max_examples=15)
def test_random_graphs(program: Program) -> None:
    arrays = program.arrays()
    graph = trace(program.of(np), *arrays)
    assert Elements(page(graph, *arrays)).faults == []


# --- refused -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "hint"),
    [
        ({"level": "layer"}, "`layers`"),
        ({"opened": ["softmaks"]}, "none here"),
        ({"opened": ["softmaks"], "level": "numbers"}, "none here"),
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
