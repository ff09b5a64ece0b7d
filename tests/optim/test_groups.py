"""Parameter groups: which parameters, which options, and what they do to the update."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn, optim, train_step
from glassgrad.errors import OptionError
from glassgrad.tensor import parameter


def _net() -> nn.Module:
    return nn.Sequential(nn.Linear(3, 4, rng=0, dtype="float64"), nn.Linear(4, 2, rng=1))


def _stepped(opt: optim.Optimizer) -> dict[str, np.ndarray]:
    """How far each parameter moves for gradients of 1."""
    before = {name: np.array(p.data) for name, p in opt.named.items()}
    for p in opt.parameters:
        p.grad = np.ones_like(p.data)
    opt.step()
    return {name: before[name] - p.data for name, p in opt.named.items()}


def test_rate_decay_and_setting_of_a_group() -> None:
    model = _net()
    W = np.array(model.layers[0].W.data)
    opt = optim.Momentum(
        model,
        0.1,
        momentum=0.5,
        weight_decay=0.01,
        groups=[("*.b", {"weight_decay": 0}), ("layers.1.*", {"lr": 0.02, "momentum": 0.0})],
    )
    moved = _stepped(opt)
    np.testing.assert_allclose(moved["layers.0.W"], 0.1 * (1 + 0.01 * W), rtol=1e-12)
    np.testing.assert_allclose(moved["layers.0.b"], np.full(4, 0.1), rtol=1e-12)
    np.testing.assert_allclose(moved["layers.1.b"], np.full(2, 0.02), rtol=1e-5)
    again = _stepped(opt)
    np.testing.assert_allclose(again["layers.0.b"], np.full(4, 0.15), rtol=1e-12)
    np.testing.assert_allclose(again["layers.1.b"], np.full(2, 0.02), rtol=1e-5)


def test_groups_of_one_option_are_the_optimiser_itself() -> None:
    plain, grouped = optim.Adam(_net(), 0.01), optim.Adam(_net(), 0.01, groups=[("*", {})])
    for _ in range(3):
        one, two = _stepped(plain), _stepped(grouped)
        for name, value in one.items():
            np.testing.assert_array_equal(two[name], value)


def test_a_schedule_moves_all_groups_in_proportion() -> None:
    model = _net()
    opt = optim.SGD(model, 0.1, groups=[("layers.1.*", {"lr": 0.05})])
    opt.lr = optim.StepDecay(0.1, every=1, factor=0.1)
    first, second = _stepped(opt), _stepped(opt)
    np.testing.assert_allclose(first["layers.1.b"], 0.05, rtol=1e-5)
    np.testing.assert_allclose(second["layers.1.b"], 0.005, rtol=1e-5)
    np.testing.assert_allclose(second["layers.0.b"], 0.01, rtol=1e-12)


def test_frozen_parameters_stay_and_have_no_state() -> None:
    model = _net()
    kept = np.array(model.layers[0].W.data)
    opt = optim.Adam(model, 0.1, groups=[("layers.0.*", {"frozen": True})])
    assert list(opt.named) == ["layers.1.W", "layers.1.b"]
    step = train_step(lambda m, x: (m(x) ** 2).mean(), model, opt)
    step(np.ones((5, 3)))
    np.testing.assert_array_equal(model.layers[0].W.data, kept)
    thawed = [("layers.0.*", {"frozen": True}), ("layers.0.b", {"frozen": False})]
    assert "layers.0.b" in optim.SGD(model, 0.1, groups=thawed).named


def test_groups_as_pytorch_writes_them() -> None:
    model = _net()
    first, last = model.layers
    opt = optim.SGD([{"params": first}, {"params": [last.W, last.b], "lr": 0.5}], 0.1)
    moved = _stepped(opt)
    by_size = {value.shape: value.flat[0] for value in moved.values()}
    assert by_size[(4,)] == pytest.approx(0.1)
    assert by_size[(2,)] == pytest.approx(0.5, rel=1e-6)
    opt = optim.SGD(model, 0.1, groups=[{"params": first.b, "lr_factor": 3}])
    assert _stepped(opt)["layers.0.b"] == pytest.approx(0.3)


def test_config_with_groups_rebuilds_the_optimizer() -> None:
    model = _net()
    groups = [("*.b", {"weight_decay": 0.0}), ("layers.0.*", {"frozen": True})]
    opt = optim.AdamW(model, 0.1, groups=groups, ema=0.9)
    config = opt.config()
    rebuilt = optim.make_optimizer(config.pop("name"), model, **config)
    assert rebuilt.config() == opt.config()
    assert list(rebuilt.named) == list(opt.named)


def test_muon_leaves_a_group_to_adamw() -> None:
    model = _net()
    opt = optim.Muon(model, 0.01, groups=[("layers.1.*", {"orthogonal": False})])
    shapes = dict(zip(opt.named, (row.shape for row in opt.state["v"]), strict=True))
    assert shapes["layers.0.W"] == (0,)
    assert shapes["layers.1.W"] == (4, 2)
    adamw = optim.AdamW(_net(), 0.01, beta2=0.95, weight_decay=0.1)
    np.testing.assert_allclose(
        _stepped(opt)["layers.1.W"], _stepped(adamw)["layers.1.W"], rtol=1e-6
    )


@pytest.mark.parametrize(
    ("groups", "message"),
    [
        ([("*.c", {})], r"no parameter is called '\*\.c'"),
        ([("*.b", {"rate": 1})], "unknown option 'rate'"),
        ([("*.b", {"clip_norm": 1.0})], "unknown option 'clip_norm'"),
        ([("*.b", {"lr": -1.0})], "lr is -1.0"),
        ([("*.b", {"momentum": 1.5})], "momentum is 1.5"),
        ([("*.b", {"lr": 1.0, "lr_factor": 2.0})], "has both lr and lr_factor"),
        ([("*.b", {"frozen": 1})], "frozen is 1"),
        ([("*", {"frozen": True})], "every parameter is frozen"),
        (["*.b"], "is no group"),
        ("*.b", "groups of str"),
        ([([parameter(np.ones(1), name="w")], {"lr": 1.0})], "a group holds w"),
    ],
)
def test_bad_groups(groups: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        optim.Momentum(_net(), 0.1, groups=groups)


def test_a_rate_beside_a_schedule_is_refused() -> None:
    with pytest.raises(OptionError, match="the optimizer a schedule"):
        optim.SGD(_net(), optim.Cosine(0.1, 10), groups=[("*.b", {"lr": 0.1})])
