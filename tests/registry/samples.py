"""One entry per primitive: the operands and parameters on which the generated suite tries it.

Elementwise primitives are drawn from their own `domain`, with shapes that cover broadcasting, 0-d
and empty arrays; the others list their samples here. A primitive without an entry fails the suite.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.core.primitive import REGISTRY, Elementwise, Primitive
from registry.windowed import WINDOWED

FLOAT64, FLOAT32 = np.dtype(np.float64), np.dtype(np.float32)


@dataclass(frozen=True)
class Sample:
    """A call of a primitive: arrays by position, parameters by keyword."""

    name: str
    inputs: tuple[Any, ...]
    params: dict[str, Any] = field(default_factory=dict)
    note: str = ""

    @property
    def primitive(self) -> Primitive:
        return REGISTRY[self.name]

    def __str__(self) -> str:
        shapes = ",".join(str(np.shape(x)).replace(" ", "") for x in self.inputs)
        return f"{self.name}{self.note and '-' + self.note}-{shapes}"


def _generator(name: str) -> np.random.Generator:
    return np.random.default_rng([*name.encode()])


# --- elementwise: drawn from the domain --------------------------------------------------

_SHAPES: dict[int, list[tuple[tuple[int, ...], ...]]] = {
    1: [((),), ((4,),), ((2, 3),), ((0, 3),)],
    2: [((), ()), ((4,), (4,)), ((3, 1), (4,)), ((2, 3), ()), ((0, 3), (3,))],
    3: [((4,), (4,), (4,)), ((3, 1), (4,), ()), ((0,), (1,), ())],
}
_INTEGER = {
    "bitwise_and", "bitwise_or", "bitwise_xor", "invert", "left_shift", "right_shift",
}  # fmt: skip


def _elementwise(primitive: Elementwise) -> Iterator[Sample]:
    rng = _generator(primitive.name)
    for shapes in _SHAPES[len(primitive.operands)]:
        inputs = []
        for operand, shape, (low, high) in zip(
            primitive.operands, shapes, primitive.domain, strict=True
        ):
            if operand == "condition":
                inputs.append(rng.random(shape) < 0.5)
            elif primitive.name in _INTEGER:
                inputs.append(np.asarray(rng.integers(0, 5, shape)))
            else:
                inputs.append(np.asarray(rng.uniform(low, high, shape)))
        yield Sample(primitive.name, tuple(inputs))


# --- the others --------------------------------------------------------------------------

Make = Callable[[np.random.Generator], list[tuple[Any, ...]]]


def _x(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape)


def _apart(rng: np.random.Generator, *shape: int) -> np.ndarray:
    """Distinct values, so that no maximum is near a tie."""
    return rng.permutation(int(np.prod(shape))).reshape(shape) * 0.37 - 2.0


def _positive_definite(rng: np.random.Generator, *shape: int) -> np.ndarray:
    a = rng.standard_normal(shape)
    return a @ a.swapaxes(-1, -2) + np.eye(shape[-1])


def _well(rng: np.random.Generator, *shape: int) -> np.ndarray:
    return rng.standard_normal(shape) + 3 * np.eye(shape[-1])


def _axes(shape: tuple[int, ...]) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = [{"axis": None, "keepdims": False}]
    for axis in range(len(shape)):
        listed += [{"axis": (axis,), "keepdims": k} for k in (False, True)]
    return listed


def _reduction(make: Callable[..., np.ndarray]) -> Make:
    return lambda rng: [
        (make(rng, *shape), params)
        for shape in ((4,), (2, 3), (2, 3, 2))
        for params in _axes(shape)
    ]


def _place_axis(make: Callable[..., np.ndarray]) -> Make:
    return lambda rng: [(make(rng, 2, 4), {"axis": axis}) for axis in (0, 1)]


KEY = np.array([7, 11], np.uint32)
STEP = np.asarray(3)
SLICES = ((("slice", None, None, -2), "..."), (1,), ("...", None, ("slice", 0, 2, None)))

SAMPLES: dict[str, Make] = {
    # shape
    "reshape": lambda r: [
        (_x(r, 2, 6), {"shape": (3, 4)}),
        (_x(r, 4), {"shape": (2, 1, 2)}),
        (_x(r, 0, 2), {"shape": (0,)}),
    ],
    "permute_dims": lambda r: [
        (_x(r, 2, 3), {"axes": (1, 0)}),
        (_x(r, 2, 3, 4), {"axes": (2, 0, 1)}),
    ],
    "expand_dims": lambda r: [(_x(r, 2, 3), {"axis": (1,)}), (_x(r), {"axis": (0,)})],
    "squeeze": lambda r: [(_x(r, 2, 1, 3), {"axis": (1,)}), (_x(r, 1, 1), {"axis": (0, 1)})],
    "broadcast_to": lambda r: [
        (_x(r, 3), {"shape": (2, 3)}),
        (_x(r, 3, 1), {"shape": (2, 3, 4)}),
        (_x(r), {"shape": (2, 2)}),
    ],
    "astype": lambda r: [(_x(r, 3), {"dtype": FLOAT64}), (np.arange(3), {"dtype": FLOAT64})],
    "concat": lambda r: [
        (_x(r, 2, 3), _x(r, 1, 3), {"axis": 0}),
        (_x(r, 2, 1), _x(r, 2, 2), {"axis": 1}),
        (_x(r, 2), {"axis": 0}),
    ],
    "stack": lambda r: [(_x(r, 2, 3), _x(r, 2, 3), {"axis": 0}), (_x(r, 2), _x(r, 2), {"axis": 1})],
    "pad": lambda r: [(_x(r, 2, 3), {"widths": ((1, 0), (2, 1))})],
    "tril": lambda r: [(_x(r, 3, 4), {"k": 0}), (_x(r, 2, 3, 3), {"k": -1})],
    "triu": lambda r: [(_x(r, 3, 4), {"k": 1}), (_x(r, 2, 3, 3), {"k": 0})],
    "diagonal": lambda r: [(_x(r, 3, 4), {"k": 1}), (_x(r, 2, 3, 3), {"k": 0})],
    "diag_embed": lambda r: [
        (_x(r, 3), {"k": 1, "shape": (4, 4)}),
        (_x(r, 2, 3), {"k": 0, "shape": (3, 3)}),
    ],
    # index
    "getitem": lambda r: [(_x(r, 5, 3), {"index": index}) for index in SLICES],
    "place": lambda r: [
        (_x(r, 3), {"index": (1,), "shape": (4, 3)}),
        (_x(r, 2, 3), {"index": (("slice", 0, 4, 2),), "shape": (4, 3)}),
    ],
    "gather": lambda r: [
        (_x(r, 5, 3), np.array([0, 4, 0]), {"index": (("array", 0),)}),
        (
            _x(r, 4, 3),
            np.array([[0], [3]]),
            np.array([1, 2]),
            {"index": (("array", 0), ("array", 1))},
        ),
    ],
    "add_at": lambda r: [
        (_x(r, 3, 2), np.array([0, 4, 0]), {"index": (("array", 0),), "shape": (5, 2)})
    ],
    "index_set": lambda r: [
        (_x(r, 4, 3), _x(r, 3), {"index": (2,)}),
        (_x(r, 4, 3), _x(r, 2, 1), np.array([3, 1]), {"index": (("array", 0),)}),
    ],
    "take_along_axis": lambda r: [(_x(r, 4, 3), np.array([[0, 1, 3], [2, 2, 0]]), {"axis": 0})],
    "add_along_axis": lambda r: [
        (_x(r, 2, 3), np.array([[0, 1, 3], [2, 1, 0]]), {"axis": 0, "size": 4})
    ],
    "pick": lambda r: [
        (_x(r, 4, 3), np.array([2, 0, 1, 1]), {}),
        (_x(r, 0, 3), np.zeros(0, np.int64), {}),
    ],
    "unpick": lambda r: [
        (_x(r, 4), np.array([2, 0, 1, 1]), {"k": 3}),
        (_x(r), np.array([2, 0]), {"k": 3}),
    ],
    # reductions
    "sum": _reduction(_x),
    "max": _reduction(_apart),
    "min": _reduction(_apart),
    "prod": _reduction(_x),
    "any": _reduction(lambda r, *s: r.random(s) < 0.4),
    "all": _reduction(lambda r, *s: r.random(s) < 0.6),
    "argmax": lambda r: [
        (_apart(r, 2, 4), {"axis": a, "keepdims": False}) for a in (None, (0,), (1,))
    ],
    "argmin": lambda r: [
        (_apart(r, 2, 4), {"axis": a, "keepdims": False}) for a in (None, (0,), (1,))
    ],
    "argsort": _place_axis(_apart),
    "cumsum": _place_axis(_x),
    "cumprod": _place_axis(_x),
    "cummax": _place_axis(_apart),
    "cummin": _place_axis(_apart),
    "logcumsumexp": _place_axis(_x),
    "linear_recurrence": lambda r: [(_x(r, 2, 4), _x(r, 2, 4), {"axis": a}) for a in (0, 1)],
    "euclidean_norm": _reduction(_x),
    # products and systems
    "matmul": lambda r: [
        (_x(r, *a), _x(r, *b), {})
        for a, b in (
            ((3,), (3,)),
            ((2, 3), (3,)),
            ((3,), (3, 2)),
            ((2, 3), (3, 4)),
            ((5, 2, 3), (3, 4)),
            ((5, 1, 2, 3), (4, 3, 2)),
            ((3,), (2, 3, 4)),
            ((2, 3, 4), (4,)),
            ((0, 3), (3, 2)),
            ((2, 0), (0, 3)),
        )
    ],
    "einsum": lambda r: [
        (_x(r, 2, 3), _x(r, 3, 4), {"spec": "ab,bc->ac"}),
        (_x(r, 2, 3), _x(r, 2, 3), {"spec": "ab,ab->a"}),
    ],
    "einsum_of_one": lambda r: [(_x(r, 3, 3), {"spec": "aa->a"}), (_x(r, 2, 3), {"spec": "ab->b"})],
    "inv": lambda r: [(_well(r, 3, 3), {}), (_well(r, 2, 2, 2), {})],
    "solve": lambda r: [(_well(r, 3, 3), _x(r, 3, 2), {})],
    "cofactors": lambda r: [(_well(r, 3, 3), {}), (_well(r, 2, 2), {})],
    "det": lambda r: [(_well(r, 3, 3), {}), (_well(r, 2, 2, 2), {})],
    "det_sign": lambda r: [(_well(r, 3, 3), {})],
    "log_abs_det": lambda r: [(_well(r, 3, 3), {})],
    "cholesky": lambda r: [(_positive_definite(r, 3, 3), {"upper": u}) for u in (False, True)],
    # random
    "random_uniform": lambda r: [(KEY, STEP, {"address": 5, "shape": (3, 2), "dtype": FLOAT64})],
    "random_normal": lambda r: [(KEY, STEP, {"address": 5, "shape": (3, 2), "dtype": FLOAT64})],
    "random_bernoulli": lambda r: [(KEY, STEP, np.asarray(0.4), {"address": 5, "shape": (3, 2)})],
    "random_permutation": lambda r: [(KEY, STEP, {"address": 5, "n": 7})],
    "random_bits": lambda r: [
        (KEY, STEP, {"address": 5, "shape": (3, 2), "dtype": np.dtype(np.uint32)})
    ],
    "fold_in": lambda r: [(KEY, np.asarray(4), {})],
    "log_softmax": lambda r: [(_x(r, 2, 4), {"axis": a}) for a in (0, 1)],
    **WINDOWED,
}

# Operands that are constants by definition: no derivative is offered or tried.
CONSTANT_OPERANDS = {"hurwitz_zeta": (0,)}
# Primitives that hold inner graphs are tried through the functions that record them.
HIGHER_ORDER = {"scan", "cond", "checkpoint", "custom_gradient"}
# Registered by documentation examples, not by the package.
FOREIGN = {name for name in ("doc_isru", "isru") if name in REGISTRY}


def names() -> list[str]:
    """Every primitive of the package that is tried on arrays."""
    return [name for name in REGISTRY if name not in HIGHER_ORDER | FOREIGN]


def samples(name: str) -> list[Sample]:
    """All samples of one primitive."""
    primitive = REGISTRY[name]
    if isinstance(primitive, Elementwise):
        return list(_elementwise(primitive))
    rows = SAMPLES[name](_generator(name))
    return [Sample(name, row[:-1], row[-1], str(i)) for i, row in enumerate(rows)]


def all_samples() -> list[Sample]:
    return [sample for name in names() if _has_entry(name) for sample in samples(name)]


def _has_entry(name: str) -> bool:
    return isinstance(REGISTRY[name], Elementwise) or name in SAMPLES
