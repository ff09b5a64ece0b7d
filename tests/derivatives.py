"""Independent checks of a function's rules: both derivative modes, any order, batches, source."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from glassgrad.autodiff.batch import mapped
from glassgrad.autodiff.jvp import pushforward
from glassgrad.autodiff.vjp import pullback
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import Primitive
from glassgrad.core.template import compile_functions

RNG_SEED = 20
STEP = 1e-4


def gradients(f: Callable[..., Any], *xs: Any, ct: Any = None) -> list[Any]:
    """The cotangents of `xs` for the cotangent `ct` of the result (ones if None)."""
    outputs, pull = pullback(lambda *ys: [f(*ys)], xs)
    return pull([np.ones_like(outputs[0]) if ct is None else ct])


def slope(f: Callable[..., Any], xs: Sequence[Any], ts: Sequence[Any]) -> np.ndarray:
    """The derivative of `f` along `ts` by fourth-order central differences."""

    def at(step: float) -> np.ndarray:
        return np.asarray(f(*(x + step * t for x, t in zip(xs, ts, strict=True))), np.float64)

    near = at(STEP) - at(-STEP)
    far = at(2 * STEP) - at(-2 * STEP)
    return (8 * near - far) / (12 * STEP)


def check(f: Callable[..., Any], *xs: Any, order: int = 2) -> None:
    """Forward mode against differences, reverse against forward, and so again for the gradient."""
    rng = np.random.default_rng(RNG_SEED)
    ts = [rng.normal(size=np.shape(x)) for x in xs]
    (out,), (tangent,) = pushforward(lambda *ys: [f(*ys)], xs, ts)
    np.testing.assert_array_equal(out, f(*xs))
    assert np.shape(tangent) == np.shape(out)
    np.testing.assert_allclose(tangent, slope(f, xs, ts), rtol=1e-8, atol=1e-8)
    ct = rng.normal(size=np.shape(out))
    found = gradients(f, *xs, ct=ct)
    for x, grad in zip(xs, found, strict=True):
        assert grad.shape == x.shape
        assert grad.dtype == x.dtype
    pulled = sum(np.vdot(g, t) for g, t in zip(found, ts, strict=True))
    np.testing.assert_allclose(np.vdot(ct, tangent), pulled, rtol=1e-10, atol=1e-12)
    if order > 1:
        check(lambda *ys: gradients(f, *ys, ct=ct)[0], *xs, order=order - 1)


def check_batch(f: Callable[..., Any], *xs: Any) -> None:
    """Mapped over a batch against a loop: with every subset of the operands batched."""
    n = len(xs)
    for flags in range(1, 2**n):
        batched = [bool(flags >> i & 1) for i in range(n)]
        whole = [np.stack([x, np.roll(x, 1), x * 0 + x.flat[0] if np.size(x) else x]) if b else x
                 for x, b in zip(xs, batched, strict=True)]  # fmt: skip
        (found,) = mapped(lambda *ys: [f(*ys)], whole, batched, 3)
        each = [
            f(*(w[i] if b else w for w, b in zip(whole, batched, strict=True))) for i in range(3)
        ]
        np.testing.assert_allclose(found, np.stack(each), rtol=1e-13, atol=1e-13)


def check_text(primitive: Primitive, *xs: Any, **params: Any) -> Any:
    """The printed source against what runs, bit for bit, and against the shape rule."""
    ran = bind(primitive, *xs, **params)
    names = [f"x{i}" for i in range(len(xs))]
    body = primitive.numpy_text(names, params)
    text = "\n".join(primitive.helpers) + f"\ndef printed({', '.join(names)}):\n    return {body}\n"
    printed = compile_functions(text, "<printed>")["printed"](*xs)
    np.testing.assert_array_equal(printed, ran)
    return body
