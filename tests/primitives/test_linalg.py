"""Products, sums over labels, norms, solves: values, shapes, both derivatives, batches, errors."""

from itertools import pairwise

import numpy as np
import pytest

from glassgrad.core.aval import aval_of
from glassgrad.core.primitive import REGISTRY, Bilinear, General, Linear
from glassgrad.errors import OptionError, ShapeError
from glassgrad.primitives import linalg, norm, solve
from glassgrad.primitives.einsum import einsum
from glassgrad.text import speaking

STEP = 1e-6
MATMUL = [
    ((3,), (3,)),
    ((2, 3), (3,)),
    ((3,), (3, 4)),
    ((2, 3), (3, 4)),
    ((5, 2, 3), (3,)),
    ((3,), (5, 3, 4)),
    ((5, 2, 3), (3, 4)),
    ((2, 3), (5, 3, 4)),
    ((5, 2, 3), (5, 3, 4)),
    ((6, 5, 2, 3), (5, 3, 4)),
    ((5, 1, 2, 3), (6, 3, 4)),
    ((1, 2, 3), (5, 3, 4)),
    ((0, 3), (3, 4)),
    ((2, 0), (0, 4)),
    ((2, 3), (3, 0)),
    ((0, 2, 3), (3, 4)),
]
PAIRS = [
    ("ij,jk->ik", (2, 3), (3, 4)),
    ("ij,kj->ik", (2, 3), (4, 3)),
    ("ji,jk->ik", (3, 2), (3, 4)),
    ("bij,bjk->bik", (5, 2, 3), (5, 3, 4)),
    ("bij,kj->bik", (5, 2, 3), (4, 3)),
    ("ji,bkj->bik", (3, 2), (5, 4, 3)),
    ("ij,jk->ki", (2, 3), (3, 4)),
    ("i,i->", (3,), (3,)),
    ("i,j->ij", (3,), (4,)),
    ("ij,ij->ij", (2, 3), (2, 3)),
    (",i->i", (), (3,)),
    ("ij,k->k", (2, 3), (4,)),
    ("ii,i->i", (3, 3), (3,)),
    ("iji,jk->k", (3, 2, 3), (2, 4)),
    ("ii,jj->", (3, 3), (2, 2)),
    ("bqhd,bkhd->bhqk", (2, 3, 2, 4), (2, 5, 2, 4)),
    ("ij,jk->", (0, 3), (3, 2)),
]
SINGLES = [
    ("ij->ji", (2, 3)),
    ("i->", (3,)),
    ("ii->i", (3, 3)),
    ("ii->", (3, 3)),
    ("iji->j", (3, 2, 3)),
    ("iji->ij", (3, 2, 3)),
    ("ijkj->ki", (2, 3, 4, 3)),
    ("ijij->", (2, 3, 2, 3)),
]
RECORDS = [
    *(("matmul", shapes, {}) for shapes in MATMUL),
    *(("einsum", tuple(shapes), {"spec": spec}) for spec, *shapes in PAIRS),
    *(("einsum_of_one", (shape,), {"spec": spec}) for spec, shape in SINGLES),
    *(("euclidean_norm", ((3, 4),), {"axis": a, "keepdims": k})
      for a in (None, (0,), (1,)) for k in (False, True)),
    ("inv", ((3, 3),), {}),
    ("inv", ((2, 3, 3),), {}),
    ("solve", ((3, 3), (3, 2)), {}),
    ("solve", ((2, 3, 3), (3, 2)), {}),
    ("solve", ((3, 3), (2, 3, 2)), {}),
    ("det", ((3, 3),), {}),
    ("det", ((2, 2, 2),), {}),
    ("log_abs_det", ((2, 3, 3),), {}),
    ("cofactors", ((3, 3),), {}),
]  # fmt: skip


@pytest.fixture
def rng():
    return np.random.default_rng(20240229)


def draw(rng, shape):
    """Standard normal numbers; square matrices are moved away from singular ones."""
    x = rng.standard_normal(shape)
    return x + 3 * np.eye(shape[-1]) if len(shape) > 1 and shape[-1] == shape[-2] else x


def cotangents(record, ct, out, inputs, params):
    if isinstance(record, General):
        return [rule(ct, out, *inputs, **params) for rule in record.vjps]
    return [rule(ct, *inputs, **params) for rule in record.transposes]


