"""`glassgrad show WHAT --network`: neurons and synapses of a run or of a function."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

SVG = "{http://www.w3.org/2000/svg}"


def _texts(path: Path) -> set[str]:
    root = ET.fromstring(path.read_text(encoding="utf-8"))
    return {"".join(t.itertext()) for t in root.iter(f"{SVG}text")}


def test_a_run(cli: Any, tmp_path: Path) -> None:
    trained = cli(
        "train", "spiral", "--epochs", "2", "--layers", "5", "--name", "flowers", "--quiet"
    )
    assert trained.code == 0, trained.err
    path = tmp_path / "neurons.svg"
    result = cli("show", "runs/flowers", "--network", "-o", path)
    assert result.code == 0, result.err
    found = _texts(path)
    assert {"2 inputs", "5 neurons", "3 neurons", "2"} <= found


def test_a_worked_example(cli: Any, tmp_path: Path) -> None:
    path = tmp_path / "xor.svg"
    assert cli("show", "canon:xor.first_step", "--network", "-o", path).code == 0
    assert {"2 inputs", "2 neurons", "1 neuron"} <= _texts(path)
    assert cli("show", "canon:xor.first_step", "--network").out.startswith("<svg")


def test_what_has_no_neurons(cli: Any) -> None:
    result = cli("show", "canon:cs231n.staged", "--network")
    assert result.code != 0
    assert "no layer of neurons" in result.err
    result = cli("show", "canon:xor.first_step", "--network", "-o", "x.html")
    assert result.code == 2
    assert "draws an SVG" in result.err
