"""Source of networks: any batch, the layers' own words, values called after what they leave."""

from __future__ import annotations

import re
from functools import cache
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn
from glassgrad.backends.source import checks
from glassgrad.backends.source.layout import wrapped
from glassgrad.text import speaking


class Block(nn.Module):
    """Attention with a shortcut."""

    def __init__(self) -> None:
        self.norm = nn.LayerNorm(8)
        self.attention = nn.MultiHeadAttention(8, 2, rng=0)
        self.out = nn.Linear(8, 2, rng=1)

    def forward(self, x: Any) -> Any:
        return self.out((x + self.attention(self.norm(x))).mean(axis=1))


def _loss(model: nn.Module, x: Any, y: Any) -> Any:
    return nn.cross_entropy(model(x), y)


def _normal(*shape: int) -> np.ndarray:
    return np.random.default_rng(0).normal(size=shape).astype(np.float32)


def _images() -> tuple[nn.Module, Any, Any]:
    model = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1, rng=0),
        nn.BatchNorm2d(2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(8, 3, rng=1),
    )
    return model, _normal(5, 1, 4, 4), np.array([0, 1, 2, 0, 1])


def _sequences() -> tuple[nn.Module, Any, Any]:
    model = nn.Sequential(nn.LSTM(3, 4, output="last", rng=0), nn.Linear(4, 2, rng=1))
    return model, _normal(3, 6, 3), np.array([0, 1, 1])


def _attention() -> tuple[nn.Module, Any, Any]:
    return Block(), _normal(3, 5, 8), np.array([0, 1, 1])


def _gpt() -> tuple[nn.Module, Any, Any]:
    ids = np.random.default_rng(1).integers(0, 7, (3, 6))
    return nn.GPT(7, 6, 8, 2, 2, rng=0), ids, ids


NETWORKS = (_images, _sequences, _attention, _gpt)


@cache
def _source(make: Any) -> str:
    with speaking("en"):
        return gg.source(_loss, *make())


@pytest.mark.parametrize("make", NETWORKS)
def test_a_network_is_written_for_any_batch(make: Any) -> None:
    """A gradient that is 0 but for rounding, of a bias before a normalisation, hinders nothing."""
    text = _source(make)
    assert "Works for any batch size n" in text
    error = re.search(r"finite\s+differences (\S+)\.", text)
    assert error is not None
    assert float(error[1]) < 1e-4
    gap = re.search(r"at\s+most\s+(\S+)\s+from\s+the\s+derived\s+form", text)
    assert gap is not None
    assert float(gap[1]) < 1e-3


@pytest.mark.parametrize("make", [_images, _attention])
def test_a_network_is_written_as_layers(make: Any) -> None:
    text = gg.source(_loss, *make(), style="layers", comments=False)
    assert "class Layer:" not in text
    assert ("class BatchNorm2d:" if make is _images else "class LayerNorm:") in text
    if make is _attention:
        assert "def layer_norm_backward(dout, gamma, " in text


def test_a_gradient_that_reads_nothing_is_kept_by_its_layer() -> None:
    text = gg.source(lambda x: x.sum(), _normal(3), style="layers", comments=False)
    assert "self.dx = np.ones(n" in text


def test_helpers_have_the_layers_words_and_no_builtins() -> None:
    text = gg.source(gg.trace(_loss, *_attention()))
    assert "def layer_norm(x, gamma, beta):" in text
    assert "def cross_entropy(x, y):" in text


def test_values_are_called_after_the_outermost_layer_that_they_leave() -> None:
    recurrent, block, gpt = map(_source, (_sequences, _attention, _gpt))
    assert "layers_0, " in recurrent
    assert "layers_0 = x.transpose" not in recurrent
    assert re.search(r"\n    attention = \w+ @ attention_out_W", block)
    assert re.search(r"\n    blocks_0 = \w+ \+ blocks_0_mlp\b", gpt)


def test_equal_constants_and_their_readers_are_written_once() -> None:
    assert _source(_gpt).count("np.tri(") == 1
    assert _source(_gpt).count("def attention_weights_backward") == 1


def test_lines_are_broken_outside_of_the_innermost_brackets() -> None:
    line = f"{'d' * 40} = max_pool({'x' * 25}, size=(2, 2), padding=((0, 0), (0, 0)))"
    assert wrapped(line, 96) == [line[:-26], "    padding=((0, 0), (0, 0)))"]


def test_what_is_small_beside_the_rest_is_measured_by_the_rest() -> None:
    one, noise = np.ones(2), np.full(2, 1e-17)
    assert checks.difference([one, noise], [one, -noise]) < 1e-12
    assert checks.difference([one, 2e-2 * one], [one, 1e-2 * one]) == pytest.approx(1)
    assert checks.difference([noise], [-noise]) == pytest.approx(2)