def tangent(record, out, inputs, tangents, params):
    if isinstance(record, General):
        return record.jvp(tangents, out, *inputs, **params)
    if isinstance(record, Linear):
        return record(*tangents, **params)
    assert isinstance(record, Bilinear)
    (x, y), (tx, ty) = inputs, tangents
    return record(tx, y, **params) + record(x, ty, **params)


@pytest.mark.parametrize(("name", "shapes", "params"), RECORDS)
def test_derivatives_and_shapes(name, shapes, params, rng):
    record = REGISTRY[name]
    inputs = [draw(rng, shape) for shape in shapes]
    out = record(*inputs, **params)
    inferred = record.infer_avals(*map(aval_of, inputs), **params)
    assert (inferred.shape, inferred.dtype) == (out.shape, out.dtype)
    ct = rng.standard_normal(out.shape)
    tangents = [rng.standard_normal(shape) for shape in shapes]
    pulled = cotangents(record, ct, out, inputs, params)
    assert [p.shape for p in pulled] == [tuple(shape) for shape in shapes]
    pushed = tangent(record, out, inputs, tangents, params)
    products = [np.sum(p * t) for p, t in zip(pulled, tangents, strict=True)]
    np.testing.assert_allclose(np.sum(products), np.sum(ct * pushed), rtol=1e-10, atol=1e-12)
    ahead = record(*(x + STEP * t for x, t in zip(inputs, tangents, strict=True)), **params)
    behind = record(*(x - STEP * t for x, t in zip(inputs, tangents, strict=True)), **params)
    np.testing.assert_allclose(pushed, (ahead - behind) / (2 * STEP), rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("name", "shapes", "params"), RECORDS)
def test_batch_rules_against_a_loop(name, shapes, params, rng):
    record, size = REGISTRY[name], 3
    for mask in range(1, 2 ** len(shapes)):
        batched = [bool(mask >> i & 1) for i in range(len(shapes))]
        inputs = [
            draw(rng, (size, *shape) if b else shape)
            for shape, b in zip(shapes, batched, strict=True)
        ]
        out = record.batch(inputs, batched, size, **params)
        each = [
            record(*(x[i] if b else x for x, b in zip(inputs, batched, strict=True)), **params)
            for i in range(size)
        ]
        assert out.shape == np.shape(each)
        np.testing.assert_allclose(out, each, rtol=1e-10, atol=1e-12)


def test_matmul_keeps_integers():
    x = np.arange(6, dtype=np.int32).reshape(2, 3)
    out = linalg.matmul(x, x.T)
    assert out.dtype == np.int32
    np.testing.assert_array_equal(out, x @ x.T)


def test_matmul_errors():
    with speaking("en"), pytest.raises(ShapeError) as caught:
        linalg.matmul(np.ones((2, 4), np.float32), np.ones((3, 4), np.float32))
    assert str(caught.value) == (
        "matmul: inner sizes differ, 4 and 3\n"
        "  x   (2, 4) float32\n"
        "  y   (3, 4) float32\n"
        "  rule (n, k) @ (k, m) -> (n, m)\n"
        "\n"
        "hint: `y` looks transposed: `x @ y.T` fits"
    )
    with speaking("ko"), pytest.raises(ShapeError, match="안쪽 크기가 4와 3으로 다릅니다"):
        linalg.matmul(np.ones((2, 4)), np.ones((3, 5)))
    for x, y in (((3,), (4,)), ((), (3,)), ((5, 2, 3), (4, 3, 2)), ((2, 3), (4,))):
        with pytest.raises(ShapeError):
            linalg.matmul(np.ones(x), np.ones(y))


