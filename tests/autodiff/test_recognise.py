"""Tapes that come again: recognised by code of their own, with the bits of the first sweep."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from random_graphs import Program, programs

from glassgrad.autodiff import sweeps
from glassgrad.autodiff.recognise import recogniser
from glassgrad.core.interpret import bind
from glassgrad.errors import GradientError, GradientReplacedWarning
from glassgrad.primitives.shape import split
from glassgrad.tensor import Tensor, no_grad, parameter, tensor

X = np.array([[1.0, -2.0, 3.0], [0.5, 4.0, -1.0]])
TIMES = sweeps._OFTEN + 3  # first op by op, then compiled, then looked up, then recognised

Make = Callable[..., Any]


@pytest.fixture(autouse=True)
def _replacing() -> Iterator[None]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", GradientReplacedWarning)
        yield


def is_recognised(output: Tensor) -> bool:
    assert output.node is not None
    known = sweeps._recent.get(output.node.primitive, ())
    return any(each.read(output.node, output.number) is not None for each in known)


# --- the same bits -----------------------------------------------------------------------

EXPRESSIONS: dict[str, Make] = {
    "chain": lambda w, v, x: (np.tanh(x * w) * 0.5).sum(),
    "leaf used twice": lambda w, v, x: (w * w + w).sum(),
    "branches that meet": lambda w, v, x: (np.exp(w * 0.1) * np.sin(v) + w / x).mean(),
    "late branch": lambda w, v, x: (w + np.sin(np.tanh(v) * w)).sum(),
    "several results": lambda w, v, x: (split(w * v, 3, axis=1)[2] * split(w, 3, axis=1)[0]).sum(),
    "any number of operands": lambda w, v, x: np.concatenate([w, v * 2, x, w], axis=0).max(),
    "parameters": lambda w, v, x: (w[::-1, 1:].sum(axis=0) ** 2 - v.reshape(6)[:2]).sum(),
    "numbers of both kinds": lambda w, v, x: np.maximum(w * 2 - 1.5, 0).sum() * -0.0 + v.sum(),
    "mask": lambda w, v, x: np.where(x > 0, w, v).prod(),
}


@pytest.mark.parametrize("name", EXPRESSIONS)
def test_recognised_tapes_give_the_bits_of_the_first_sweep(name: str) -> None:
    rng = np.random.default_rng(7)
    batches = [rng.standard_normal(X.shape) for _ in range(2)]
    first: dict[int, list[bytes]] = {}
    for time in range(2 * TIMES):
        w, v = parameter(X, np.float64), parameter(2 * X - 1, np.float64)
        loss = EXPRESSIONS[name](w, v, tensor(batches[time % 2]))
        loss.backward()
        found = [g.tobytes() if g is not None else b"" for g in (w.grad, v.grad)]
        assert first.setdefault(time % 2, found) == found
    assert is_recognised(loss)


@given(programs())
@settings(max_examples=40, deadline=None)
def test_random_tapes_keep_their_bits(program: Program) -> None:
    results = []
    for _ in range(TIMES):
        inputs = [parameter(array, np.float64) for array in program.arrays()]
        out = program(np, *inputs)
        if not out.requires_grad:
            return
        out.backward()
        results.append([None if p.grad is None else p.grad.tobytes() for p in inputs])
    assert all(result == results[0] for result in results)


def test_gradients_of_leaves_stay_their_own_when_recognised() -> None:
    for _ in range(TIMES):
        a, b = parameter(X), parameter(X)
        h = a + b
        h.sum().backward()
        a.grad *= 2
        assert (b.grad == 1).all()
        assert (h.grad == 1).all()
        assert h.grad.shape == X.shape


# --- what is not the same program --------------------------------------------------------


def tape(make: Make) -> Tensor:
    out: Tensor = make().sum()
    return out


def w() -> Any:
    return parameter(X, np.float64)


def _shared(second: bool) -> Any:
    one, other = w(), w()
    return one * (other if second else one)


def _moved(value: Any, requires: bool) -> Any:
    return tensor(value, np.float64, requires_grad=requires) * w()


def _late(early: bool) -> Any:
    v, u = w(), w()
    if early:
        a, b = np.sin(v), np.cos(u)
    else:
        b, a = np.cos(u), np.sin(v)
    return a * b


def _one_of(number: int) -> Any:
    return split(w() * 2, 3, axis=1)[number]


def _forked(twice: bool) -> Any:
    v = w()
    a = np.sin(v)
    return a * (np.sin(v) if twice else a)


PAIRS: dict[str, tuple[Make, Make]] = {
    "operation": (lambda: np.sin(w()), lambda: np.cos(w())),
    "parameter of an operation": (lambda: w()[0], lambda: w()[1]),
    "parameters or none": (lambda: w() * 2, lambda: (w() * 2).sum(axis=0)),
    "shape of a leaf": (
        lambda: w() * 2,
        lambda: parameter(X[0], np.float64) * 2,
    ),
    "dtype of a leaf": (lambda: w() * 2, lambda: parameter(X, np.float32) * 2),
    "shape of a constant": (lambda: w() * X, lambda: w() * X[0]),
    "dtype of a constant": (
        lambda: w() * X,
        lambda: w() * X.astype(np.float32),
    ),
    "number": (lambda: w() * 2.0, lambda: w() * 3.0),
    "sign of zero": (lambda: w() * 0.0, lambda: w() * -0.0),
    "kind of number": (lambda: w() ** 2, lambda: w() ** 2.0),
    "number or array": (lambda: w() * 2.0, lambda: w() * X),
    "array or number": (lambda: w() * X, lambda: w() * 2.0),
    "leaf or constant": (lambda: _moved(X, True), lambda: _moved(X, False)),
    "constant or leaf": (lambda: _moved(X, False), lambda: _moved(X, True)),
    "leaf or result": (lambda: w() * w(), lambda: w() * np.sin(w())),
    "result or leaf": (lambda: w() * np.sin(w()), lambda: w() * w()),
    "one leaf or two": (lambda: _shared(False), lambda: _shared(True)),
    "two leaves or one": (lambda: _shared(True), lambda: _shared(False)),
    "one result or two": (lambda: _forked(False), lambda: _forked(True)),
    "two results or one": (lambda: _forked(True), lambda: _forked(False)),
    "order in time": (lambda: _late(True), lambda: _late(False)),
    "which result": (lambda: _one_of(0), lambda: _one_of(1)),
    "number of operands": (
        lambda: np.concatenate([w(), X]),
        lambda: np.concatenate([w(), X, X]),
    ),
}


@pytest.mark.parametrize("name", PAIRS)
def test_a_difference_is_seen(name: str) -> None:
    this, other = PAIRS[name]
    read = _recogniser_of(tape(this))
    again = tape(this)
    found = read(again.node, again.number)
    assert found is not None
    operations, leaves, values = found
    assert operations[0] is again.node
    assert all(leaf.primitive is None for leaf in leaves)
    assert all(isinstance(value, (np.ndarray, np.generic)) for value in values)
    different = tape(other)
    assert read(different.node, different.number) is None


def _recogniser_of(output: Tensor) -> Any:
    described = sweeps._read([output.node], output.number)
    if described is None:  # not in the order of use: all operations are given
        nodes = sweeps.ancestors([output.node])
        described = sweeps._read([n for n in nodes if n.primitive is not None], output.number)
    assert described is not None
    return recogniser(described[0], described[1], output.number)


def test_the_numbers_are_those_that_a_lookup_gives() -> None:
    for make, _ in PAIRS.values():
        read = _recogniser_of(tape(make))
        output = tape(make)
        described = sweeps._read([output.node], output.number)
        if described is not None:
            operations, leaves, _, values = described
            found = read(output.node, output.number)
            assert found[0] == operations
            assert found[1] == leaves
            assert [id(value) for value in found[2]] == [id(value) for value in values]


# --- and still an error where it was one -------------------------------------------------


def test_an_overwritten_parameter_is_refused_after_many_passes() -> None:
    for _ in range(TIMES):
        v = w()
        (v * v).sum().backward()
    v = parameter(X, np.float64)
    loss = (v * v).sum()
    assert is_recognised(loss)
    v -= 1.0
    assert not is_recognised(loss)
    with pytest.raises(GradientError, match="the parameter v, used at"):
        loss.backward()


def test_what_was_computed_without_recording_is_a_constant() -> None:
    for recorded in (True, False) * TIMES:
        v = w()
        if recorded:
            h = np.sin(v)
        else:
            with no_grad():
                h = np.sin(v)
        (h * v).sum().backward()
        expected = np.sin(X) + (X * np.cos(X) if recorded else 0)
        np.testing.assert_allclose(v.grad, expected, rtol=1e-14)


def test_records_are_called_by_bind_itself() -> None:
    """The position of an operation is that of the caller, however it was called."""
    from glassgrad.primitives.arithmetic import multiply

    v = w()
    places = [
        (v * 2).describe()[1],
        np.multiply(v, 2).describe()[1],
        multiply(v, 2).describe()[1],
        bind(multiply, v, 2).describe()[1],
        (v.mean()).describe()[1],
    ]
    lines = [int(place.rpartition(":")[2]) for place in places]
    assert all(place.startswith("test_recognise.py") for place in places)
    assert lines == list(range(lines[0], lines[0] + 5))
