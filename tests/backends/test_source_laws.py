"""The laws by which printed source is rewritten: each holds to its tolerance."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.backends.source import checks
from glassgrad.config import config
from glassgrad.graph.ir import Graph, Var
from glassgrad.graph.trace import trace
from glassgrad.passes.forms import SHORT
from glassgrad.passes.laws import READABLE, STABLE
from glassgrad.passes.rewrite import Law, rewrite

RNG = np.random.default_rng(3)
X, W = RNG.normal(size=(6, 4)), RNG.normal(size=(4, 3))
LABELS = RNG.integers(0, 3, 6)
SOFT = RNG.dirichlet(np.ones(3), 6)
LAWS = {law.name: law for law in (*READABLE, *STABLE)}


def _written_out(x: Any, W: Any, t: Any) -> Any:
    z = x @ W
    shifted = z - z.max(axis=1, keepdims=True)
    log_p = shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))
    return -log_p[np.arange(len(x)), LABELS].mean()


# Per law a loss of (x, W, t) in whose gradient it applies.
EXAMPLES: dict[str, Callable[..., Any]] = {
    "constant": lambda x, W, t: (x @ W * nn.softmax(x @ W)).sum(),
    "mask": lambda x, W, t: (np.sin(x @ W) * ((x @ W) > 0)).sum(),
    "spread": lambda x, W, t: nn.losses.mae(-(x @ W), t),
    "minus": lambda x, W, t: (2.0 - np.sin(x @ W)).sum() * -1.0,
    "twice": lambda x, W, t: (np.sin(x @ W) * np.sin(x @ W)).sum() + ((x @ W) * (x @ W)).sum(),
    "signs": lambda x, W, t: -(t * np.log(2 - np.sin(x @ W))).sum(),
    "one factor": lambda x, W, t: 0.05 * ((x @ W) ** 2).sum(),
    "cast": lambda x, W, t: (x @ W).sum().astype(np.float64).astype(x.dtype) * 3.0,
    "quotient": lambda x, W, t: np.sin(x / (x * x + 1.0)).sum() + np.cos(W / (W * W + 2.0)).sum(),
    "softmax with cross-entropy": lambda x, W, t: nn.cross_entropy(x @ W, LABELS),
    "log-softmax": lambda x, W, t: nn.cross_entropy(x @ W, t),
    "softmax": lambda x, W, t: (nn.softmax(x @ W) * t).sum(),
    "sigmoid with cross-entropy": lambda x, W, t: nn.losses.binary_cross_entropy_with_logits(
        x @ W, t
    ),
    "mean": lambda x, W, t: ((x @ W - t) ** 2).mean(),
    "rows": lambda x, W, t: -np.log((x @ W) ** 2)[np.arange(len(x)), LABELS].mean(),
    "tanh": lambda x, W, t: (np.tanh(x @ W) * t).sum(),
    "sigmoid": lambda x, W, t: nn.sigmoid(x @ W).sum(),
    "written-out sigmoid": lambda x, W, t: (
        (t / (1 + np.exp(-(x @ W)))).sum() + (t * (1 / (1 + np.exp(x @ W)))).sum()
    ),
    "written-out softmax with cross-entropy": _written_out,
    "shift": _written_out,
    "factors": lambda x, W, t: (nn.sigmoid(x @ W) * t).sum(),
}
SHORT_EXAMPLES: dict[str, Callable[..., Any]] = {
    "short log-softmax": lambda x, W, t: (nn.log_softmax(x @ W) * t).sum(),
    "fill": lambda x, W, t: (x @ W).sum(),
}


@pytest.fixture(autouse=True)
def _verified() -> Any:
    with config.using(verify=True):
        yield


def _graph(name: str, dtype: Any = np.float64) -> Graph:
    args = (array.astype(dtype) for array in (X, W, SOFT))
    example = {**EXAMPLES, **SHORT_EXAMPLES}[name]
    return trace(example, *args).gradients(["x", "W"])  # type: ignore[no-any-return]


def _values(graph: Graph, args: Any) -> dict[Var, Any]:
    """Every value of the backward pass."""
    steps = graph.steps(*args)
    return {v: x for e, xs in steps if e.derives for v, x in zip(e.outputs, xs, strict=True)}


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("law", STABLE, ids=lambda law: law.name)
def test_stable_laws_hold_to_their_tolerance(law: Law, dtype: Any) -> None:
    """At the law's own place, relative to the largest value of the long backward pass."""
    graph = _graph(law.name, dtype)
    found = rewrite(graph, (*READABLE, *STABLE))
    places = [var for var, other in found.sites.items() if other is law]
    assert places or law.name == "shift"  # whose value is another one
    assert law in found.used
    for scale in (1.0, 1e-3, 20.0):
        args = [array.astype(dtype) for array in (scale * X, W, SOFT)]
        before, after = _values(graph, args), _values(found.graph, args)
        largest = max(float(np.abs(value).max()) for value in before.values())
        tolerance = sum(other.tolerance for other in found.used) * np.finfo(dtype).eps * largest
        for one, two in zip(found.graph.evaluate(*args), graph.evaluate(*args), strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=tolerance * X.size)
        for var in before.keys() & after.keys() & set(places):
            np.testing.assert_allclose(after[var], before[var], rtol=0, atol=tolerance)


