"""The picture as a document: well formed, escaped, accessible, with the lecture's numbers."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from view.canon_circuits import CIRCUITS, graph_of

from glassgrad.errors import OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.text import speaking
from glassgrad.view.style import DARK, LIGHT

GOLDEN = Path(__file__).parent / "golden"
SVG = "{http://www.w3.org/2000/svg}"


def _root(picture: str) -> Any:
    return ET.fromstring(picture)


def _texts(picture: str, class_: str) -> list[str]:
    found = _root(picture).iter(f"{SVG}text")
    return ["".join(t.itertext()) for t in found if t.get("class") == class_]


def _nodes(picture: str) -> list[Any]:
    groups = _root(picture).iter(f"{SVG}g")
    return [g for g in groups if (g.get("class") or "").startswith("node ")]


def without_style(picture: str) -> str:
    """What a golden file keeps: the style sheet is the same in all of them."""
    return re.sub(r"<style>.*?</style>\n", "", picture, flags=re.S)


# --- what it shows -------------------------------------------------------------------------


@pytest.mark.parametrize("name", CIRCUITS)
def test_golden(name: str) -> None:
    """Renewed by `python tests/view/renew_golden.py`, and read as a diff."""
    graph, arguments = graph_of(name)
    picture = without_style(graph.svg(*arguments))
    assert picture == (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")


def test_the_lectures_numbers() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    picture = graph.svg(*arguments, precision=2)
    values = "2.00 −1.00 −3.00 −2.00 −3.00 −2.00 6.00 4.00 1.00 −1.00 0.37 1.37 0.73".split()
    gradients = "−0.20 0.39 −0.39 −0.59 0.20 0.20 0.20 0.20 0.20 −0.20 −0.53 −0.53 1.00".split()
    assert sorted(_texts(picture, "v")) == sorted([*values, "0.73"])  # and the legend's sample
    assert sorted(_texts(picture, "g")) == sorted([*gradients, "0.20"])
    pills = ["∂ −1.00", "∂ 2.00", "∂ −2.00", "∂ −3.00", "∂ −1.00", "∂ 0.37", "∂ −0.53"]
    assert sorted(_texts(picture, "l")) == sorted([*pills, "∂ −1.00"])
    assert "−0.1966" in _texts(graph.svg(*arguments, precision=4), "g")


def test_parameters_inputs_constants_and_outputs_are_told_apart() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    kinds = [node.get("class").removeprefix("node ") for node in _nodes(graph.svg(*arguments))]
    assert kinds == [*["parameter", "input"] * 2, "parameter", *["operation"] * 8, "output"]
    chosen = graph.svg(*arguments, parameters=["x0"])
    names = {n.get("data-name"): n.get("class") for n in _nodes(chosen)}
    assert names["x0"] == "node parameter"
    assert names["w0"] == "node input"
    constant = np.array([1.0, 2.0])
    picture = trace(lambda x: (x * constant).sum(), constant).svg(constant)
    assert any(node.get("class") == "node constant" for node in _nodes(picture))


def test_not_computed_is_not_zero() -> None:
    graph = trace(lambda x, unused: x * 2.0, 1.0, 2.0)
    picture = graph.svg(1.0, 2.0, backward=False)
    assert picture.count('class="pending"') == 3  # x, the result, the legend
    assert "0.00" in _texts(picture, "g")
    states = {n.get("data-name"): n.get("data-gradient") for n in _nodes(picture)}
    assert states["x"] == "pending"
    assert states["unused"] == "0.0"
    assert 'class="pending"' not in graph.svg(1.0, 2.0)


def test_nan_and_infinity_are_flagged() -> None:
    def f(x: Any, v: Any) -> Any:
        return np.log(x) + (1 / v).sum()

    v = np.concatenate([np.zeros(3), np.arange(40.0)])
    picture = trace(f, -1.0, v).svg(-1.0, v)
    assert {"NaN", "infinity", "4 infinity"} <= set(_texts(picture, "w"))
    assert 'class="warn"' in picture


def test_structure_alone_needs_no_inputs() -> None:
    graph, _ = graph_of("cs231n.sigmoid_circuit")
    picture = graph.svg()
    assert _texts(picture, "v") == []
    assert _texts(picture, "g") == []
    assert len(_nodes(picture)) == 14


def test_huge_arrays_are_summarised() -> None:
    huge = np.broadcast_to(np.float32(2.0), (100_000, 10_000))
    picture = trace(lambda x: x[0], huge).svg(huge)
    assert len(picture) < 40_000
    assert "(100000, 10000) float32" in "".join(_texts(picture, "shape"))
    assert any(line.startswith("≈") for line in _texts(picture, "v s"))


def test_levels() -> None:
    graph, arguments = graph_of("cs231n.vectorized")
    counts = [len(_nodes(graph.svg(*arguments, level=level))) for level in ("arrays", "numbers")]
    assert counts == [6, 16]


# --- the document --------------------------------------------------------------------------


@pytest.mark.parametrize("name", CIRCUITS)
def test_accessible(name: str) -> None:
    graph, arguments = graph_of(name)
    root = _root(graph.svg(*arguments, title="Title"))
    assert root.get("role") == "img"
    ids = {element.get("id") for element in root.iter() if element.get("id")}
    assert set(root.get("aria-labelledby").split()) == ids
    assert root.find(f"{SVG}title").text == "Title"
    for node in root.iter(f"{SVG}g"):
        if (node.get("class") or "").startswith("node "):
            assert node.get("tabindex") == "0"
            assert node.get("aria-label")
            assert node.find(f"{SVG}title").text


def test_nodes_come_in_topological_order() -> None:
    graph, arguments = graph_of("mazur.network")
    root = _root(graph.svg(*arguments))
    edges = [e for e in root.iter(f"{SVG}path") if e.get("class") == "edge"]
    assert edges
    for edge in edges:
        ends = [int(name[1:]) for name in (edge.get("data-to") or "").split()]
        assert all(int(edge.get("data-from")[1:]) < end for end in ends)


def test_numbers_carry_all_their_digits() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    nodes = {n.get("data-name"): n for n in _nodes(graph.svg(*arguments))}
    assert float(nodes["x1"].get("data-gradient")) == pytest.approx(-0.589835799724446, abs=1e-15)
    assert nodes["w0x0"].get("data-primitive") == "multiply"
    assert nodes["w0x0"].get("data-place").startswith("cs231n.py:")


@pytest.mark.parametrize(
    "name",
    [
        "<script>alert(1)</script>",
        'a" onload="x',
        "]]>",
        "&amp;",
        "a\nb",
        "\u202eevil",
        "\x00\x1b[31m",
    ],
)
def test_hostile_names_stay_text(name: str) -> None:
    graph = trace(lambda x, y: x * y, 1.0, 2.0)
    for var in graph.variables():
        var.name = name
    graph.inputs[1].name = "y"
    picture = graph.svg(1.0, 2.0, title=name)
    root = _root(picture)
    tags = {element.tag.removeprefix(SVG) for element in root.iter()}
    assert tags <= {"svg", "g", "rect", "path", "circle", "text", "tspan", "title", "desc", "style"}
    assert not any(key.startswith("on") for element in root.iter() for key in element.attrib)
    assert not re.search(r"[\x00-\x08\x0b-\x1f\u202a-\u202e\u2066-\u2069]", picture)


def test_it_stands_alone() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    picture = graph.svg(*arguments)
    assert re.findall(r"https?://[^\"' ]+", picture) == ["http://www.w3.org/2000/svg"]
    assert "url(" not in picture
    assert "<script" not in picture


def test_two_pictures_share_a_page() -> None:
    one, two = (graph_of(n) for n in ("cs231n.sigmoid_circuit", "cs231n.staged"))
    ids = [re.findall(r' id="([^"]+)"', graph.svg(*args)) for graph, args in (one, two)]
    assert not set(ids[0]) & set(ids[1])
    style = re.search(r"<style>(.*?)</style>", one[0].svg(), re.S)
    assert style is not None
    selectors = re.findall(r"(?:^|\})\s*([^{}@]+)\{", style[1])
    assert all(".glassgrad" in part for s in selectors for part in s.split(","))


def test_it_speaks_korean() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    with speaking("ko"):
        picture = graph.svg(*arguments)
    assert "국소적 미분 (1은 그리지 않음)" in picture
    assert "매개변수" in picture


# --- colours -------------------------------------------------------------------------------


def _luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("theme", [LIGHT, DARK], ids=["light", "dark"])
def test_contrast(theme: dict[str, str]) -> None:
    """WCAG 2: text has at least 4.5 : 1 on whatever it stands on."""
    pairs = [("ink", back) for back in ("paper", "op", "param", "input", "out")]
    pairs += [("value", "paper"), ("grad", "paper"), ("muted", "paper"), ("muted", "local-bg")]
    pairs += [("muted", "param"), ("muted", "input"), ("paper", "ink")]
    for front, back in pairs:
        light, dark = sorted((_luminance(theme[front]), _luminance(theme[back])), reverse=True)
        assert (light + 0.05) / (dark + 0.05) >= 4.5, (front, back)


# --- refused -------------------------------------------------------------------------------


def test_bad_options() -> None:
    graph, arguments = graph_of("cs231n.sigmoid_circuit")
    with pytest.raises(OptionError, match="unknown level 'layer'") as caught:
        graph.svg(*arguments, level="layer")
    assert "`layers`" in str(caught.value)
    with pytest.raises(OptionError, match="no number of decimals"):
        graph.svg(*arguments, precision=-1)
    with pytest.raises(OptionError, match="unknown input 'w9'"):
        graph.svg(*arguments, parameters=["w9"])
    with pytest.raises(ShapeError, match="recorded for"):
        graph.svg(np.ones(3), *arguments[1:])
