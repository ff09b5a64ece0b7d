"""The report as a document: whole, self-contained, escaped, and with the numbers of the run."""

from __future__ import annotations

import base64
import hashlib
import re
from functools import cache
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from report.runs import material

from glassgrad.errors import FileAccessError
from glassgrad.report import Material, Words, report_html, write_report
from glassgrad.report import report as sections
from glassgrad.report.page import policy
from glassgrad.report.prose import percent, short
from glassgrad.text import speaking

HOSTILE = '</p><script>alert("x")</script><img src=x onerror=alert(1)>\u202e'
VOID = {"meta", "br", "link", "img"}


@cache
def plain_page() -> str:
    """The report of the plain material, made once."""
    return report_html(material())


@cache
def image_page() -> str:
    """The report where rows are images of 4 × 4."""
    return report_html(material(width=16, image_shape=(1, 4, 4)))


class _Reader(HTMLParser):
    """Headings, tags, attributes and visible text of a page; complains about tags left open."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.headings: list[str] = []
        self.open: list[str] = []
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: Any) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, tag
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" in self.open or "script" in self.open:
            return
        self.text.append(data)
        if "h2" in self.open:
            self.headings.append(data)

    @property
    def words(self) -> str:
        return " ".join("".join(self.text).split())


def read(html: str) -> _Reader:
    page = _Reader(html)
    assert page.open == []
    return page


# --- structure ---------------------------------------------------------------------------


def test_sections_in_order() -> None:
    page = read(plain_page())
    assert page.headings[:5] == [
        "What was trained",
        "Learning curves",
        "Right and wrong",
        "Decision boundary",
        "Activations and gradients",
    ]
    assert page.headings[-3:] == ["Diagnosis", "Cost", "How to repeat it"]
    assert re.findall(r'<p class="fault">[^<]*', plain_page()) == []


def test_images_show_weights_and_mistakes() -> None:
    html = image_page()
    assert "First layer" in read(html).headings
    assert html.count("data:image/png;base64,") > 5
    assert "Decision boundary" not in html


def test_a_quantity_is_plotted_against_the_truth() -> None:
    page = read(report_html(material(classes=())))
    assert "Predicted against true price" in {a.get("aria-label") for _, a in page.tags}
    assert "it explains 75.0% of the variance" in page.words


def test_every_figure_has_a_sentence_and_a_name() -> None:
    page = read(image_page())
    figures = [tag for tag, _ in page.tags if tag == "figure"]
    captions = [tag for tag, _ in page.tags if tag == "figcaption"]
    assert len(figures) == len(captions) >= 6
    pictures = [a for tag, a in page.tags if tag == "svg" and a.get("role") == "img"]
    assert len(pictures) >= 6
    assert all(a.get("aria-label") or a.get("aria-labelledby") for a in pictures)


def test_links_lead_to_sections() -> None:
    page = read(plain_page())
    links = [a["href"] for tag, a in page.tags if tag == "a" and "href" in a]
    ids = [a.get("id") for _, a in page.tags if a.get("id")]
    assert links
    assert all(str(link).removeprefix("#") in ids for link in links)
    assert len(ids) == len(set(ids))


# --- what was measured -------------------------------------------------------------------


def test_numbers_are_those_of_the_run() -> None:
    words = read(plain_page()).words
    assert "90.0% of 30 test rows are right" in words
    assert "27 of 30 test rows lie on the diagonal" in words
    assert "a taken for b, 2 of 10 times" in words
    assert "falls from 1.1 in the first epoch to 0.2 in the last" in words
    assert "least at epoch 3 (0.5) and then rises to 0.9" in words
    assert "from 0.1 to 0.01" in words
    assert "from the seed 3" in words


def test_rows_of_a_table_as_the_file_had_them() -> None:
    cells = [(f"id{i}", "blue") for i in range(30)]
    words = Words(("name", "colour"), cells, list(range(101, 131)))
    page = read(report_html(material(width=3, words=words)))
    assert re.search(r"\bid\d+ blue\b", " ".join(page.text))


def test_a_mistake_is_ranked_by_its_loss() -> None:
    made = material(width=3)
    html = report_html(made)
    assert made.test is not None
    truth = made.test[1]
    losses = -np.log(made.shares[np.arange(30), truth])
    wrong = np.flatnonzero(made.found != truth)
    worst = int(wrong[losses[wrong].argmax()])
    first = re.search(r'<tbody><tr><td class="n">(\d+)</td><td>(\w)</td>', html)
    assert first is not None
    assert (int(first[1]), first[2]) == (worst + 1, "abc"[truth[worst]])


def test_no_test_part() -> None:
    scores = material().result["train"]
    result = {"epochs": 4, "steps": 40, "seconds": 0.5, "train": scores}
    words = read(report_html(material(test=None, result=result))).words
    assert "of 30 training rows are right" in words
    assert "test rows" not in words


def test_without_data() -> None:
    page = read(report_html(material(train=None, test=None)))
    assert "Learning curves" in page.headings
    assert "Cost" not in page.headings
    assert "The data are not at hand" in page.words


def test_without_an_epoch() -> None:
    assert "No epoch was completed" in read(report_html(material(history={}))).words


# --- safety ------------------------------------------------------------------------------


def test_hostile_names_stay_text() -> None:
    cells = [(HOSTILE, HOSTILE)] * 30
    html = report_html(
        material(
            width=3,
            name=HOSTILE,
            dataset=HOSTILE,
            classes=(HOSTILE, "b", "c"),
            features=(HOSTILE, "f", "g"),
            settings=((HOSTILE, HOSTILE),),
            command=HOSTILE,
            notes=(HOSTILE,),
            citation=HOSTILE,
            words=Words((HOSTILE, "x"), cells, list(range(30))),
        )
    )
    page = read(html)
    tags = {tag for tag, _ in page.tags}
    assert "img" not in tags
    # Of scripts there are the figure's data, which never run, and the one whose hash is known.
    kinds = [attributes.get("type") for tag, attributes in page.tags if tag == "script"]
    assert [kind for kind in kinds if kind not in ("application/json", "text/plain")] == [None]
    assert "<script>alert" not in html
    assert not any(name.startswith("on") for _, a in page.tags for name in a)
    assert "\u202e" not in html


def test_nothing_is_fetched() -> None:
    html = image_page()
    addresses = set(re.findall(r"[a-z]+://[^\\\s\"'<>)]+", html))
    assert addresses <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1998/Math/MathML"}
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert "default-src 'none'" in html


def test_only_known_scripts_may_run() -> None:
    digest = base64.b64encode(hashlib.sha256(b"step()").digest()).decode()
    assert f"script-src 'sha256-{digest}'" in policy("<p></p><script>step()</script>")
    assert "script-src" not in policy()


def test_a_fault_costs_its_section_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: Material) -> str:
        raise RuntimeError("<no> picture")

    monkeypatch.setattr(sections.training, "curves", broken)
    html = report_html(material())
    page = read(html)
    assert "This section could not be made: RuntimeError('<no> picture')" in page.words
    assert "How to repeat it" in page.headings


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    with pytest.raises(FileAccessError):
        write_report(material(), tmp_path / "nowhere" / "report.html")


# --- languages ---------------------------------------------------------------------------


def test_korean() -> None:
    with speaking("ko"):
        html = report_html(material())
    page = read(html)
    assert '<html lang="ko">' in html
    assert page.headings[0] == "무엇을 학습했는가"
    assert "혼동 행렬" in {a.get("aria-label") for _, a in page.tags}
    # Nothing of ours is left in English: only names, code and symbols are.
    prose = re.sub(
        r"<(pre|code|table|dl|svg|style|script|title|h1)\b.*?</\1>", " ", html, flags=re.DOTALL
    )
    prose = re.sub(r"<[^>]+>|&\w+;", " ", prose)
    left = set(re.findall(r"[A-Za-z]{3,}", prose)) - {"toy", "layers", "NumPy", "glassgrad"}
    left -= {"KiB", "cross", "entropy", "JavaScript", "diagnose"}
    assert left == set()


# --- numbers as people read them ---------------------------------------------------------


@pytest.mark.parametrize(
    ("share", "shown"), [(0.0, "0%"), (1.0, "100%"), (0.5, "50.0%"), (0.99997, "99.997%")]
)
def test_percent(share: float, shown: str) -> None:
    assert percent(share) == shown


@pytest.mark.parametrize(
    ("value", "shown"),
    [(0.0, "0"), (-0.5, "−0.5"), (123456.7, "123,457"), (1e-9, "1.00·10⁻⁹"), (float("nan"), "NaN")],
)
def test_short(value: float, shown: str) -> None:
    assert short(value) == shown
