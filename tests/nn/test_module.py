"""Module: the tree of leaves, modes, state dicts, gradients."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import value_and_grad
from glassgrad.errors import DtypeError, ShapeError
from glassgrad.tensor import parameter, state


class Net(nn.Module):
    """A list of layers, a state and a bare parameter."""

    def __init__(self) -> None:
        self.blocks = [nn.Linear(4, 3, rng=0), nn.Linear(3, 2, rng=1)]
        self.scale = parameter([2.0])
        self.count = state(np.zeros(()))

    def forward(self, x: Any) -> Any:
        return self.blocks[1](nn.tanh(self.blocks[0](x))) * self.scale


X = np.random.default_rng(0).normal(size=(6, 4)).astype(np.float32)
LABELS = np.array([0, 1, 1, 0, 1, 0])


def test_leaves_have_paths() -> None:
    net = Net()
    names = ["blocks.0.W", "blocks.0.b", "blocks.1.W", "blocks.1.b", "scale"]
    assert [path for path, _ in net.named_parameters()] == names
    assert [path for path, _ in net.named_states()] == ["count"]
    assert [path for path, _ in net.named_modules()] == ["", "blocks.0", "blocks.1"]


def test_state_dict_goes_round() -> None:
    one, two = Net(), Net()
    one.scale -= 5.0
    stored = one.state_dict()
    one.scale -= 1.0
    two.load_state_dict(stored)
    assert two.scale.data == -3


def test_load_state_dict_names_every_problem() -> None:
    net = Net()
    before = net.state_dict()
    broken = {**before, "blocks.0.w": np.zeros(3), "scale": np.zeros((2, 2))}
    del broken["blocks.0.W"]
    with pytest.raises(ShapeError) as caught:
        net.load_state_dict(broken)
    text = str(caught.value)
    assert "missing blocks.0.W" in text
    assert "unexpected blocks.0.w" in text
    assert "scale has shape (2, 2), the model (1,)" in text
    for name, array in net.state_dict().items():
        np.testing.assert_array_equal(array, before[name])


def test_both_ways_of_differentiating_agree() -> None:
    net = Net()
    loss = nn.cross_entropy(net(X), LABELS)
    loss.backward()
    value, gradients = value_and_grad(lambda m: nn.cross_entropy(m(X), LABELS))(net)
    assert float(value) == float(loss)
    for path, leaf in net.named_parameters():
        np.testing.assert_array_equal(gradients[path].data, leaf.grad)
    net.zero_grad()
    assert net.scale.grad is None


def test_freezing() -> None:
    net = Net()
    net.blocks[0].freeze()
    nn.cross_entropy(net(X), LABELS).backward()
    assert net.blocks[0].W.grad is None
    assert net.blocks[1].W.grad is not None
    net.unfreeze()
    assert all(p.requires_grad for p in net.parameters())


def test_modes_reach_all_layers() -> None:
    net = Net().eval()
    assert not net.blocks[1].training
    assert net.train().blocks[1].training


def test_a_parameter_is_not_replaced_by_an_array() -> None:
    net = Net()
    with pytest.raises(DtypeError, match="the parameter scale is replaced by ndarray"):
        net.scale = np.ones(1)
    net.scale = parameter([3.0])
    assert net.scale.data == 3
