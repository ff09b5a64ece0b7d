"""The operators, methods and NumPy functions of a value, on a value that only wraps an array."""

import numpy as np
import pytest

from glassgrad.core.aval import aval_of
from glassgrad.core.interpret import evaluate
from glassgrad.errors import OptionError
from glassgrad.primitives import numpy_api
from glassgrad.primitives.operators import Operators
from glassgrad.text import speaking


class _Boxing:
    """Evaluates on the wrapped arrays, wraps the result and remembers what was bound."""

    level = 0

    def __init__(self):
        self.names = []

    def process(self, primitive, inputs, params):
        self.names.append(primitive.name)
        plain = [x.data if isinstance(x, Boxed) else x for x in inputs]
        out = evaluate(primitive, plain, params)
        self.last = inputs
        return tuple(map(Boxed, out)) if primitive.multiple else Boxed(out)


class Boxed(Operators):
    """An array that remembers being more than one."""

    __slots__ = ("data",)
    interpreter = _Boxing()

    def __init__(self, data):
        self.data = np.asarray(data)

    @property
    def aval(self):
        return aval_of(self.data)

    def __bool__(self):
        return bool(self.data)

    def __array__(self, dtype=None, copy=None):
        raise TypeError("the numbers left the box")


def opened(value):
    if isinstance(value, (tuple, list)):
        return type(value)(map(opened, value)) if type(value) in (tuple, list) else opened([*value])
    return value.data if isinstance(value, Boxed) else value


def bound(call):
    """The primitives that `call` binds."""
    Boxed.interpreter.names.clear()
    call()
    return list(Boxed.interpreter.names)


A = np.array([[1.5, -2.0, 0.25], [3.0, 0.5, -1.0]])
B = np.array([[0.5, 2.0, -0.75], [1.0, 4.0, 2.0]])
N = np.array([[5, 3, 6], [1, 2, 4]])

BINARY = {
    "add": lambda x, y: x + y,
    "subtract": lambda x, y: x - y,
    "multiply": lambda x, y: x * y,
    "divide": lambda x, y: x / y,
    "floor_divide": lambda x, y: x // y,
    "remainder": lambda x, y: x % y,
    "equal": lambda x, y: x == y,
    "not_equal": lambda x, y: x != y,
    "less": lambda x, y: x < y,
    "less_equal": lambda x, y: x <= y,
    "greater": lambda x, y: x > y,
    "greater_equal": lambda x, y: x >= y,
}
MIRRORED = {
    "less": "greater",
    "greater": "less",
    "less_equal": "greater_equal",
    "greater_equal": "less_equal",
}


@pytest.mark.parametrize("name", BINARY)
@pytest.mark.parametrize("other", [2, 0.5, B, B[0], np.float64(2.0), B.tolist()])
def test_binary_operators_record_what_was_written(name, other):
    operate = BINARY[name]
    assert bound(lambda: operate(Boxed(A), other)) == [name]
    reflected = bound(lambda: operate(other, Boxed(A)))
    assert reflected in ([name], [MIRRORED.get(name)])
    kept = np.asarray(other, np.float32) if isinstance(other, list) else other
    np.testing.assert_array_equal(opened(operate(Boxed(A), other)), operate(A, kept))
    np.testing.assert_array_equal(opened(operate(other, Boxed(A))), operate(kept, A))


@pytest.mark.parametrize(
    "operate",
    [
        lambda x, y: x & y,
        lambda x, y: x | y,
        lambda x, y: x ^ y,
        lambda x, y: x << y,
        lambda x, y: x >> y,
        lambda x, y: divmod(x, y),
        lambda x, y: x**y,
        lambda x, y: x @ y.T,
    ],
)
def test_integer_operators(operate):
    expected = operate(N, N[::-1])
    for x, y in ((Boxed(N), Boxed(N[::-1])), (Boxed(N), N[::-1]), (N, Boxed(N[::-1]))):
        out = opened(operate(x, y))
        np.testing.assert_array_equal(out, expected)
    assert np.asarray(out).dtype == np.asarray(expected).dtype


