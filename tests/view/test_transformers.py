"""A transformer's block as a picture, as source, in cost and in words."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

import glassgrad as gg
from glassgrad import nn

BLOCK = nn.TransformerEncoderBlock(8, 2, causal=True, rng=0)
INNER = ["attention", "attention/scaled_dot_product_attention"]
X = np.random.default_rng(0).normal(size=(2, 3, 8)).astype(np.float32)


def loss(model: Any, x: Any) -> Any:
    return (model(x) ** 2).mean()


def words(svg: str) -> list[str]:
    root = ET.fromstring(svg)
    return ["".join(t.itertext()) for t in root.iter("{http://www.w3.org/2000/svg}text")]


def test_pictures_fold_and_open() -> None:
    folded = words(gg.trace(loss, BLOCK, X).svg())
    assert "TransformerEncoderBlock" in folded
    assert "872 parameters" in folded
    inside = gg.trace(BLOCK.forward, X)
    opened = words(inside.svg(level="layers"))
    assert {"MultiHeadAttention", "attention", "mlp"} & set(opened)
    open_too = words(inside.svg(level="layers", opened=INNER))
    assert {"query", "key", "value", "out", "attention_weights"} <= set(open_too)


def test_source_keeps_the_functions_names() -> None:
    text = gg.trace(loss, BLOCK, X).source()
    assert "def scaled_dot_product_attention(" in text
    assert "def layer_norm(" in text
    assert "np.tri(d, dtype=bool)" in text, "of any length"
    names: dict[str, Any] = {}
    exec(compile(text, "source", "exec"), names)  # noqa: S102 - our own text
    longer = np.concatenate([X, X], axis=1)
    found = names["loss"](*(p.data for p in BLOCK.parameters()), longer)
    np.testing.assert_allclose(found, loss(BLOCK, longer).data, rtol=1e-6)


def test_cost_counts_the_products_of_attention() -> None:
    cost = gg.trace(loss, BLOCK, X).cost()
    products = [line for line in cost.lines if line.primitive == "matmul"]
    forward = [line.operations for line in products if line.phase == "forward"]
    heads = [2 * 2 * 2 * 3 * 3 * 4] * 2  # (batch, heads, n, m, d) for scores and for the mean
    assert sorted(forward) == sorted([768] * 4 + [3072] * 2 + heads)
    inner = {f"attention.{name}" for name in ("query", "key", "value")}
    assert inner | {"attention", "mlp.fc1"} <= {total.layer for total in cost.layers}


def test_explanation_goes_through_the_heads() -> None:
    told = str(gg.explain(loss, "x", BLOCK, X, index=(0, 0, 0)))
    assert "attention.query.W" in told
    assert "sum of all paths" in told
