"""The page in a real browser: what it shows is what the graph computed, at every step."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad.graph.trace import trace
from glassgrad.view.digits import number
from glassgrad.view.record import record

pytestmark = pytest.mark.full  # a browser takes its time to start

STATUS = ".gg-status"


def _seen(page: Any, class_: str) -> list[str]:
    """The texts of one class in the picture that can be seen."""
    found = page.locator(f".gg-stage text.{class_}").all()
    return [text.text_content() for text in found if text.is_visible()]


def _names(page: Any) -> list[str]:
    nodes = page.locator(".gg-stage .node").all()
    return [node.get_attribute("data-name") or "" for node in nodes]


def _step(page: Any, key: str, times: int = 1) -> None:
    for _ in range(times):
        page.keyboard.press(key)


# --- stepping ------------------------------------------------------------------------------


def test_all_numbers_are_the_graphs(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    found = record(graph, arguments)
    for class_, numbers in (("v", found.values), ("g", found.gradients)):
        expected = [number(value, 2) for value in numbers.values()]
        assert sorted(_seen(page, class_)) == sorted(expected)
    shown = "−0.20 0.39 −0.39 −0.59 0.20 0.20 0.20 0.20 0.20 −0.20 −0.53 −0.53 1.00".split()
    assert sorted(_seen(page, "g")) == sorted(shown)  # the lecture's


def test_stepping_by_keyboard(show: Any, sigmoid: Any) -> None:
    """Each step forward brings one value, each step back the gradients of a node's operands."""
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    found = record(graph, arguments)
    values = [number(found.value(var), 2) for var in graph.variables()]
    page.keyboard.press("Home")
    assert _seen(page, "v") == values[:5]
    assert _seen(page, "g") == []
    assert page.locator(".gg-stage .pending:visible").count() == 13
    for count, eqn in enumerate(graph.eqns, start=1):
        page.keyboard.press("ArrowRight")
        assert _seen(page, "v") == values[: 5 + count]
        result = eqn.outputs[0]
        assert f"{result.name} = {number(found.value(result), 2)}" in page.text_content(STATUS)
    page.keyboard.press("ArrowRight")
    assert _seen(page, "g") == ["1.00"]
    known = {graph.outputs[0]}
    for eqn in reversed(graph.eqns):
        page.keyboard.press("ArrowRight")
        known |= {atom for atom in eqn.inputs if atom in found.gradients}
        shown = [number(found.gradient(var), 2) for var in graph.variables() if var in known]
        assert _seen(page, "g") == shown
        assert page.locator(".gg-stage .pending:visible").count() == 13 - len(known)
    _step(page, "ArrowLeft")
    assert page.locator(".gg-stage .pending:visible").count() == 2
    page.keyboard.press("End")
    assert page.locator(".gg-stage .pending:visible").count() == 0


def test_the_status_line_says_the_chain_rule(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    page.keyboard.press("Home")
    _step(page, "ArrowRight", 8 + 1 + 3)
    assert "dnegated = −0.53 × 0.37 = −0.20" in page.text_content(STATUS)
    assert page.get_attribute(STATUS, "aria-live") == "polite"


def test_space_plays_and_pauses(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    page.clock.install()
    page.keyboard.press("Space")
    assert page.locator("[data-action=play]").get_attribute("aria-label") == "pause"
    page.clock.run_for(3400)
    assert page.text_content(STATUS).startswith("Forward pass, 3 of 8")
    page.keyboard.press("Space")
    page.clock.run_for(5000)
    assert page.text_content(STATUS).startswith("Forward pass, 3 of 8")


def test_zero_is_not_pending(show: Any) -> None:
    graph = trace(lambda x, unused: x * 2.0, 1.0, 2.0)
    page = show(graph.html(1.0, 2.0))
    assert "0.00" in _seen(page, "g")
    page.keyboard.press("Home")
    assert _seen(page, "g") == []


# --- levels and regions --------------------------------------------------------------------


def test_a_region_unfolds_and_folds(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="layers"))
    folded = _names(page)
    box = page.locator(".gg-stage .node.region").first
    box.locator(".open").click()
    page.wait_for_selector(".gg-chips button")
    operations = page.locator(".gg-stage .node.operation")
    kinds = [n.get_attribute("data-primitive") for n in operations.all()]
    assert kinds == ["matmul", "add"]
    assert page.locator(".gg-stage .node.parameter").count() == 2
    page.locator(".gg-chips button").click()
    page.wait_for_selector(".gg-chips button", state="detached")
    assert _names(page) == folded


def test_a_region_unfolds_by_keyboard(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="layers"))
    page.locator(".gg-stage .node.region").nth(1).focus()
    _step(page, "Enter", 2)
    page.wait_for_selector(".gg-stage .gg-fold")
    assert page.locator(".gg-stage .node.operation").count() == 1
    page.locator(".gg-stage .gg-fold").focus()
    page.keyboard.press("Enter")
    page.wait_for_selector(".gg-stage .gg-fold", state="detached")
    assert page.locator(".gg-stage .node.operation").count() == 0


