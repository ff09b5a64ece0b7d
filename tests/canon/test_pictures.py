"""Every worked example has its picture: well formed, alone, in both languages."""

from __future__ import annotations

import re
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from glassgrad.canon import EXAMPLES, Circuit, Experiment
from glassgrad.canon.pictures import PICTURES
from glassgrad.text import speaking

SVG = "{http://www.w3.org/2000/svg}"
SLOW = {"cs231n.spiral_network"}  # 7 s: looked at by hand
DRAWN = {name: example for name, example in EXAMPLES.items() if name not in SLOW}
GOLDEN = Path(__file__).parent / "golden"


def without_style(picture: str) -> str:
    """What a golden file keeps: the style sheet is the same in all of them."""
    return re.sub(r"<style>.*?</style>\n?", "", picture, flags=re.S)


def test_each_experiment_has_a_picture() -> None:
    experiments = {name for name, e in EXAMPLES.items() if isinstance(e, Experiment)}
    assert PICTURES.keys() == experiments


@pytest.mark.parametrize("name", DRAWN)
def test_it_is_a_picture(name: str) -> None:
    picture = DRAWN[name].picture()
    root = ET.fromstring(picture)
    assert root.tag == f"{SVG}svg"
    assert root.find(f"{SVG}title").text == DRAWN[name].title
    assert set(re.findall(r"https?://[^\"' ]+", picture)) <= {"http://www.w3.org/2000/svg"}
    assert "NaN" not in picture
    assert len(picture) < 100_000


@pytest.mark.parametrize("name", [n for n, e in DRAWN.items() if isinstance(e, Experiment)])
def test_golden(name: str) -> None:
    """Renewed by `python tests/view/renew_golden.py`, and read as a diff."""
    picture = without_style(DRAWN[name].picture())
    golden = (GOLDEN / f"{name}.svg").read_text(encoding="utf-8")
    assert _shape(picture) == _shape(golden)
    np.testing.assert_allclose(_numbers(picture), _numbers(golden), rtol=1e-3, atol=0.02)


_NUMBER = re.compile(r"-?\d+\.?\d*(?:e-?\d+)?")


def _shape(picture: str) -> str:
    """A picture without its numbers: the last digits of trained weights differ by machine."""
    return _NUMBER.sub("0", re.sub(r"gg[0-9a-f]{8}", "", picture))


def _numbers(picture: str) -> list[float]:
    return [float(x) for x in _NUMBER.findall(re.sub(r"gg[0-9a-f]{8}", "", picture))]


def test_they_speak_korean() -> None:
    with speaking("ko"):
        assert "뉴런 50개" in EXAMPLES["book.two_layer_net"].picture()
        assert "가중치가 작아짐" in EXAMPLES["mazur.training"].picture()
        assert "x = 5에서의 접선" in EXAMPLES["book.numerical_derivative"].picture()


def test_mazurs_first_step() -> None:
    """CANON C8: w1 becomes .14978072, w5 .35891648."""
    root = ET.fromstring(EXAMPLES["mazur.training"].picture())
    lines = [p for p in root.iter(f"{SVG}path") if p.get("data-from")]
    after = sorted(float(p.get("data-weight")) for p in lines)
    before = sorted(float(p.get("data-before")) for p in lines)
    np.testing.assert_allclose(before, [0.15, 0.2, 0.25, 0.3, 0.4, 0.45, 0.5, 0.55])
    np.testing.assert_allclose(after[0], 0.14978072, atol=1e-8)
    np.testing.assert_allclose(after[4:6], [0.35891648, 0.40866619], atol=1e-8)
    texts = {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}
    assert "W2;0,0  0.4000 → 0.3589" in texts


def test_circuits_take_a_precision() -> None:
    circuit = EXAMPLES["cs231n.sigmoid_circuit"]
    assert isinstance(circuit, Circuit)
    assert "−0.1966" in circuit.picture(precision=4)