def test_unary_operators_and_scalars():
    x = Boxed(A)
    assert bound(lambda: -x) == ["negative"]
    assert bound(lambda: abs(x)) == ["abs"]
    assert bound(lambda: +x) == ["positive"]
    assert bound(lambda: ~Boxed(N)) == ["invert"]
    assert bound(lambda: x**2) == ["power"]
    assert bound(lambda: 2**x) == ["power"]
    assert bound(lambda: 1 / x) == ["divide"]
    assert (Boxed(A.astype(np.float32)) * 2.5).dtype == np.float32
    np.testing.assert_array_equal(opened(round(x, 1)), np.round(A, 1))


def test_python_scalar_reaches_the_record_unchanged():
    np.maximum(Boxed(A), 0)
    assert type(Boxed.interpreter.last[1]) is int
    _ = 2.0 - Boxed(A)
    assert type(Boxed.interpreter.last[0]) is float


def test_array_attributes():
    x = Boxed(A)
    assert (x.shape, x.ndim, x.size, x.dtype, len(x)) == ((2, 3), 2, 6, np.float64, 2)
    assert (x.T.shape, x.mT.shape) == ((3, 2), (3, 2))
    assert [row.shape for row in x] == [(3,), (3,)]
    assert 3.0 in x
    assert 7.0 not in x
    assert {x: 1}[x] == 1
    with pytest.raises(TypeError, match="no length"):
        len(Boxed(1.0))
    with pytest.raises(TypeError, match="no length"):
        iter(Boxed(1.0))


METHODS = [
    lambda x: x.sum(),
    lambda x: x.sum(axis=0),
    lambda x: x.sum(1, keepdims=True),
    lambda x: x.prod(axis=1),
    lambda x: x.max(),
    lambda x: x.min(axis=0, keepdims=True),
    lambda x: x.argmax(),
    lambda x: x.argmin(axis=1),
    lambda x: x.any(),
    lambda x: x.all(axis=0),
    lambda x: x.mean(axis=1),
    lambda x: x.var(axis=0),
    lambda x: x.std(ddof=1),
    lambda x: x.cumsum(axis=1),
    lambda x: x.cumprod(axis=0),
    lambda x: x.argsort(axis=1),
    lambda x: x.trace(),
    lambda x: x.diagonal(),
    lambda x: x.reshape(3, 2),
    lambda x: x.reshape((3, -1)),
    lambda x: x.reshape(-1),
    lambda x: x.transpose(),
    lambda x: x.transpose(1, 0),
    lambda x: x.transpose((1, 0)),
    lambda x: x.swapaxes(0, 1),
    lambda x: x.flatten(),
    lambda x: x.ravel(),
    lambda x: x[:1].squeeze(0),
    lambda x: x.repeat(2, axis=1),
    lambda x: x.astype(np.float32),
    lambda x: x.take([0, 2], axis=1),
    lambda x: x.clip(-1, 1),
    lambda x: x.round(1),
    lambda x: x.dot(x.T),
    lambda x: x.conj(),
    lambda x: x.copy(),
    lambda x: x[0, ::2],
    lambda x: x[..., None],
]


@pytest.mark.parametrize("position", range(len(METHODS)))
def test_methods_as_numpy(position):
    expected = METHODS[position](A)
    out = METHODS[position](Boxed(A))
    assert isinstance(out, Boxed)
    np.testing.assert_allclose(opened(out), expected, rtol=1e-15)
    assert out.dtype == expected.dtype


UFUNCS_OF_ONE = [u for u in numpy_api.UFUNCS if u.nin == 1 and u is not np.invert]
UFUNCS_OF_TWO = [u for u in numpy_api.UFUNCS if u.nin == 2 and u.signature is None]


@pytest.mark.parametrize("ufunc", UFUNCS_OF_ONE, ids=lambda u: u.__name__)
def test_ufuncs_of_one_operand(ufunc):
    values = np.array([0.1, 0.5, 0.9])
    values = values + 1 if ufunc is np.arccosh else values
    out, expected = ufunc(Boxed(values)), ufunc(values)
    np.testing.assert_allclose(opened(out), expected, rtol=1e-14)