@pytest.mark.parametrize(
    ("spec", "shapes"),
    [
        ("ij,jk", [(2, 3), (3, 4)]),
        ("ba", [(2, 3)]),
        ("ii", [(3, 3)]),
        ("i...->...", [(3, 4)]),
        ("...ij,...jk->...ik", [(5, 2, 3), (3, 4)]),
        ("...i,...i", [(5, 3), (2, 1, 3)]),
        ("ij,ij->i", [(2, 3), (1, 3)]),
        ("ab,bc,cd->ad", [(2, 3), (3, 4), (4, 5)]),
        ("ab,bc,cd,de", [(2, 3), (3, 4), (4, 5), (5, 2)]),
        ("a,b,c->", [(2,), (3,), (4,)]),
        ("...a,...b,c->...ab", [(2, 3), (1, 4), (5,)]),
        ("ij , jk -> ki", [(2, 3), (3, 4)]),
    ],
)
def test_einsum_reads_subscripts_as_numpy(spec, shapes, rng):
    xs = [rng.standard_normal(shape) for shape in shapes]
    expected = np.einsum(spec, *xs)
    out = einsum(spec, *xs)
    assert out.shape == expected.shape
    np.testing.assert_allclose(out, expected, rtol=1e-13)


@pytest.mark.parametrize(
    ("spec", "shapes", "problem"),
    [
        ("ij,jk", [(2, 3), (4, 4)], "label 'j' has sizes 3 and 4"),
        ("ij", [(2, 3, 4)], "'ij' names 2 axes, the operand has 3"),
        ("i1", [(2, 3)], "not made of letters"),
        ("ij->k", [(2, 3)], "label 'k' must occur"),
        ("ij->ii", [(2, 3)], "label 'i' must occur once"),
        ("...i->i", [(2, 3)], "must name `...`"),
        ("ij,jk", [(2, 3)], "2 operands are named, 1 were given"),
        ("ii", [(1, 3)], "label 'i' has sizes 1 and 3"),
    ],
)
def test_einsum_errors(spec, shapes, problem):
    with speaking("en"), pytest.raises(ShapeError, match=problem):
        einsum(spec, *map(np.ones, shapes))


def test_einsum_text_is_a_matrix_product_where_it_is_one():
    record = REGISTRY["einsum"]
    text = {spec: record.numpy_text(("x", "y"), {"spec": spec}) for spec, *_ in PAIRS}
    assert text["ij,kj->ik"] == "x @ y.T"
    assert text["ji,bkj->bik"] == "x.T @ y.swapaxes(-1, -2)"
    assert text["i,j->ij"] == "np.einsum('i,j->ij', x, y)"


def test_products_as_numpy(rng):
    shapes = [(), (3,), (3, 3), (2, 3, 3)]
    for a in shapes:
        for b in shapes:
            x, y = rng.standard_normal(a), rng.standard_normal(b)
            np.testing.assert_allclose(linalg.dot(x, y), np.dot(x, y), rtol=1e-13)
            np.testing.assert_allclose(linalg.inner(x, y), np.inner(x, y), rtol=1e-13)
            np.testing.assert_allclose(linalg.outer(x, y), np.outer(x, y), rtol=1e-13)
            np.testing.assert_allclose(linalg.kron(x, y), np.kron(x, y), rtol=1e-13)
    x, y = rng.standard_normal((2, 3, 3)), rng.standard_normal((3, 3, 2))
    for axes in (0, 1, 2, ((1, 2), (0, 1)), (0, 2), ([-1], [0])):
        expected = np.tensordot(x, y, axes)
        np.testing.assert_allclose(linalg.tensordot(x, y, axes), expected, rtol=1e-12)
    np.testing.assert_allclose(linalg.trace(x, 1, 1, 2), np.trace(x, 1, 1, 2))
    np.testing.assert_allclose(linalg.vecdot(x, x[0]), np.vecdot(x, x[0]), rtol=1e-13)
    for n in (0, 1, 2, 3, 7, -2):
        expected = np.linalg.matrix_power(x, n)
        np.testing.assert_allclose(linalg.matrix_power(x, n), expected, rtol=1e-8)
    for sizes in ((2, 30, 3, 4, 2), (10, 2, 30, 3)):
        chain = [rng.standard_normal(s) for s in pairwise(sizes)]
        for xs in (chain, [chain[0][0], *chain[1:]], [*chain[:-1], chain[-1][:, 0]]):
            expected = np.linalg.multi_dot(xs)
            np.testing.assert_allclose(linalg.multi_dot(xs), expected, rtol=1e-10)


