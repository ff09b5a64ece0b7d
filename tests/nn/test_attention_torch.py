"""Attention, norms and blocks beside PyTorch's, both passes; only where it is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import value_and_grad
from glassgrad.tensor import parameter

torch: Any = pytest.importorskip("torch")
RNG = np.random.default_rng(0)
X = RNG.normal(size=(2, 5, 8))
CLOSE = {"rtol": 1e-10, "atol": 1e-11}


def as_torch(x: Any) -> Any:
    return torch.tensor(np.array(x), dtype=torch.float64, requires_grad=True)


def attention_weights_of(layer: nn.MultiHeadAttention) -> dict[str, Any]:
    """The parameters by PyTorch's names, (out, in)."""
    three = (layer.query, layer.key, layer.value)
    return {
        "in_proj_weight": torch.tensor(np.concatenate([part.W.data.T for part in three])),
        "in_proj_bias": torch.tensor(np.concatenate([part.b.data for part in three])),
        "out_proj.weight": torch.tensor(layer.out.W.data.T.copy()),
        "out_proj.bias": torch.tensor(layer.out.b.data),
    }


@pytest.mark.parametrize("causal", [False, True])
def test_function(causal: bool) -> None:
    q, k, v = (RNG.normal(size=(2, 3, 5, 4)) for _ in range(3))
    given = [as_torch(x) for x in (q, k, v)]
    out = torch.nn.functional.scaled_dot_product_attention(*given, is_causal=causal)
    (out**2).sum().backward()
    _, gradients = value_and_grad(
        lambda q, k, v: (nn.scaled_dot_product_attention(q, k, v, causal=causal) ** 2).sum(),
        argnums=(0, 1, 2),
    )(q, k, v)
    for found, wanted in zip(gradients, given, strict=True):
        np.testing.assert_allclose(found, wanted.grad.numpy(), **CLOSE)


def test_layer_with_padding() -> None:
    layer = nn.MultiHeadAttention(8, 2, rng=0, dtype=np.float64)
    for part in (layer.query, layer.key, layer.value, layer.out):
        part.b.assign(RNG.normal(size=8))
    peer = torch.nn.MultiheadAttention(8, 2, batch_first=True, dtype=torch.float64)
    peer.load_state_dict(attention_weights_of(layer))
    key_mask = np.array([[True] * 5, [True] * 3 + [False] * 2])
    x = as_torch(X)
    wanted, weights = peer(x, x, x, key_padding_mask=torch.tensor(~key_mask))
    (wanted**2).sum().backward()
    np.testing.assert_allclose(layer(X, key_mask=key_mask).data, wanted.detach().numpy(), **CLOSE)
    seen = layer.weights(X, key_mask=key_mask).mean(1)
    np.testing.assert_allclose(seen, weights.detach().numpy(), **CLOSE)
    given = parameter(X)
    (layer(given, key_mask=key_mask) ** 2).sum().backward()
    np.testing.assert_allclose(given.grad, x.grad.numpy(), **CLOSE)
    np.testing.assert_allclose(layer.out.W.grad.T, peer.out_proj.weight.grad.numpy(), **CLOSE)


@pytest.mark.parametrize("prenorm", [False, True])
def test_encoder_block(prenorm: bool) -> None:
    block = nn.TransformerEncoderBlock(8, 2, 12, prenorm=prenorm, rng=0, dtype=np.float64)
    peer = torch.nn.TransformerEncoderLayer(
        8, 2, 12, 0.0, "gelu", batch_first=True, norm_first=prenorm, dtype=torch.float64
    )
    weights = {f"self_attn.{key}": v for key, v in attention_weights_of(block.attention).items()}
    for ours, theirs in ((block.mlp.fc1, "linear1"), (block.mlp.fc2, "linear2")):
        weights[f"{theirs}.weight"] = torch.tensor(ours.W.data.T.copy())
        weights[f"{theirs}.bias"] = torch.tensor(ours.b.data)
    for norm, theirs in ((block.attention_norm, "norm1"), (block.mlp_norm, "norm2")):
        norm.gamma.assign(RNG.normal(size=8))
        weights[f"{theirs}.weight"] = torch.tensor(norm.gamma.data)
        weights[f"{theirs}.bias"] = torch.tensor(norm.beta.data)
    peer.load_state_dict(weights)
    x = as_torch(X)
    wanted = peer(x)
    (wanted**2).sum().backward()
    np.testing.assert_allclose(block(X).data, wanted.detach().numpy(), **CLOSE)
    given = parameter(X)
    (block(given) ** 2).sum().backward()
    np.testing.assert_allclose(given.grad, x.grad.numpy(), **CLOSE)
    np.testing.assert_allclose(block.mlp.fc1.W.grad.T, peer.linear1.weight.grad.numpy(), **CLOSE)


def test_norms() -> None:
    gamma, beta = RNG.normal(size=(2, 8))
    x = torch.tensor(X)
    wanted = torch.nn.functional.layer_norm(x, (8,), torch.tensor(gamma), torch.tensor(beta))
    np.testing.assert_allclose(nn.layer_norm(X, gamma, beta), wanted.numpy(), **CLOSE)
    wanted = torch.nn.functional.rms_norm(x, (8,), torch.tensor(gamma), eps=1e-5)
    np.testing.assert_allclose(nn.rms_norm(X, gamma), wanted.numpy(), **CLOSE)