@pytest.mark.parametrize("name", EXAMPLES)
def test_readable_laws_keep_every_bit(name: str) -> None:
    graph = _graph(name)
    found = rewrite(graph, READABLE)
    assert found.used == ()
    for x in (X, np.zeros_like(X), np.where(X > 1, np.inf, X), np.where(X > 1, np.nan, X)):
        with np.errstate(all="ignore"):
            one, two = found.graph.evaluate(x, W, SOFT), graph.evaluate(x, W, SOFT)
        assert all(map(checks.same_bits, one, two))


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("law", SHORT, ids=lambda law: law.name)
def test_short_forms_hold_to_their_tolerance(law: Law, dtype: Any) -> None:
    graph = _graph(law.name, dtype)
    found = rewrite(graph, (law,))
    assert found.used == (law,)
    for scale in (1.0, 1e-3, 20.0):
        args = [array.astype(dtype) for array in (scale * X, W, SOFT)]
        values = [x for _, xs in graph.steps(*args) for x in xs]
        largest = max(float(np.abs(value).max()) for value in values)
        tolerance = law.tolerance * float(np.finfo(dtype).eps) * largest * X.size
        for one, two in zip(found.graph.evaluate(*args), graph.evaluate(*args), strict=True):
            np.testing.assert_allclose(one, two, rtol=0, atol=tolerance)


def test_every_law_states_itself() -> None:
    assert LAWS.keys() == EXAMPLES.keys()
    assert {law.name for law in SHORT} == SHORT_EXAMPLES.keys()
    assert all(law.tolerance == 0 for law in READABLE)
    assert all(law.tolerance > 0 and "=" in law.formula for law in STABLE)


def test_mean_factor_is_a_quotient() -> None:
    text = str(rewrite(_graph("mean"), STABLE).graph)
    assert "divide" in text.partition("# backward")[2]


def test_factors_that_a_person_wrote_stay() -> None:
    graph = trace(lambda x: 0.1 * (x**2).sum() + x.mean(), np.ones(10)).gradients()
    assert "0.1" in graph.source()


@pytest.mark.parametrize(
    "loss",
    [
        lambda x, W: nn.cross_entropy(x @ W, LABELS, reduction="sum"),
        lambda x, W: 3.0 * nn.cross_entropy(x @ W, LABELS),
        lambda x, W: nn.cross_entropy(x @ W, LABELS, class_weights=np.array([1.0, 2.0, 0.5])),
        lambda x, W: nn.cross_entropy(x @ W, LABELS, label_smoothing=0.1),
        lambda x, W: nn.cross_entropy(x @ W, np.where(LABELS == 0, -1, LABELS), ignore_index=-1),
        lambda x, W: nn.cross_entropy((x @ W).reshape(2, 3, 3), LABELS.reshape(2, 3)),
        lambda x, W: (nn.cross_entropy(x @ W, LABELS, reduction="none") * np.arange(6.0)).sum(),
    ],
)
def test_other_forms_of_cross_entropy(loss: Callable[..., Any]) -> None:
    graph = trace(loss, X, W).gradients()
    found = rewrite(graph, (*READABLE, *STABLE))
    assert {"softmax with cross-entropy", "log-softmax"} & {law.name for law in found.used}
    assert checks.difference(found.graph.evaluate(X, W), graph.evaluate(X, W)) < 1e-14
    assert "bit for bit" in graph.source()


def test_a_planted_wrong_law_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The difference that the head states would be seen: it is computed, not claimed."""
    from glassgrad.backends.source import plain

    def wrong(eqn: Any, site: Any) -> Any:
        if eqn.derives is None:
            return None
        return site.put(eqn, LAWS["quotient"].records[0], eqn.inputs[0], eqn.inputs[0])

    law = Law("quotient", "x * y = x * x", LAWS["quotient"].records, wrong, 1)
    monkeypatch.setattr(plain, "STABLE", (law,))
    text = trace(lambda x, y: (x * x * y).sum(), np.ones(3), np.ones(3)).gradients().source()
    assert "at most" in text
    assert "e-16" not in text
