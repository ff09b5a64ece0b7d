"""The testers tested: with a wrong rule planted, check_grads and the registry's checks must fail.

A rule is planted by replacing one field of a record for the length of a `with` block. Each plant is
a mistake that people make: a factor, a sign, a missing sum over broadcasting, a wrong tie, a
transpose, a forgotten term.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pytest
from registry import test_derivatives as registry
from registry import test_special as special
from registry.samples import Sample, all_samples

from glassgrad.autodiff import rules
from glassgrad.autodiff.check import check_grads
from glassgrad.core.interpret import bind
from glassgrad.core.primitive import REGISTRY
from glassgrad.primitives.arithmetic import greater, where

rng = np.random.default_rng(9)


@contextmanager
def planted(name: str, field: str, change: Callable[[Any], Any]) -> Iterator[None]:
    """One field of a record as `change` makes it."""
    record = REGISTRY[name]
    before = getattr(record, field)
    object.__setattr__(record, field, change(before))
    try:
        yield
    finally:
        object.__setattr__(record, field, before)


def at(i: int, change: Callable[[Any], Any]) -> Callable[[Any], Any]:
    """Change the rule of operand `i` in a tuple of rules."""
    return lambda given: tuple(change(rule) if i == j else rule for j, rule in enumerate(given))


def called(rule: Any, *args: Any, **params: Any) -> Any:
    return rule(*args, **params) if callable(rule) else rule


def times(factor: float) -> Callable[[Any], Any]:
    """A rule whose result is off by a factor."""
    return lambda rule: lambda *args, **params: called(rule, *args, **params) * factor


def plus_transposed(rule: Any) -> Any:
    return lambda ct, *args, **params: rule(ct, *args, **params).swapaxes(-1, -2)


def ignoring(rule: Any) -> None:
    """The operand is forgotten."""
    del rule


def missing_tangents(rule: Any) -> Any:
    return lambda tangents, *args, **params: rule(tangents, *args, **params) * 1.001


PLANTS: list[tuple[str, str, Callable[[Any], Any]]] = [
    ("exp", "partials", at(0, times(1.001))),
    ("tanh", "partials", at(0, times(-1.0))),
    ("log", "partials", at(0, times(1 + 1e-6))),
    ("add", "partials", at(1, lambda _: -1)),
    ("subtract", "partials", at(1, lambda _: 1)),
    ("subtract", "partials", at(0, ignoring)),
    ("multiply", "partials", lambda rules: rules[::-1]),
    ("divide", "partials", at(1, times(-1.0))),
    ("power", "partials", at(0, lambda _: lambda out, x, y: y * out)),
    ("sigmoid", "partials", at(0, times(0.999))),
    ("sqrt", "partials", at(0, times(2.0))),
    ("square", "partials", at(0, lambda _: lambda out, x: x)),
    ("where", "pull", lambda rules: (rules[0], rules[2], rules[1])),
    ("maximum", "partials", lambda rules: rules[::-1]),
    ("arctan2", "partials", at(0, times(-1.0))),
    ("erf", "partials", at(0, times(1.001))),
    ("sum", "transposes", at(0, times(1.001))),
    ("reshape", "transposes", at(0, times(-1.0))),
    ("getitem", "transposes", at(0, times(1.001))),
    ("permute_dims", "transposes", at(0, times(1.5))),
    ("concat", "transposes", times(1.001)),
    ("matmul", "transposes", at(0, times(1.001))),
    ("matmul", "transposes", at(1, times(-1.0))),
    ("max", "vjps", at(0, times(1.001))),
    ("prod", "vjps", at(0, times(-1.0))),
    ("cumsum", "transposes", at(0, lambda rule: lambda ct, *args, **params: ct)),
    ("cumprod", "vjps", at(0, times(1.001))),
    ("take_along_axis", "transposes", at(0, times(1.001))),
    ("solve", "vjps", at(1, times(1.001))),
    ("log_softmax", "vjps", at(0, times(1.001))),
    ("euclidean_norm", "vjps", at(0, times(0.5))),
    ("max", "jvp", missing_tangents),
    ("cumprod", "jvp", missing_tangents),
    ("log_softmax", "jvp", missing_tangents),
]  # fmt: skip


def samples_of(name: str) -> list[Sample]:
    """Samples with elements, so that there is something to see."""
    return [s for s in all_samples() if s.name == name and all(np.size(x) for x in s.inputs)]


def check_finds(sample: Sample) -> bool:
    """Whether check_grads calls the record's gradient wrong."""
    f = lambda *xs: bind(sample.primitive, *xs, **sample.params)  # noqa: E731
    return not check_grads(f, *sample.inputs, verbose=False)


def suite_finds(sample: Sample) -> bool:
    """Whether the generated tests of this sample fail."""
    for test in (registry.test_forward_mode, registry.test_reverse_mode_is_its_transpose):
        try:
            test(sample)
        except AssertionError:
            return True
    return False