@pytest.mark.parametrize("order", [None, 1, 2, 3, 0.5, -1.5, -2, 0, np.inf, -np.inf])
def test_vector_norms_as_numpy(order, rng):
    x = rng.standard_normal((4, 5))
    for options in ({"axis": 1}, {"axis": 0, "keepdims": True}):
        expected = np.linalg.norm(x, order, **options)
        np.testing.assert_allclose(norm.norm(x, order, **options), expected, rtol=1e-12)
    np.testing.assert_allclose(norm.norm(x[0], order), np.linalg.norm(x[0], order), rtol=1e-12)


@pytest.mark.parametrize("order", [None, "fro", 1, -1, np.inf, -np.inf])
def test_matrix_norms_as_numpy(order, rng):
    x = rng.standard_normal((2, 4, 5))
    for options in ({"axis": (1, 2)}, {"axis": (2, 0), "keepdims": True}):
        expected = np.linalg.norm(x, order, **options)
        np.testing.assert_allclose(norm.norm(x, order, **options), expected, rtol=1e-12)


def test_norm_neither_overflows_nor_vanishes():
    for scale in (1e200, 1e-200, 1e-320, 1.0, 1e307):
        x = np.array([3.0, 4.0]) * scale
        out = norm.norm(x)
        np.testing.assert_allclose(out, 5 * scale, rtol=1e-3 if scale == 1e-320 else 1e-15)
        (dx,) = cotangents(REGISTRY["euclidean_norm"], 1.0, out, [x], NORM)
        np.testing.assert_allclose(dx, [0.6, 0.8], rtol=1e-3 if scale == 1e-320 else 1e-15)
        np.testing.assert_allclose(norm.vector_norm(x, 3) / scale, 91 ** (1 / 3), rtol=1e-3)
    assert norm.norm(np.array([3e38, 4e30], np.float32)).dtype == np.float32
    assert norm.norm(np.array([np.inf, 1.0])) == np.inf
    assert norm.norm(np.array([3, 4])) == 5
    assert norm.norm(np.zeros(0)) == 0


NORM = {"axis": None, "keepdims": False}


def test_norm_of_nothing_has_no_slope():
    x = np.zeros(3)
    (dx,) = cotangents(REGISTRY["euclidean_norm"], 1.0, norm.norm(x), [x], NORM)
    np.testing.assert_array_equal(dx, 0)


def test_norm_errors():
    for order in (3, "max"):
        with pytest.raises(OptionError):
            norm.norm(np.ones((2, 2)), order)
    with pytest.raises(OptionError):
        norm.norm(np.ones(2), "fro")
    with pytest.raises(ShapeError):
        norm.norm(np.ones((2, 2, 2)), 1)


def test_solve_vectors_and_determinants(rng):
    x, y = draw(rng, (2, 3, 3)), rng.standard_normal(3)
    np.testing.assert_allclose(solve.solve(x, y), np.linalg.solve(x, y))
    sign, size = solve.slogdet(-x)
    np.testing.assert_allclose(sign * np.exp(size), np.linalg.det(-x))
    with pytest.raises(ShapeError):
        solve.solve(np.ones((2, 3)), y)
    with pytest.raises(np.linalg.LinAlgError):
        solve.inv(np.ones((2, 2)))


def test_determinant_of_a_singular_matrix_has_a_gradient():
    x = np.array([[1.0, 2.0], [2.0, 4.0]])
    np.testing.assert_allclose(solve.cofactors(x), [[4, -2], [-2, 1]], atol=1e-14)


@pytest.mark.parametrize("upper", [False, True])
def test_cholesky(upper, rng):
    root = draw(rng, (2, 3, 3))
    x = root @ root.mT
    out = solve.cholesky(x, upper=upper)
    np.testing.assert_allclose(out, np.linalg.cholesky(x, upper=upper))
    record, params = REGISTRY["cholesky"], {"upper": upper}
    t = rng.standard_normal(x.shape)
    ct = rng.standard_normal(x.shape)
    pushed = record.jvp([t], out, x, **params)
    ahead, behind = (solve.cholesky(x + s * t, upper=upper) for s in (STEP, -STEP))
    np.testing.assert_allclose(pushed, (ahead - behind) / (2 * STEP), atol=1e-7)
    (dx,) = cotangents(record, ct, out, [x], params)
    np.testing.assert_allclose(np.sum(dx * t), np.sum(ct * pushed))
    np.testing.assert_allclose(dx, dx.mT)