@pytest.mark.parametrize("ufunc", UFUNCS_OF_TWO, ids=lambda u: u.__name__)
def test_ufuncs_of_two_operands(ufunc):
    integral = any("?" not in t and set(t) & set("dD") for t in ufunc.types) is False
    x, y = (N, N[::-1]) if integral else (np.abs(A), np.abs(B))
    expected = ufunc(x, y)
    for a, b in ((Boxed(x), Boxed(y)), (Boxed(x), y), (x, Boxed(y))):
        np.testing.assert_allclose(opened(ufunc(a, b)), expected, rtol=1e-14)


def test_ufunc_methods():
    x = Boxed(A)
    np.testing.assert_array_equal(opened(np.add.reduce(x)), np.add.reduce(A))
    np.testing.assert_array_equal(opened(np.maximum.reduce(x, axis=1)), A.max(axis=1))
    np.testing.assert_array_equal(opened(np.add.reduce(x, axis=None)), A.sum())
    np.testing.assert_array_equal(opened(np.add.accumulate(x, axis=1)), A.cumsum(axis=1))
    np.testing.assert_array_equal(opened(np.multiply.outer(x, B[0])), np.multiply.outer(A, B[0]))
    np.testing.assert_array_equal(opened(np.matmul(x, B.T)), A @ B.T)


S = A[:, :2] @ A[:, :2].T + np.eye(2)
# Lambdas that only pass x on keep the list of one form.
# ruff: noqa: PLW0108
FUNCTIONS = [
    lambda x: np.sum(x, axis=0, keepdims=True),
    lambda x: np.sum(x, 1),
    lambda x: np.prod(x, axis=1),
    lambda x: np.mean(x, axis=0),
    lambda x: np.var(x, axis=0, ddof=1),
    lambda x: np.std(x),
    lambda x: np.max(x, 1),
    lambda x: np.amin(x),
    lambda x: np.argmax(x, axis=1),
    lambda x: np.median(x),
    lambda x: np.any(x > 1, axis=0),
    lambda x: np.all(x > 1),
    lambda x: np.cumsum(x, axis=1),
    lambda x: np.sort(x, axis=1),
    lambda x: np.argsort(x),
    lambda x: np.reshape(x, (3, 2)),
    lambda x: np.transpose(x),
    lambda x: np.permute_dims(x, (1, 0)),
    lambda x: np.swapaxes(x, 0, 1),
    lambda x: np.moveaxis(x, 0, 1),
    lambda x: np.expand_dims(x, 1),
    lambda x: np.squeeze(x[:1]),
    lambda x: np.ravel(x),
    lambda x: np.concatenate([x, x], axis=1),
    lambda x: np.concat((x, A)),
    lambda x: np.stack([A, x], axis=-1),
    lambda x: np.hstack([x, x]),
    lambda x: np.vstack([x, x]),
    lambda x: np.split(x, 3, axis=1),
    lambda x: np.array_split(x, 2, axis=1),
    lambda x: np.pad(x, ((1, 0), (0, 2))),
    lambda x: np.flip(x, 0),
    lambda x: np.roll(x, 1, axis=1),
    lambda x: np.tile(x, (2, 1)),
    lambda x: np.repeat(x, 2),
    lambda x: np.tril(x),
    lambda x: np.triu(x, 1),
    lambda x: np.diagonal(x),
    lambda x: np.diag(x[0]),
    lambda x: np.trace(x),
    lambda x: np.take(x, [1, 0], axis=0),
    lambda x: np.take_along_axis(x, np.argsort(A, axis=1), axis=1),
    lambda x: np.where(x > 0, x, 0),
    lambda x: np.where(A > 0, 1.0, x),
    lambda x: np.nonzero(np.asarray([0, 1, 0])) if isinstance(x, Boxed) else np.nonzero([0, 1, 0]),
    lambda x: np.clip(x, -1, 1),
    lambda x: np.clip(x, a_min=None, a_max=1),
    lambda x: np.round(x, 1),
    lambda x: np.nan_to_num(x / np.where(A > 1, 0.0, 1.0)),
    lambda x: np.dot(x, A.T),
    lambda x: np.vdot(x, A),
    lambda x: np.inner(x, A),
    lambda x: np.outer(x, A[0]),
    lambda x: np.tensordot(x, A, axes=((0, 1), (0, 1))),
    lambda x: np.einsum("ij,kj->ik", x, A),
    lambda x: np.kron(x, A[0]),
    lambda x: np.cross(x, B),
    lambda x: np.polyval([2.0, 1.0, 3.0], x),
    lambda x: np.linalg.norm(x),
    lambda x: np.linalg.norm(x, axis=1, keepdims=True),
    lambda x: np.linalg.norm(x, ord=1),
    lambda x: np.linalg.vector_norm(x, axis=0, ord=3),
    lambda x: np.linalg.matrix_norm(x),
    lambda x: np.linalg.trace(x @ A.T),
    lambda x: np.linalg.diagonal(np.expand_dims(x, 0)),
    lambda x: np.linalg.inv(x[:, :2]),
    lambda x: np.linalg.solve(x[:, :2], A[:, 2]),
    lambda x: np.linalg.det(x[:, :2]),
    lambda x: np.linalg.slogdet(x[:, :2]),
    lambda x: np.linalg.cholesky(x @ x.T),
    lambda x: np.linalg.matrix_power(x[:, :2], 3),
    lambda x: np.linalg.multi_dot([x, A.T, x]),
    lambda x: np.broadcast_to(x, (4, 2, 3)),
    lambda x: np.broadcast_arrays(x, A[0]),
    lambda x: np.atleast_2d(x[0]),
    lambda x: np.meshgrid(x[0], A[1], indexing="ij"),
    lambda x: np.count_nonzero(x > 0, axis=0),
    lambda x: np.isclose(x, A + 1e-9),
    lambda x: np.diff(x),
    lambda x: np.average(x, axis=1),
    lambda x: np.ptp(x, axis=0),
]