@pytest.mark.parametrize(
    "number", range(len(PLANTS)), ids=[f"{n}-{f}-{i}" for i, (n, f, _) in enumerate(PLANTS)]
)
def test_a_planted_rule_is_found_by_both(number: int) -> None:
    name, field, change = PLANTS[number]
    samples = samples_of(name)
    assert samples
    assert not any(map(check_finds, samples)), "found before it was planted"
    assert not any(map(suite_finds, samples)), "found before it was planted"
    with planted(name, field, change):
        assert any(map(check_finds, samples)), "check_grads does not see it"
        assert any(map(suite_finds, samples)), "the registry suite does not see it"
    assert not any(map(check_finds, samples)), "the plant is still there"


# --- what the rules share ----------------------------------------------------------------


def test_a_missing_sum_over_broadcasting_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cotangent of a broadcast operand is the sum over its copies, not the first of them."""

    def first_of(x: Any, shape: tuple[int, ...]) -> Any:
        while len(x.shape) > len(shape):
            x = x[0]
        for axis, size in enumerate(shape):
            if x.shape[axis] != size:
                x = x[(slice(None),) * axis + (slice(0, 1),)]
        return x

    samples = [s for s in samples_of("multiply") if np.shape(s.inputs[0]) != np.shape(s.inputs[1])]
    assert samples
    assert not any(map(check_finds, samples))
    monkeypatch.setattr(rules, "sum_to", first_of)
    assert all(map(check_finds, samples))
    assert all(map(suite_finds, samples))


def test_a_forgotten_second_use_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    """At a fork the contributions add up."""
    from glassgrad.autodiff import vjp

    def replacing(cts: dict[Any, list[Any]], parent: tuple[Any, int], grad: Any) -> None:
        cts.setdefault(parent[0], [None] * len(parent[0].outs))[parent[1]] = grad

    f = lambda x: np.exp(x) * np.sin(x)  # noqa: E731
    assert check_grads(f, np.array([0.3, 0.7]), verbose=False)
    monkeypatch.setattr(vjp, "accumulate", replacing)
    assert not check_grads(f, np.array([0.3, 0.7]), verbose=False)


# --- ties: a kink is excluded from differences, so the conventions have tests of their own ---


def first_wins(rules: Any) -> Any:
    del rules
    return (
        lambda out, x, y: where(greater(y, x), 0.0, 1.0),
        lambda out, x, y: where(greater(y, x), 1.0, 0.0),
    )


def every_largest(rule: Any) -> Any:
    del rule
    return lambda ct, out, x, *, axis, keepdims: where(x == x.max(), ct, 0)


TIE_PLANTS: list[tuple[str, str, Callable[[Any], Any], str]] = [
    ("maximum", "partials", first_wins, "maximum of arrays"),
    ("maximum", "partials", first_wins, "relu at 0"),
    ("abs", "partials", at(0, lambda _: lambda out, x: where(x >= 0, 1.0, -1.0)), "abs at 0"),
    ("max", "vjps", at(0, every_largest), "max over all"),
    ("hypot", "partials", at(0, lambda _: lambda out, x, y: x / out), "hypot at the origin"),
]  # fmt: skip


@pytest.mark.parametrize("number", range(len(TIE_PLANTS)), ids=[row[3] for row in TIE_PLANTS])
@pytest.mark.filterwarnings("ignore")
def test_a_planted_tie_is_found(number: int) -> None:
    name, field, change, case = TIE_PLANTS[number]
    row = next(row for row in special.TIES if row[0] == case)
    special.test_conventions(*row)
    with planted(name, field, change), pytest.raises(AssertionError):
        special.test_conventions(*row)


@pytest.mark.filterwarnings("ignore")
def test_a_where_that_multiplies_is_found() -> None:
    multiply = lambda rules: (  # noqa: E731
        None,
        lambda ct, out, c, x, y: ct * where(c, 1.0, 0.0),
        lambda ct, out, c, x, y: ct * where(c, 0.0, 1.0),
    )
    special.test_where_selects_and_never_multiplies()
    with planted("where", "pull", multiply), pytest.raises(AssertionError):
        special.test_where_selects_and_never_multiplies()


# --- second order, and the accuracy in the tails -----------------------------------------


def test_a_rule_that_is_wrong_only_in_second_order_is_found() -> None:
    """A partial that is a number to the transforms, as a frozen array would be."""
    frozen = at(0, lambda rule: lambda out, x: rule(_plain(out), _plain(x)))
    x = np.array([0.3, 0.7])
    with planted("sin", "partials", frozen):
        assert check_grads(np.sin, x, verbose=False)
        assert not check_grads(np.sin, x, order=2, verbose=False)
        with pytest.raises(AssertionError):
            registry.test_second_order(samples_of("sin")[1])


def _plain(value: Any) -> Any:
    while hasattr(value, "value"):
        value = value.value
    return value.detach() if hasattr(value, "detach") else value


def test_a_derivative_without_tails_is_found() -> None:
    """1 - out² is right to 1e-16 absolutely, and 0 at 20."""
    import test_accuracy

    test_accuracy.test_tanh_at_20()
    textbook = at(0, lambda _: lambda out, x: 1 - out * out)
    with planted("tanh", "partials", textbook), pytest.raises(AssertionError):
        test_accuracy.test_tanh_at_20()
