"""The optimisers against PyTorch's, step by step in float64, where PyTorch is installed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import optim
from glassgrad.tensor import parameter

torch = pytest.importorskip("torch")

CASES: dict[str, tuple[str, dict[str, Any], dict[str, Any]]] = {
    "sgd": ("SGD", {}, {}),
    "momentum": ("SGD", {}, {"momentum": 0.9}),
    "nesterov": ("SGD", {}, {"momentum": 0.9, "nesterov": True}),
    "adagrad": ("Adagrad", {}, {}),
    "rmsprop": ("RMSprop", {}, {}),
    "adam": ("Adam", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    "adamw": ("AdamW", {}, {}),
    "adadelta": ("Adadelta", {}, {}),
    "adamax": ("Adamax", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
    "nadam": ("NAdam", {}, {}),
    "radam": ("RAdam", {"weight_decay": 0.1}, {"weight_decay": 0.1}),
}


@pytest.mark.parametrize("name", CASES)
def test_fifty_steps(name: str) -> None:
    theirs_name, mine, theirs = CASES[name]
    start = np.random.default_rng(3).normal(size=(3, 2))
    p, q = parameter(start), torch.nn.Parameter(torch.tensor(start))
    opt = optim.make_optimizer(name, p, lr=0.05, **mine)
    other = getattr(torch.optim, theirs_name)([q], lr=0.05, **theirs)
    for t in range(50):
        p.grad = np.cos(start * (t + 1))
        q.grad = torch.tensor(p.grad)
        opt.step()
        other.step()
        # PyTorch keeps NAdam's product of momenta in float32.
        rtol = 1e-6 if name == "nadam" else 1e-10
        np.testing.assert_allclose(p.data, q.detach().numpy(), rtol=rtol, atol=1e-12)


def test_muon_as_torch_rounds_it() -> None:
    """PyTorch iterates in bfloat16, so that only its first two digits can be compared."""
    muon = getattr(torch.optim, "Muon", None)
    if muon is None:
        pytest.skip("this PyTorch has no Muon")
    start = np.random.default_rng(3).normal(size=(6, 4))
    p, q = parameter(start), torch.nn.Parameter(torch.tensor(start))
    opt = optim.Muon(p, 0.02)
    other = muon([q], lr=0.02, adjust_lr_fn="match_rms_adamw")
    for t in range(5):
        p.grad = np.cos(start * (t + 1))
        q.grad = torch.tensor(p.grad)
        opt.step()
        other.step()
    moved, theirs = p.data - start, q.detach().numpy() - start
    assert np.abs(moved - theirs).max() < 0.03 * np.abs(theirs).max()