@pytest.mark.parametrize("position", range(len(FUNCTIONS)))
def test_numpy_functions_record(position):
    with np.errstate(divide="ignore", invalid="ignore"):
        expected, out = FUNCTIONS[position](A), FUNCTIONS[position](Boxed(A))
    flat = out if isinstance(out, (tuple, list)) else [out]
    wanted = expected if isinstance(expected, (tuple, list)) else [expected]
    assert len(flat) == len(wanted)
    for ours, theirs in zip(flat, wanted, strict=True):
        np.testing.assert_allclose(opened(ours), theirs, rtol=1e-13, atol=1e-15)
        assert aval_of(opened(ours)).dtype == theirs.dtype


def test_numpy_questions():
    x = Boxed(A)
    assert (np.shape(x), np.ndim(x), np.size(x), np.size(x, 1)) == ((2, 3), 2, 6, 3)
    assert np.allclose(x, A)
    assert np.array_equal(x, A)
    assert not np.array_equal(x, A[0])
    assert np.zeros_like(x).tolist() == np.zeros((2, 3)).tolist()
    assert np.full_like(x, 2.0, dtype=np.float32).dtype == np.float32
    assert np.result_type(x, np.float32) == np.float64
    assert np.iscomplexobj(x) is False


def test_what_is_not_recorded_is_refused_by_name():
    x = Boxed(A)
    with speaking("en"):
        with pytest.raises(OptionError, match=r"np\.frexp is not recorded"):
            np.frexp(x)
        with pytest.raises(OptionError, match=r"np\.fft\.fft is not recorded"):
            np.fft.fft(x)
        with pytest.raises(OptionError, match=r"np\.exp is recorded without the option `where=`"):
            np.exp(x, where=A > 0)
        with pytest.raises(OptionError, match=r"a recorded array is never overwritten"):
            np.add(A, x, out=A.copy())
        with pytest.raises(OptionError, match=r"np\.sum is recorded without the option `where=`"):
            np.sum(x, where=A > 0)
        with pytest.raises(OptionError, match=r"np\.subtract\.reduce is not recorded"):
            np.subtract.reduce(x)
    np.sum(x, out=None)
