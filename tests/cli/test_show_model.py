"""`glassgrad show MODEL`: a network that `gg.save` wrote, for inputs of given shapes."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.io.weights import save_arrays
from glassgrad.nn import Module


def _cnn() -> Module:
    return nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.5),
        nn.Linear(18, 3),
    )


MODELS = {
    "cnn": (_cnn, "2x1x6x6"),
    "lstm": (lambda: nn.Sequential(nn.Embedding(5, 3), nn.LSTM(3, 4)), "2x3:5"),
    "gpt": (lambda: nn.GPT(5, 4, width=4, heads=2, layers=1), "2x3:5"),
    "pair": (lambda: nn.Bilinear(3, 2, 4), "2x3,2x2"),
}


@pytest.mark.parametrize("name", MODELS)
@pytest.mark.parametrize("kind", ["txt", "svg", "html"])
def test_a_model(cli: Any, tmp_path: Path, name: str, kind: str) -> None:
    build, shapes = MODELS[name]
    file = gg.save(build(), tmp_path / f"{name}.safetensors")
    path = tmp_path / f"shown.{kind}"
    result = cli("show", file, "--args", shapes, "-o", path)
    assert result.code == 0, result.err
    written = path.read_text(encoding="utf-8")
    assert {"txt": "float32", "svg": f">{name}</title>", "html": f"<title>{name}"}[kind] in written


def test_neurons_source_and_explanation(cli: Any, tmp_path: Path) -> None:
    folder = tmp_path / "kept"
    gg.save(_cnn(), folder)
    given = (folder, "--args", "2x1x6x6")
    drawn = cli("show", *given, "--network").out
    texts = {"".join(t.itertext()) for t in ET.fromstring(drawn).iter() if t.tag.endswith("text")}
    assert {"18 inputs", "3 neurons"} & texts
    assert "@ layers_6_W + layers_6_b" in cli("source", *given).out
    assert "random" not in cli("source", *given).out, "as it predicts"
    explained = cli("explain", *given, "layers.6.b[1]", "--of", "y[0, 1]")
    assert explained.code == 0, explained.err
    assert cli("show", *given, "--native").code == 0


@pytest.mark.parametrize(
    ("language", "words"), [("en", "are not known"), ("ko", "입력을 알 수 없습니다")]
)
def test_the_shape_is_asked_for(cli: Any, tmp_path: Path, language: str, words: str) -> None:
    file = gg.save(_cnn(), tmp_path / "cnn.safetensors")
    result = cli("--lang", language, "show", file)
    assert (result.code, result.out) == (2, "")
    assert words in result.err
    assert "--args 2x1x28x28" in result.err


def test_what_is_refused(cli: Any, tmp_path: Path) -> None:
    file = gg.save(_cnn(), tmp_path / "cnn.safetensors")
    assert "4" in cli("show", file, "--args", "2x6x6").err
    several = cli("show", file, "--args", "2x1x6x6,3")
    assert several.code == 2
    assert "takes other inputs" in several.err
    weights = tmp_path / "weights.safetensors"
    save_arrays(weights, _cnn().state_dict(), {})
    plain = cli("show", weights, "--args", "2x1x6x6")
    assert plain.code == 1
    assert "no model of this program" in plain.err
