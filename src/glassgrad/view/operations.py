"""How many arithmetic operations an equation takes, by the kind of its primitive.

Layer L8. Every function of a scalar formula counts one, `exp` as much as `+`; moving numbers
counts nothing. A library's own algorithm may differ by lower orders.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from glassgrad.core.formula import Expr, Formula
from glassgrad.core.primitive import Bilinear, Elementwise, Linear
from glassgrad.graph.ir import Eqn, Graph


def operations(eqn: Eqn) -> int:
    """The operations of one run of an equation, inner graphs included.

    >>> from glassgrad.graph.trace import trace
    >>> import numpy as np
    >>> graph = trace(lambda x, W: np.tanh(x @ W), np.ones((2, 3)), np.ones((3, 4)))
    >>> [operations(eqn) for eqn in graph.eqns]
    [48, 8]
    """
    if eqn.graphs:
        # Of branches one is taken: the dearer one is counted.
        inner = max(sum(map(operations, graph.eqns)) for graph in graphs_that_run(eqn))
        return inner * int(eqn.params.get("length", 1))
    if eqn.primitive.name in _KERNELS:
        return _KERNELS[eqn.primitive.name](eqn)
    if isinstance(eqn.primitive, Elementwise):
        return size_of(eqn) * formula_size(eqn.primitive.parsed)
    if isinstance(eqn.primitive, Linear):
        return 0
    if isinstance(eqn.primitive, Bilinear):
        return 2 * size_of(eqn)
    return largest(eqn)  # a reduction goes through its operand once


def graphs_that_run(eqn: Eqn) -> tuple[Graph, ...]:
    """The inner graphs that run: of a hand-written gradient the forward one alone."""
    return eqn.graphs[:1] if eqn.primitive.name == "custom_gradient" else eqn.graphs


def formula_size(formula: Formula) -> int:
    """The functions of a scalar formula."""
    return sum(map(_nodes, [*(step for _, step in formula.steps), formula.result]))


def _nodes(expr: Expr) -> int:
    return (expr.op not in ("number", "variable")) + sum(map(_nodes, expr.args))


def size_of(eqn: Eqn) -> int:
    """Elements of all results."""
    return sum(var.aval.size for var in eqn.outputs)


def largest(eqn: Eqn) -> int:
    """Elements of the largest operand, of the result where there are none."""
    return max((atom.aval.size for atom in eqn.inputs), default=size_of(eqn))


# --- big kernels -------------------------------------------------------------------------


def _matmul(eqn: Eqn) -> int:
    return 2 * size_of(eqn) * eqn.inputs[0].aval.shape[-1]


def _einsum(eqn: Eqn) -> int:
    """A product and a sum for each combination of all labels."""
    terms = eqn.params["spec"].partition("->")[0].split(",")
    sizes: dict[str, int] = {}
    for term, atom in zip(terms, eqn.inputs, strict=True):
        sizes.update(zip(term, atom.aval.shape, strict=True))
    return len(terms) * math.prod(sizes.values())


def _convolution(reads: int) -> Callable[[Eqn], int]:
    """A product and a sum for each output and each place of its kernels: 2 n out o (c / groups) k.

    reads: which operand has one element an output, -1 for the result
    """

    def count(eqn: Eqn) -> int:
        outputs = eqn.outputs[0].aval if reads < 0 else eqn.inputs[reads].aval
        kernels = (eqn.outputs[0] if reads == 1 else eqn.inputs[1]).aval
        places: int = math.prod(kernels.shape[1:])
        return 2 * outputs.size * places

    return count


def _pool(windows: Callable[[Eqn], int]) -> Callable[[Eqn], int]:
    """One for each element of every window; there are as many windows as pooled elements."""
    return lambda eqn: windows(eqn) * math.prod(eqn.params["size"])


def _sum(eqn: Eqn) -> int:
    return largest(eqn) - size_of(eqn)


def _first(times: int) -> Callable[[Eqn], int]:
    """So many for each element of the first operand."""
    return lambda eqn: times * eqn.inputs[0].aval.size


def _second(eqn: Eqn) -> int:
    """One comparison for each value."""
    return eqn.inputs[1].aval.size


def _sort(eqn: Eqn) -> int:
    """n log₂ n comparisons."""
    return round(largest(eqn) * math.log2(max(eqn.inputs[0].aval.shape, default=1) or 1))


def _nothing(eqn: Eqn) -> int:
    """Numbers are only moved, or drawn by integer arithmetic."""
    return 0


def _cubic(share: float) -> Callable[[Eqn], int]:
    """`share` · n³ for each matrix of a stack."""

    def count(eqn: Eqn) -> int:
        shape = eqn.inputs[0].aval.shape
        return round(share * math.prod(shape[:-2]) * shape[-1] ** 3)

    return count


def _solve(eqn: Eqn) -> int:
    """Elimination, then two triangular solves for each column (Golub & Van Loan, table 3.2.1)."""
    n = eqn.inputs[0].aval.shape[-1]
    return _cubic(2 / 3)(eqn) + 2 * n * size_of(eqn)


# The kernels whose count does not follow from their kind: their work is not in a formula.
_KERNELS: dict[str, Callable[[Eqn], int]] = {
    "matmul": _matmul,
    "einsum": _einsum,
    "einsum_of_one": _einsum,
    "convolution": _convolution(-1),
    "convolution_input": _convolution(0),
    "convolution_weight": _convolution(1),
    **dict.fromkeys(("max_pool", "max_pool_take", "average_pool"), _pool(size_of)),
    **dict.fromkeys(("max_pool_input", "average_pool_input"), _pool(_first(1))),
    "fold": _first(1),
    "sum": _sum,
    "cumsum": _first(1),
    "add_at": _first(1),
    **dict.fromkeys(("max_at", "min_at"), _second),
    "add_along_axis": _first(1),
    "linear_recurrence": _first(2),
    "euclidean_norm": _first(2),
    "logcumsumexp": _first(4),
    "log_softmax": _first(5),  # maximum, shift, exp, sum, shift
    "argsort": _sort,
    "solve": _solve,
    "inv": _cubic(2),
    "det": _cubic(2 / 3),
    "det_sign": _cubic(2 / 3),
    "log_abs_det": _cubic(2 / 3),
    "cofactors": _cubic(2),
    "cholesky": _cubic(1 / 3),
    # Golub & Van Loan, sections 5.2, 8.3 and 8.6: QR, a symmetric QR with vectors, an SVD.
    "orthogonal_factor": _cubic(8 / 3),
    **dict.fromkeys(("eigenvalues", "eigenvectors"), _cubic(9)),
    **dict.fromkeys(("singular_values", "left_vectors", "right_vectors"), _cubic(21)),
    **dict.fromkeys(("gather", "index_set"), _nothing),
    **dict.fromkeys(("random_bits", "random_uniform", "random_normal"), _nothing),
    **dict.fromkeys(("random_bernoulli", "random_permutation", "fold_in"), _nothing),
}
