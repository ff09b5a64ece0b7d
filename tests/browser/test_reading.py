"""How a page is read in a real browser: digits, languages, themes, keys, sizes, other pages."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.graph.trace import trace
from glassgrad.view.digits import number
from glassgrad.view.page import assets, figure
from glassgrad.view.record import record

pytestmark = pytest.mark.full  # a browser takes its time to start

STATUS = ".gg-status"


def _seen(page: Any, class_: str) -> list[str]:
    """The texts of one class in the picture that can be seen."""
    found = page.locator(f".gg-stage text.{class_}").all()
    return [text.text_content() for text in found if text.is_visible()]


def _step(page: Any, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


# --- numbers as in Python --------------------------------------------------------------------


def test_digits_agree_with_python(show: Any) -> None:
    """Every precision, ties and extremes included, to the character."""
    rng = np.random.default_rng(0)
    ties = [0.125, 0.375, 2.5, 3.5, -0.5, 1.5, 0.005, 1e-4, 0.25e-3, 5e-324, 1e7, 9999999.5]
    drawn = (rng.standard_normal(400) * 10.0 ** rng.integers(-12, 13, 400)).tolist()
    halves = (np.arange(-40, 40) / 16).tolist()
    floats = [0.0, -0.0, 1.0, 1e300, 1.7e308, 9.995e9, 2.5e8, *ties, *drawn, *halves]
    integers = [0, 7, -3, 123456789]
    graph = trace(lambda x: x * 2.0, 1.0)
    page = show(graph.html(1.0))
    script = "([xs, isFloat, precisions]) => precisions.map((p) => "
    script += "xs.map((x) => document.querySelector('.gg-figure').glassgrad.write(x, p, isFloat)))"
    precisions = list(range(17))
    for values, is_float in ((floats, True), (integers, False)):
        written = page.evaluate(script, [values, is_float, precisions])
        for precision, texts in zip(precisions, written, strict=True):
            assert texts == [number(x, precision) for x in values]


def test_precision_is_chosen_at_runtime(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    page.locator("[data-option='4']").click()
    page.wait_for_selector("[data-option='4'][aria-pressed=true]")
    found = record(graph, arguments)
    expected = [number(value, 4) for value in found.gradients.values()]
    assert sorted(_seen(page, "g")) == sorted(expected)
    assert "−0.1966" in expected


# --- languages, themes, keys -----------------------------------------------------------------


def test_korean_at_runtime(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="layers"))
    assert "parameters" in page.text_content(".gg-stage")
    page.get_by_role("button", name="한국어").click()
    assert page.get_attribute("html", "lang") == "ko"
    text = page.text_content(".gg-figure .gg-top")
    assert "기울기" in text
    assert "매개변수 9개" in page.text_content(".gg-stage")
    assert "연쇄 법칙" in page.text_content(".gg-source")
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    assert page.text_content(STATUS).startswith("순전파 4단계 중 1단계")
    assert "값" in page.locator(".gg-stage .node").first.get_attribute("aria-label")
    page.get_by_role("button", name="English").click()
    assert "9 parameters" in page.text_content(".gg-stage")


def test_light_and_dark(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments), color_scheme="dark")
    paper = "getComputedStyle(document.body).backgroundColor"
    assert page.evaluate(paper) == "rgb(17, 24, 39)"
    page.locator("[data-action=theme]").click()
    assert page.evaluate(paper) == "rgb(255, 255, 255)"


def test_zoom_and_drag(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    box = "document.querySelector('.gg-stage > svg').getAttribute('viewBox')"
    whole = page.evaluate(box)
    page.keyboard.press("+")
    near = page.evaluate(box)
    assert float(near.split()[2]) < float(whole.split()[2])
    page.mouse.move(640, 300)
    page.mouse.wheel(0, -200)
    nearer = page.evaluate(box)
    assert float(nearer.split()[2]) < float(near.split()[2])
    page.mouse.down()
    page.mouse.move(500, 260, steps=4)
    page.mouse.up()
    assert page.evaluate(box).split()[:2] != nearer.split()[:2]
    page.keyboard.press("0")
    assert page.evaluate(box) == whole


def test_everything_can_be_reached_by_tab(show: Any, sigmoid: Any) -> None:
    """Nodes in the order of computation, each with its name, its value and its gradient."""
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    reached = []
    for _ in range(60):
        page.keyboard.press("Tab")
        focused = page.evaluate("document.activeElement.getAttribute('data-name') ?? ''")
        reached += [focused] if focused else []
    names = [var.name for var in graph.variables()]
    assert reached[: len(names)] == names
    label = page.locator('.node[data-name="w0"]').get_attribute("aria-label")
    assert label == "parameter w0, value 2.00, gradient −0.20"
    assert page.locator("button:not([aria-label])").evaluate_all(
        "(all) => all.every((b) => b.textContent.trim() !== '')"
    )


def test_a_narrow_window_scrolls_down_only(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments), viewport={"width": 400, "height": 800})
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1]


# --- what goes wrong -------------------------------------------------------------------------


def test_nan_is_flagged(show: Any) -> None:
    graph = trace(lambda x: np.log(x) * 2.0, -1.0)
    page = show(graph.html(-1.0))
    assert "NaN" in _seen(page, "w")
    assert page.text_content(".gg-panel .gg-warn") == "NaN"


def test_hostile_names_stay_text(show: Any) -> None:
    graph = trace(lambda x, y: x * y, 1.0, 2.0)
    for var, name in zip(
        graph.variables(), ("</script><script>alert(1)//", '"><b>', "<i>z"), strict=True
    ):
        var.name = name
    page = show(graph.html(1.0, 2.0, title="<h1>&amp;</title>"))
    assert page.text_content("h1") == "<h1>&amp;</title>"
    page.keyboard.press("Home")
    _step(page, "ArrowRight", 3)
    assert page.locator("b:has(*), .gg-figure h1 h1").count() == 0


# --- figures in other pages --------------------------------------------------------------------


def test_two_figures_on_one_page(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    other = trace(lambda x: x * x, 3.0)
    body = figure(graph, *arguments, with_assets=False) + figure(other, 3.0, with_assets=False)
    page = show(f"<!DOCTYPE html><title>x</title><body>{body}{assets()}</body>")
    assert page.locator(".gg-figure").count() == 2
    second = page.locator(".gg-figure").nth(1)
    second.locator("[data-action=first]").click()
    assert page.locator(".gg-figure").nth(0).locator(".gg-stage .pending:visible").count() == 0
    assert second.locator(".gg-stage .pending:visible").count() == 2
