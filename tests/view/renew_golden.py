"""Writes the golden pictures anew: `python tests/view/renew_golden.py`; review them as a diff."""

from __future__ import annotations

import os
import sys
from pathlib import Path

os.environ["GLASSGRAD_LANG"] = "en"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from canon import test_pictures
from view.canon_circuits import CIRCUITS, graph_of
from view.test_svg import GOLDEN, without_style

from glassgrad.canon import Experiment


def main() -> None:
    """One SVG and one text a circuit, one SVG a measurement."""
    GOLDEN.mkdir(exist_ok=True)
    for name in CIRCUITS:
        graph, arguments = graph_of(name)
        picture = without_style(graph.svg(*arguments))
        (GOLDEN / f"{name}.svg").write_text(picture, encoding="utf-8")
        (GOLDEN / f"{name}.txt").write_text(graph.text(*arguments) + "\n", encoding="utf-8")
    test_pictures.GOLDEN.mkdir(exist_ok=True)
    for name, example in test_pictures.DRAWN.items():
        if isinstance(example, Experiment):
            picture = test_pictures.without_style(example.picture())
            (test_pictures.GOLDEN / f"{name}.svg").write_text(picture, encoding="utf-8")


if __name__ == "__main__":
    main()