def test_three_levels(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="layers"))
    counts = {}
    for level in ("layers", "arrays", "numbers"):
        page.locator(f"[data-option={level}]").click()
        page.wait_for_selector(f"[data-option={level}][aria-pressed=true]")
        counts[level] = page.locator(".gg-stage .node").count()
    assert counts["layers"] < counts["arrays"] < counts["numbers"] <= 150


def test_stepping_goes_on_at_another_level(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="layers"))
    page.keyboard.press("Home")
    _step(page, "ArrowRight", 2)
    page.locator("[data-option=arrays]").click()
    page.wait_for_selector("[data-option=arrays][aria-pressed=true]")
    assert page.text_content(STATUS).startswith("Forward pass, 3 of")


# --- the chosen node -----------------------------------------------------------------------


def test_the_panel_explains_a_node(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments, select="power"))
    panel = page.locator(".gg-panel")
    assert panel.locator("h2").text_content() == "power = ex"
    assert panel.locator("math").count() == 2
    text = panel.text_content()
    found = record(graph, arguments)
    (power,) = (var for var in graph.variables() if var.name == "power")
    assert number(found.value(power), 16)[:17] in text
    assert "−0.53 × ∂ 1.00 = −0.53" in text
    assert "power = np.exp(negated)" in text
    assert "dnegated = ddenominator * power" in text


def test_nothing_is_told_before_its_step(show: Any, sigmoid: Any) -> None:
    """At the beginning no number of the chosen node is in the panel, not even in a formula."""
    graph, arguments = sigmoid
    page = show(graph.html(*arguments, select="power"))
    assert "0.37" in page.text_content(".gg-panel")
    page.keyboard.press("Home")
    assert page.locator(".gg-panel h2").text_content() == "power = ex"
    assert "0." not in page.text_content(".gg-panel")
    assert page.locator(".gg-panel .gg-pending").count() >= 4


def test_a_fork_is_summed(show: Any) -> None:
    page = show(trace(lambda x, y: x * y + x, 2.0, 3.0).html(2.0, 3.0, select="x"))
    terms = page.locator(".gg-term").all()
    assert sorted(term.text_content() for term in terms) == [
        "t11.00 × ∂ 3.00 = 3.00",
        "t21.00 × ∂ 1.00 = 1.00",
    ]
    assert page.text_content(".gg-sum") == "sum = 4.00"


def test_nodes_and_lines_point_at_each_other(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    page.locator('.node[data-name="dot"]').click()
    assert page.locator(".gg-line.is-forward").text_content().endswith("dot = w0x0 + w1x1")
    page.locator(".gg-line", has_text="dw1 = dscore * x1").click()
    assert page.locator(".node.is-selected").get_attribute("data-name") == "w1x1"
    assert page.locator(".gg-line.is-backward").count() == 2


def test_hovering_shows_all_digits(show: Any, sigmoid: Any) -> None:
    graph, arguments = sigmoid
    page = show(graph.html(*arguments))
    page.locator('.node[data-name="x1"]').hover()
    card = page.locator(".gg-card")
    assert "−0.5898357997244457" in card.text_content()
    page.mouse.move(2, 2)
    assert not card.is_visible()


def test_arrays_show_a_map_and_a_summary(show: Any, network: Any) -> None:
    graph, arguments = network
    page = show(graph.html(*arguments, level="arrays", select="x"))
    assert page.locator(".gg-panel .gg-matrix").count() == 2
    big = np.linspace(-1, 1, 600).reshape(20, 30)
    page = show(trace(lambda x: (x * x).sum(), big).html(big, select="x"))
    assert page.locator(".gg-panel svg.gg-map").count() == 2
    assert "minimum" in page.text_content(".gg-panel")
    assert "(20, 30) float64" in page.text_content(".gg-panel")
