"""The recurrent layers against PyTorch's, where that is installed: values, states, gradients."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

import glassgrad as gg
from glassgrad import nn

torch = pytest.importorskip("torch")

rng = np.random.default_rng(0)
CASES = list(product((1, 2), (False, True), (False, True)))
LENGTHS = np.array([7, 5, 3, 1, 6])


def copied(kind: str, layers: int, both: bool) -> tuple[Any, Any]:
    """One of ours and one of PyTorch's with the same weights."""
    theirs = getattr(torch.nn, kind)(3, 4, layers, batch_first=True, bidirectional=both).double()
    ours = getattr(nn, kind)(3, 4, layers, bidirectional=both, dtype=np.float64)
    for cells, suffix in ((ours.cells, ""), (ours.reverse_cells, "_reverse")):
        for number, cell in enumerate(cells):
            for name in ("ih", "hh"):
                W = getattr(theirs, f"weight_{name}_l{number}{suffix}").detach().numpy()
                b = getattr(theirs, f"bias_{name}_l{number}{suffix}").detach().numpy()
                getattr(cell, f"W_{name}").assign(W.T)
                getattr(cell, f"b_{name}").assign(b)
    return ours, theirs


@pytest.mark.parametrize("kind", ["RNN", "GRU", "LSTM"])
@pytest.mark.parametrize(("layers", "both", "has_lengths"), CASES)
def test_the_same_numbers(kind: str, layers: int, both: bool, has_lengths: bool) -> None:
    ours, theirs = copied(kind, layers, both)
    x = rng.normal(size=(5, 7, 3))
    state = [rng.normal(size=(ours.rows, 5, 4)) for _ in ours.cell.states]
    mine, other = gg.tensor(x, requires_grad=True), torch.tensor(x, requires_grad=True)
    lengths = LENGTHS if has_lengths else None
    out, final = ours(mine, state, lengths=lengths, return_state=True)
    start = tuple(map(torch.tensor, state))
    start = start if kind == "LSTM" else start[0]
    utils = torch.nn.utils.rnn
    if has_lengths:
        packed = utils.pack_padded_sequence(
            other, torch.tensor(LENGTHS), batch_first=True, enforce_sorted=False
        )
        packed, end = theirs(packed, start)
        expected, _ = utils.pad_packed_sequence(packed, batch_first=True, total_length=7)
    else:
        expected, end = theirs(other, start)
    np.testing.assert_allclose(out.data, expected.detach().numpy(), rtol=0, atol=1e-13)
    pairs = list(zip(final, end, strict=True)) if kind == "LSTM" else [(final, end)]
    for a, b in pairs:
        np.testing.assert_allclose(a.data, b.detach().numpy(), rtol=0, atol=1e-13)
    weights = rng.normal(size=out.shape)
    ((out * weights).sum() + pairs[0][0].sum()).backward()
    ((expected * torch.tensor(weights)).sum() + pairs[0][1].sum()).backward()
    np.testing.assert_allclose(mine.grad, other.grad.numpy(), rtol=1e-11, atol=1e-13)
    last = f"l{layers - 1}" + ("_reverse" if both else "")
    cell = (ours.reverse_cells if both else ours.cells)[-1]
    for name in ("ih", "hh"):
        W = getattr(theirs, f"weight_{name}_{last}").grad.numpy().T
        b = getattr(theirs, f"bias_{name}_{last}").grad.numpy()
        np.testing.assert_allclose(getattr(cell, f"W_{name}").grad, W, rtol=1e-11, atol=1e-13)
        np.testing.assert_allclose(getattr(cell, f"b_{name}").grad, b, rtol=1e-11, atol=1e-13)
