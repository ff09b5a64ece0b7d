"""A report in a real browser: it opens from disk, by day and by night, on a telephone, on paper."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from report.runs import material

from glassgrad.report import report_html
from glassgrad.text import speaking

pytestmark = pytest.mark.full  # a browser takes its time to start

Open = Callable[..., Any]
WIDEST = "document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def html() -> str:
    return report_html(material(width=16, image_shape=(1, 4, 4)))


def test_it_opens(show: Open, html: str) -> None:
    page = show(html)
    assert page.locator("h1").inner_text() == "run-7"
    assert page.locator("h2").first.inner_text() == "What was trained"
    assert page.evaluate(WIDEST) == 0
    images = page.evaluate("[...document.querySelectorAll('image')].length")
    assert images > 5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out(show: Open, html: str, scheme: str) -> None:
    """Contrast of the text, and of a chart's words, with the page."""
    page = show(html, color_scheme=scheme)
    for selector in ("p", "figcaption", "svg.gg-chart text.tick", "nav a"):
        assert _contrast(page, selector) >= 4.5, selector


def test_links_lead_to_sections(show: Open, html: str) -> None:
    page = show(html)
    page.get_by_role("link", name="Cost").click()
    assert page.evaluate("document.querySelector('#cost').getBoundingClientRect().top") < 100


def test_a_telephone_shows_no_more_than_its_width(show: Open, html: str) -> None:
    page = show(html, viewport={"width": 380, "height": 700})
    assert page.evaluate(WIDEST) <= 0


def test_the_graph_steps(show: Open, html: str) -> None:
    page = show(html)
    figure = page.locator(".gg-figure")
    assert figure.locator("svg.glassgrad").count() >= 1
    assert figure.get_by_role("button").count() > 3


def test_it_prints(show: Open, html: str) -> None:
    page = show(html, color_scheme="dark")
    paper = page.pdf(prefer_css_page_size=True)
    assert paper.startswith(b"%PDF")
    page.emulate_media(media="print")
    background = page.evaluate("getComputedStyle(document.body).color")
    assert background == "rgb(31, 41, 55)"  # ink on paper, whatever the screen was


def test_korean(show: Open) -> None:
    with speaking("ko"):
        page = show(report_html(material()))
    assert page.locator("html").get_attribute("lang") == "ko"
    assert page.get_by_role("heading", name="혼동").count() == 0
    assert page.get_by_role("heading", name="학습 곡선").is_visible()


def _contrast(page: Any, selector: str) -> float:
    """The WCAG contrast of the first such element with the page behind it."""
    script = """selector => {
        const element = document.querySelector(selector);
        const style = getComputedStyle(element);
        const ink = element instanceof SVGElement ? style.fill : style.color;
        return [ink, getComputedStyle(document.documentElement).backgroundColor];
    }"""
    one, other = (_luminance(colour) for colour in page.evaluate(script, selector))
    return (max(one, other) + 0.05) / (min(one, other) + 0.05)


def _luminance(colour: str) -> float:
    parts = [float(part) / 255 for part in colour.split("(")[1].rstrip(")").split(",")[:3]]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
