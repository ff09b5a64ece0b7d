"""Attention against NumPy written by hand, its masks, its gradients of both orders, its errors."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad, vjp
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.primitives.random import random_key
from glassgrad.text import speaking

RNG = np.random.default_rng(0)
Q, K, V = (RNG.normal(size=shape) for shape in ((2, 3, 5, 4), (2, 3, 6, 4), (2, 3, 6, 7)))
MASK = RNG.random((2, 3, 5, 6)) < 0.6
MASK[0, 0, 2] = False  # a query that may look nowhere
CT = RNG.normal(size=(2, 3, 5, 7))

# --- by hand -----------------------------------------------------------------------------


def by_hand(q: Any, k: Any, v: Any, allowed: Any, ct: Any) -> tuple[Any, Any, Any, Any]:
    """Attention and its backward pass as the papers write them: out, dq, dk, dv."""
    scale = 1 / np.sqrt(q.shape[-1])
    scores = np.where(allowed, q @ k.swapaxes(-1, -2) * scale, -1e300)
    p = np.exp(scores - scores.max(-1, keepdims=True)) * allowed
    total = p.sum(-1, keepdims=True)
    p = p / np.where(total == 0, 1, total)
    dp = ct @ v.swapaxes(-1, -2)
    ds = p * (dp - (p * dp).sum(-1, keepdims=True))
    return p @ v, ds @ k * scale, ds.swapaxes(-1, -2) @ q * scale, p.swapaxes(-1, -2) @ ct


@pytest.mark.parametrize("causal", [False, True], ids=["", "causal"])
@pytest.mark.parametrize("mask", [None, MASK], ids=["", "masked"])
def test_forward_and_backward_by_hand(mask: Any, causal: bool) -> None:
    allowed = np.ones(MASK.shape, bool) if mask is None else mask
    if causal:
        allowed = allowed & np.tri(5, 6, 1, dtype=bool)
    out, pull = vjp(
        lambda q, k, v: nn.scaled_dot_product_attention(q, k, v, mask=mask, causal=causal), Q, K, V
    )
    wanted, *gradients = by_hand(Q, K, V, allowed, CT)
    np.testing.assert_allclose(out, wanted, rtol=0, atol=1e-12)
    for found, expected in zip(pull(CT), gradients, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-12)
        assert np.isfinite(found).all()


def test_a_query_that_may_look_nowhere_gets_zeros() -> None:
    out = nn.scaled_dot_product_attention(Q, K, V, mask=MASK)
    assert (out[0, 0, 2] == 0).all()
    weights = nn.attention_weights(Q, K, mask=MASK)
    np.testing.assert_allclose(weights.sum(-1), MASK.any(-1), atol=1e-12)
    assert (weights[~MASK] == 0).all()
    gradient = grad(lambda q: nn.scaled_dot_product_attention(q, K, V, mask=MASK).sum())(Q)
    assert (gradient[0, 0, 2] == 0).all()
    more_queries = nn.attention_weights(Q, K[:, :, :2], causal=True)
    assert (more_queries[:, :, :3] == 0).all()


@pytest.mark.parametrize("mask", [None, MASK[0, :2, :3, :3]], ids=["causal", "masked"])
def test_gradients_of_second_order(mask: Any) -> None:
    q, k, v = (RNG.normal(size=(2, 3, 2)) for _ in range(3))
    report = check_grads(
        lambda q, k, v: nn.scaled_dot_product_attention(q, k, v, mask=mask, causal=mask is None),
        q, k, v, order=2, verbose=False,
    )  # fmt: skip
    assert report


def test_dropout_of_weights() -> None:
    with random_key(0):
        out = nn.scaled_dot_product_attention(Q, K, np.ones((2, 3, 6, 1)), dropout=0.5)
    assert not np.allclose(out, 1)
    assert abs(out.mean() - 1) < 0.2


def test_scale() -> None:
    found = nn.attention_weights(Q, K, scale=0.0)
    np.testing.assert_allclose(found, 1 / 6)


# --- what it refuses ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("q", "k", "v", "words"),
    [
        ((5, 4), (6, 3), (6, 7), "queries have 4 features, keys 3"),
        ((5, 4), (6, 4), (5, 7), "there are 6 keys and 5 values"),
        ((4,), (6, 4), (6, 7), "at least two axes"),
    ],
)
def test_shapes_that_do_not_fit(q: Any, k: Any, v: Any, words: str) -> None:
    with pytest.raises(ShapeError, match=words) as caught:
        nn.scaled_dot_product_attention(np.ones(q), np.ones(k), np.ones(v))
    assert "rule q (..., n, d)" in str(caught.value)


def test_masks_that_do_not_fit() -> None:
    with pytest.raises(DtypeError, match="a mask is boolean, not float64") as caught:
        nn.scaled_dot_product_attention(Q, K, V, mask=np.ones((5, 6)))
    assert "mask == 1" in caught.value.hint
    with pytest.raises(
        ShapeError, match=r"a mask of shape \(6, 5\) for scores of shape"
    ) as refused:
        nn.scaled_dot_product_attention(Q, K, V, mask=MASK[0, 0].T)
    assert "key_mask" in refused.value.hint


def test_errors_in_korean() -> None:
    with speaking("ko"), pytest.raises(OptionError, match="헤드 3개로 나누어떨어지지 않습니다"):
        nn.MultiHeadAttention(8, 3)


# --- the layer ---------------------------------------------------------------------------


def test_heads_by_hand() -> None:
    layer = nn.MultiHeadAttention(6, 2, rng=0, dtype=np.float64)
    x, context = RNG.normal(size=(2, 3, 6)), RNG.normal(size=(2, 5, 6))
    q, k, v = (
        f(y).data for f, y in ((layer.query, x), (layer.key, context), (layer.value, context))
    )
    heads = [
        by_hand(q[..., i : i + 3], k[..., i : i + 3], v[..., i : i + 3], True, 0 * q[..., :3])[0]
        for i in (0, 3)
    ]
    wanted = layer.out(np.concatenate(heads, axis=-1)).data
    np.testing.assert_allclose(layer(x, context).data, wanted, atol=1e-12)
    assert layer.weights(x, context).shape == (2, 2, 3, 5)
    np.testing.assert_allclose(layer.weights(x, context).sum(-1), 1)


def test_padding_is_not_seen() -> None:
    layer = nn.MultiHeadAttention(6, 2, rng=0)
    x = RNG.normal(size=(2, 4, 6)).astype(np.float32)
    key_mask = np.array([[True, True, True, True], [True, True, False, False]])
    out = layer(x, key_mask=key_mask).data
    np.testing.assert_allclose(out[1, :2], layer(x[1, :2]).data, atol=1e-6)
    np.testing.assert_allclose(out[0], layer(x[0]).data, atol=1e-6)
    both = layer.weights(x, mask=np.tri(4, dtype=bool), key_mask=key_mask)
    assert (both[1, :, :, 2:] == 0).all()
    assert (both[0, :, 0, 1:] == 0).all()
    per_row = np.stack([np.tri(4, dtype=bool), np.ones((4, 4), bool)])
    found = layer.weights(x, mask=per_row)
    assert (found[0, :, 0, 1:] == 0).all()
    assert (found[1] > 0).all()


def test_causal_layer_does_not_see_later_steps() -> None:
    layer = nn.MultiHeadAttention(6, 2, causal=True, rotary=False, rng=0)
    x = RNG.normal(size=(1, 5, 6)).astype(np.float32)
    changed = x.copy()
    changed[:, 3:] += 1
    np.testing.assert_array_equal(layer(x).data[:, :3], layer(changed).data[:, :3])


def test_layer_refuses() -> None:
    with pytest.raises(OptionError, match="a width of 8 does not divide into 3 heads") as caught:
        nn.MultiHeadAttention(8, 3)
    assert caught.value.hint == "heads that fit: 1, 2, 4"
    with pytest.raises(OptionError, match="3 features a head are no pairs"):
        nn.MultiHeadAttention(6, 2, rotary=True)
    layer = nn.MultiHeadAttention(4, 2)
    x = np.ones((2, 3, 4), np.float32)
    with pytest.raises(ShapeError, match="the batches of x and of the context differ"):
        layer(x, x[:1])
    with pytest.raises(ShapeError, match=r"a key mask is boolean, of shape \(2, 3\)"):
        layer(x, key_mask=np.ones((2, 4), bool))
    with pytest.raises(ShapeError, match=r"multiheadattention\.query: takes 4 features, got 5"):
        layer(np.ones((2, 3, 5), np.float32))
    with pytest.raises(ShapeError, match="two axes"):
        layer(np.ones(4, np.float32))


def test_regions_are_those_of_the_parts() -> None:
    layer = nn.MultiHeadAttention(4, 2, causal=True, rng=0)
    graph = trace(layer.forward, np.ones((2, 3, 4), np.float32))
    regions = list(dict.fromkeys(eqn.region for eqn in graph.eqns if eqn.region))
    assert ("query",) in regions
    assert ("scaled_dot_product_attention", "attention_weights", "softmax") in regions


# --- positions ---------------------------------------------------------------------------


def test_sinusoidal_positions() -> None:
    table = nn.sinusoidal_positions(50, 6, dtype=np.float64)
    t = np.arange(50)
    np.testing.assert_allclose(table[:, 2], np.sin(t / 10_000 ** (2 / 6)))
    np.testing.assert_allclose(table[:, 3], np.cos(t / 10_000 ** (2 / 6)))
    layer = nn.SinusoidalPositions(6)
    np.testing.assert_allclose(layer(np.zeros((2, 50, 6))), np.stack([table, table]))
    with pytest.raises(OptionError, match="a width of 5 is odd"):
        nn.SinusoidalPositions(5)


def test_learned_positions() -> None:
    layer = nn.LearnedPositions(4, 6, rng=0)
    np.testing.assert_array_equal(layer(np.zeros((2, 3, 6), np.float32)).data[1], layer.W.data[:3])
    with pytest.raises(ShapeError, match="5 steps do not fit into a context of 4") as caught:
        layer(np.zeros((2, 5, 6), np.float32))
    assert caught.value.hint == "keep the last ones: `x[:, -4:]`"


def test_rotary_products_depend_on_the_distance_alone() -> None:
    q, k = RNG.normal(size=(2, 8))
    turned_q, turned_k = (nn.rotary(np.tile(x, (10, 1))) for x in (q, k))
    products = turned_q @ turned_k.T
    np.testing.assert_allclose(products[2, 5], products[6, 9])
    np.testing.assert_allclose(np.linalg.norm(turned_q, axis=1), np.linalg.norm(q))
    np.testing.assert_allclose(nn.rotary(np.tile(q, (2, 1)), start=8), turned_q[8:])
    assert check_grads(nn.rotary, RNG.normal(size=(3, 4)), order=2, verbose=False)


# --- norms of rows -----------------------------------------------------------------------


def test_norms_by_hand() -> None:
    x, gamma, beta = RNG.normal(size=(3, 4, 5)), RNG.normal(size=5), RNG.normal(size=5)
    root = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    wanted = (x - x.mean(-1, keepdims=True)) / root * gamma + beta
    np.testing.assert_allclose(nn.layer_norm(x, gamma, beta), wanted, atol=1e-12)
    root = np.sqrt((x**2).mean(-1, keepdims=True) + 1e-5)
    np.testing.assert_allclose(nn.rms_norm(x, gamma), x / root * gamma, atol=1e-12)
    found = nn.LayerNorm((4, 5))(x)
    np.testing.assert_allclose(found.data.mean((1, 2)), 0, atol=1e-12)


def test_gradient_of_layer_norm_is_the_closed_form() -> None:
    x, gamma, ct = RNG.normal(size=(3, 5)), RNG.normal(size=5), RNG.normal(size=(3, 5))
    _, pull = vjp(nn.layer_norm, x, gamma)
    dx, dgamma = pull(ct)
    root = np.sqrt(x.var(-1, keepdims=True) + 1e-5)
    n = (x - x.mean(-1, keepdims=True)) / root
    g = gamma * ct
    wanted = (g - g.mean(-1, keepdims=True) - n * (g * n).mean(-1, keepdims=True)) / root
    np.testing.assert_allclose(dx, wanted, atol=1e-12)
    np.testing.assert_allclose(dgamma, (ct * n).sum(0), atol=1e-12)
    for norm in (nn.layer_norm, nn.rms_norm):
        assert check_grads(lambda x, f=norm: f(x), x, order=2, verbose=False)


def test_rows_far_from_zero_keep_their_digits() -> None:
    """The mean of these numbers is off by a unit in the last place: 1e-3, beside a root of 3e-3."""
    equal = np.full((2, 1000), 12345.678, np.float32)
    np.testing.assert_array_equal(nn.layer_norm(equal), np.zeros_like(equal))
    x = (1e5 + RNG.normal(size=(4, 64))).astype(np.float32)
    wanted, pull = vjp(nn.layer_norm, x.astype(np.float64))
    found, pull_small = vjp(nn.layer_norm, x)
    np.testing.assert_allclose(found, wanted, atol=2e-6)
    ct = RNG.normal(size=x.shape)
    np.testing.assert_allclose(pull_small(ct.astype(np.float32))[0], pull(ct)[0], atol=1e-5)


def test_norms_refuse() -> None:
    with pytest.raises(ShapeError, match=r"layernorm: normalises 4 features, got \(2, 3\)"):
        nn.LayerNorm(4)(np.ones((2, 3), np.float32))
    with pytest.raises(OptionError, match="eps is 0"):
        nn.RMSNorm(4, eps=0)
