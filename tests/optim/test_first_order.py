"""Each optimiser against its formula written by hand in NumPy, eagerly and as a pure function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from optim.rules import NEWER, UPDATES

from glassgrad import optim
from glassgrad.errors import (
    DataError,
    GlassgradError,
    OptionError,
    ShapeError,
    UnreachedParameterWarning,
)
from glassgrad.tensor import Parameter, parameter

Rule = Callable[[np.ndarray, np.ndarray, dict[str, Any], int], np.ndarray]
STEPS = 7
LR = 0.05


def _sgd(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    return p - LR * g


def _momentum(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["v"] = 0.9 * s.get("v", 0.0) + g
    return p - LR * s["v"]


def _book_nesterov(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    v = s.get("v", np.zeros_like(p))
    new = p + 0.9 * 0.9 * v - (1 + 0.9) * LR * g
    s["v"] = 0.9 * v - LR * g
    return new


def _adagrad(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["h"] = s.get("h", 0.0) + g * g
    return p - LR * g / (np.sqrt(s["h"]) + 1e-10)


def _rmsprop(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["h"] = 0.99 * s.get("h", 0.0) + (1 - 0.99) * g * g
    return p - LR * g / (np.sqrt(s["h"]) + 1e-8)


def _adam(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    s["m"] = 0.9 * s.get("m", 0.0) + (1 - 0.9) * g
    s["v"] = 0.999 * s.get("v", 0.0) + (1 - 0.999) * g * g
    m_hat, v_hat = s["m"] / (1 - 0.9**t), s["v"] / (1 - 0.999**t)
    return p - LR * m_hat / (np.sqrt(v_hat) + 1e-8)


def _adamw(p: np.ndarray, g: np.ndarray, s: dict[str, Any], t: int) -> np.ndarray:
    return _adam(p - LR * 0.01 * p, g, s, t)


RULES: dict[str, Rule] = {
    "sgd": _sgd,
    "momentum": _momentum,
    "nesterov": _book_nesterov,
    "adagrad": _adagrad,
    "rmsprop": _rmsprop,
    "adam": _adam,
    "adamw": _adamw,
    **NEWER,
}


def _start() -> list[np.ndarray]:
    rng = np.random.default_rng(3)
    return [rng.normal(size=(3, 2)), rng.normal(size=2), np.array(0.7)]


def _gradient(p: np.ndarray) -> np.ndarray:
    return 4 * p**3 - 2 * p


def _backward(params: list[Parameter]) -> None:
    loss = sum(((p**4 - p**2).sum() for p in params), start=0.0)
    loss.backward()  # type: ignore[union-attr]


def test_every_optimizer_has_a_rule() -> None:
    assert sorted(RULES) == UPDATES


@pytest.mark.parametrize("name", RULES)
def test_step_is_the_formula(name: str) -> None:
    params = [parameter(p) for p in _start()]
    opt = optim.make_optimizer(name, params, lr=LR)
    states: list[dict[str, Any]] = [{} for _ in params]
    expected = _start()
    for t in range(1, STEPS + 1):
        _backward(params)
        opt.step()
        expected = [
            RULES[name](p, _gradient(p), s, t) for p, s in zip(expected, states, strict=True)
        ]
    for p, e in zip(params, expected, strict=True):
        np.testing.assert_allclose(p.data, e, rtol=1e-13, atol=1e-15)
    assert opt.count == STEPS


@pytest.mark.parametrize("name", RULES)
def test_pure_update_is_what_step_runs(name: str) -> None:
    params = [parameter(p) for p in _start()]
    opt = optim.make_optimizer(name, params, lr=LR, weight_decay=0.1, clip_norm=2.0)
    values = [np.array(p.data) for p in params]
    state = opt.init(values)
    for t in range(1, 4):
        grads = [_gradient(v) for v in values]
        values, state, info = opt.apply_gradients(values, grads, state, LR, t)
        for p, g in zip(params, grads, strict=True):
            p.grad = g
        opt.step()
    for p, v in zip(params, values, strict=True):
        np.testing.assert_array_equal(p.data, v)
    assert sorted(opt.state) == sorted(state)
    for kind, rows in opt.state.items():
        for mine, pure in zip(rows, state[kind], strict=True):
            np.testing.assert_array_equal(mine, pure)
    assert set(info) == {"grad_norm", "skipped"}


@pytest.mark.parametrize("name", RULES)
def test_float32_stays_float32(name: str) -> None:
    params = [parameter(p.astype(np.float32)) for p in _start()]
    opt = optim.make_optimizer(name, params, lr=LR)
    _backward(params)
    opt.step()
    assert {p.dtype for p in params} == {np.dtype(np.float32)}
    assert {row.dtype for row in opt.rows} <= {np.dtype(np.float32)}
    assert {atom.aval.dtype for atom in opt.graph().outputs} == {np.dtype(np.float32)}


def test_bias_correction_is_computed_in_float64() -> None:
    """1 - 0.999 in float32 is off by 1e-5: the first step of Adam still has length lr."""
    w = parameter(np.ones(1, np.float32))
    opt = optim.Adam(w, 0.5)
    w.grad = np.ones(1, np.float32)
    opt.step()
    assert w.data[0] == pytest.approx(0.5, rel=3e-7)


def test_l2_acts_on_the_gradient_and_decoupled_decay_on_the_parameter() -> None:
    coupled, decoupled = parameter(np.array([2.0])), parameter(np.array([2.0]))
    for p, opt in (
        (coupled, optim.Adam(coupled, 0.1, weight_decay=0.5)),
        (decoupled, optim.AdamW(decoupled, 0.1, weight_decay=0.5)),
    ):
        p.grad = np.zeros(1)
        opt.step()
    # Adam divides the decay by its own size; AdamW shrinks by lr * decay.
    np.testing.assert_allclose(coupled.data, [1.9], rtol=1e-7)
    np.testing.assert_allclose(decoupled.data, [2.0 * (1 - 0.1 * 0.5)], rtol=1e-15)


# --- targets -----------------------------------------------------------------------------


def test_shared_parameter_is_updated_once() -> None:
    w = parameter(np.array([1.0]), name="w")
    opt = optim.SGD([w, w], 0.1)
    assert len(opt.parameters) == 1
    (w * 3).sum().backward()
    opt.step()
    np.testing.assert_allclose(w.data, [0.7])


def test_nothing_to_train_is_an_error() -> None:
    with pytest.raises(OptionError, match="no parameter to train"):
        optim.SGD([], 0.1)
    with pytest.raises(OptionError, match="ndarray cannot be trained"):
        optim.SGD(np.ones(2), 0.1)


@pytest.mark.parametrize("target", ["model", ["a", 3]])
def test_a_text_cannot_be_trained(target: Any) -> None:
    with pytest.raises(OptionError, match="str cannot be trained"):
        optim.SGD(target)


@pytest.mark.parametrize("beta2", [0.0, 1 / 3, 0.6])
def test_radam_without_a_long_average_is_never_sure(beta2: float) -> None:
    p = parameter(np.array([1.0]))
    opt = optim.RAdam(p, 0.1, beta2=beta2)
    for _ in range(5):
        p.grad = np.array([2.0])
        opt.step()  # a warning is an error here
    np.testing.assert_allclose(p.data, 1.0 - 5 * 0.1 * 2.0, atol=1e-12)


def test_unreached_parameter_is_named_once() -> None:
    used, idle = parameter(np.array([1.0]), name="used"), parameter(np.array([1.0]), name="idle")
    opt = optim.Adam([used, idle], 0.1)
    (used * used).sum().backward()
    with pytest.warns(UnreachedParameterWarning, match="no gradient reaches idle"):
        opt.step()
    opt.step()
    np.testing.assert_array_equal(idle.data, [1.0])
    np.testing.assert_array_equal(opt.state["m"][1], [0.0])
    assert used.data[0] < 1.0


def test_frozen_parameter_is_left_alone_without_a_warning() -> None:
    used, frozen = parameter(np.array([1.0])), parameter(np.array([1.0]))
    frozen.requires_grad = False
    opt = optim.SGD([used, frozen], 0.1)
    (used * frozen).sum().backward()
    opt.step()
    np.testing.assert_allclose([used.data[0], frozen.data[0]], [0.9, 1.0])


def test_zero_grad_forgets() -> None:
    w = parameter(np.array([1.0]))
    (w * w).sum().backward()
    opt = optim.SGD(w, 0.1)
    opt.zero_grad()
    assert w.grad is None


# --- options -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "options", "message"),
    [
        (optim.SGD, {"lr": -0.1}, "lr is -0.1"),
        (optim.SGD, {"lr": float("nan")}, "not a finite number"),
        (optim.SGD, {"lr": "fast"}, "lr is 'fast', not a number"),
        (optim.Momentum, {"momentum": 1.0}, "momentum is 1.0"),
        (optim.Adam, {"beta2": -0.5}, "beta2 is -0.5"),
        (optim.Adam, {"eps": 0.0}, "eps is 0.0"),
        (optim.SGD, {"weight_decay": -1.0}, "weight_decay is -1.0"),
        (optim.SGD, {"clip_norm": 0.0}, "clip_norm is 0.0"),
        (optim.SGD, {"clip_value": -1.0}, "clip_value is -1.0"),
    ],
)
def test_bad_options(kind: Any, options: dict[str, Any], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        kind(parameter(np.ones(1)), **options)


def test_rate_set_later_is_checked() -> None:
    opt = optim.SGD(parameter(np.ones(1)), 0.1)
    with pytest.raises(OptionError, match="lr is -1"):
        opt.lr = -1
    opt.lr = 0.3
    assert opt.rate == 0.3


def test_unknown_names_offer_the_nearest() -> None:
    w = parameter(np.ones(1))
    with pytest.raises(OptionError, match="did you mean `adam`"):
        optim.make_optimizer("adamm", w)
    with pytest.raises(OptionError, match="did you mean `momentum`"):
        optim.make_optimizer("momentum", w, momentun=0.5)


# --- keeping -----------------------------------------------------------------------------


def test_state_comes_back_and_the_next_step_is_the_same() -> None:
    runs = []
    for is_restored in (False, True):
        params = [parameter(p, name=f"p{i}") for i, p in enumerate(_start())]
        opt = optim.Adam(params, LR)
        for t in range(4):
            if t == 2 and is_restored:
                kept = opt.state_dict()
                opt = optim.Adam(params, LR)
                opt.load_state_dict(kept)
            _backward(params)
            opt.step()
        runs.append([np.array(p.data) for p in params])
    for a, b in zip(*runs, strict=True):
        np.testing.assert_array_equal(a, b)


def test_foreign_state_is_refused() -> None:
    opt = optim.Momentum(parameter(np.ones(2), name="w"), 0.1)
    assert sorted(opt.state_dict()) == ["count", "velocity.w"]
    with pytest.raises(DataError, match=r"missing velocity\.w; unexpected m\.w"):
        opt.load_state_dict({"m.w": np.ones(2), "count": np.array(1)})
    with pytest.raises(ShapeError, match=r"velocity\.w has shape \(3,\)"):
        opt.load_state_dict({"velocity.w": np.ones(3), "count": np.array(1)})


def test_config_rebuilds_the_optimizer() -> None:
    w = parameter(np.ones(1))
    config = optim.RMSprop(w, 0.02, decay=0.9, clip_norm=3.0).config()
    assert config["name"] == "rmsprop"
    rebuilt = optim.make_optimizer(config.pop("name"), w, **config)
    assert rebuilt.config() == {"name": "rmsprop", **config}


def test_errors_are_ours() -> None:
    with pytest.raises(GlassgradError):
        optim.SGD(parameter(np.ones(1)), True)
