"""Sums of products over labelled axes: `einsum`, planned into products of two.

Layer L2. A subscript string is made explicit first: ellipses become letters, an implicit result
is written out, and an axis of size 1 that stands against a larger one is dropped. What is recorded
then has exact sizes and one letter an axis, so a transpose is a change of subscripts.
"""

from __future__ import annotations

import string
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from glassgrad.core.aval import Aval, Shape, aval_of, result_dtype
from glassgrad.core.interpret import arrays_of, bind
from glassgrad.core.primitive import Bilinear, Linear
from glassgrad.core.region import composite
from glassgrad.errors import ShapeError
from glassgrad.primitives.arithmetic import where
from glassgrad.primitives.layout import broadcast_to, expand_dims, squeeze
from glassgrad.text import say

LETTERS = string.ascii_lowercase + string.ascii_uppercase


def einsum(subscripts: str, *xs: Any) -> Any:
    """Products of elements, summed over every label that the result does not name.

    Formula:   einsum("ij,jk->ik", x, y)[i, k] = sum_j x[i, j] y[j, k]
    Gradient:  of one operand: einsum with that operand's labels and the result's exchanged
    Numerics:  more than two operands are contracted in pairs, in the order NumPy plans
    Raises:    ShapeError if labels and axes do not match, or one label has two sizes
    """
    xs = arrays_of(*xs)
    try:
        terms, out = _explicit(subscripts, [aval_of(x).shape for x in xs])
        sizes = _sizes(terms, [aval_of(x).shape for x in xs], stretch=True)
    except ShapeError as error:
        raise error.at(f"einsum {subscripts!r}") from None
    pairs = [_drop_stretched(x, term, sizes) for x, term in zip(xs, terms, strict=True)]
    if len(pairs) == 1:
        return _single(*pairs[0], out)
    if len(pairs) == 2:  # noqa: PLR2004
        return _pair(*pairs[0], *pairs[1], out)
    return _einsum_of_many(pairs, out)


def _drop_stretched(x: Any, term: str, sizes: Mapping[str, int]) -> tuple[Any, str]:
    shape = aval_of(x).shape
    dropped = tuple(i for i, label in enumerate(term) if shape[i] != sizes[label])
    if not dropped:
        return x, term
    return squeeze(x, dropped), "".join(c for i, c in enumerate(term) if i not in dropped)


@composite
def _einsum_of_many(pairs: list[tuple[Any, str]], out: str) -> Any:
    stand_ins = [np.broadcast_to(np.float32(0), aval_of(x).shape) for x, _ in pairs]
    spec = ",".join(term for _, term in pairs) + "->" + out
    path: Any = np.einsum_path(spec, *stand_ins, optimize="greedy")[0][1:]
    for step in path:
        chosen = [pairs.pop(i) for i in sorted(step, reverse=True)]
        while len(chosen) > 1:
            (x, a), (y, b) = chosen.pop(), chosen.pop()
            waiting = out + "".join(term for _, term in [*pairs, *chosen])
            last = not pairs and not chosen
            kept = out if last else "".join(c for c in _unique(a + b) if c in waiting)
            chosen.append((_pair(x, a, y, b, kept), kept))
        pairs += chosen
    ((x, term),) = pairs
    return x if term == out else _single(x, term, out)


# --- reading subscripts ------------------------------------------------------------------


def _explicit(subscripts: str, shapes: Sequence[Shape]) -> tuple[list[str], str]:
    """One letter per axis for each operand, and the letters of the result."""
    left, arrow, right = subscripts.replace(" ", "").partition("->")
    terms = left.split(",")
    if len(terms) != len(shapes):
        problem = say("{a} operands are named, {b} were given", a=len(terms), b=len(shapes))
        raise ShapeError(problem)
    for term in [*terms, right]:
        if term.replace("...", "", 1).strip(LETTERS):
            raise ShapeError(say("{term!r} is not made of letters and one `...`", term=term))
    free = [c for c in LETTERS if c not in subscripts]
    counts = [_hidden_axes(term, shape) for term, shape in zip(terms, shapes, strict=True)]
    hidden = "".join(free[: max(counts)])
    terms = [
        term.replace("...", hidden[len(hidden) - n :])
        for term, n in zip(terms, counts, strict=True)
    ]
    if not arrow:
        labels = "".join(terms)
        return terms, hidden + "".join(
            sorted(c for c in set(labels) if labels.count(c) == 1 and c not in hidden)
        )
    if hidden and "..." not in right:
        raise ShapeError(say("the result must name `...` too"))
    out = right.replace("...", hidden)
    for label in out:
        if out.count(label) > 1 or not any(label in term for term in terms):
            problem = say("the result's label {label!r} must occur once in it and in an operand",
                          label=label)  # fmt: skip
            raise ShapeError(problem)
    return terms, out


def _hidden_axes(term: str, shape: Shape) -> int:
    """How many axes `...` stands for."""
    named = len(term.replace("...", ""))
    if named > len(shape) or (named < len(shape) and "..." not in term):
        problem = say(
            "{term!r} names {a} axes, the operand has {b}", term=term, a=named, b=len(shape)
        )
        raise ShapeError(problem)
    return len(shape) - named


def _sizes(terms: Sequence[str], shapes: Sequence[Shape], stretch: bool = False) -> dict[str, int]:
    """The size of each label; with `stretch` an operand's 1 may stand against another's size."""
    sizes: dict[str, int] = {}
    for term, shape in zip(terms, shapes, strict=True):
        own: dict[str, int] = {}
        for label, size in zip(term, shape, strict=True):
            within = own.setdefault(label, size)
            known = sizes.setdefault(label, size) if within == size else within
            if size != known and (within != size or not stretch or 1 not in (size, known)):
                problem = say("label {label!r} has sizes {a} and {b}", label=label, a=known, b=size)
                raise ShapeError(problem, rule=say("one label, one size"))
            sizes[label] = known if size == 1 else size
    return sizes


def _unique(labels: str) -> str:
    return "".join(dict.fromkeys(labels))


def _split(spec: str) -> tuple[list[str], str]:
    left, _, out = spec.partition("->")
    return left.split(","), out


def _infer(*avals: Aval, spec: str) -> Aval:
    terms, out = _split(spec)
    sizes = _sizes(terms, [aval.shape for aval in avals])
    return Aval(tuple(sizes[label] for label in out), result_dtype(*avals))


def _with_batch(spec: str, batched: Sequence[bool]) -> str:
    """The subscripts with a new label in front of the batched operands and the result."""
    terms, out = _split(spec)
    label = next(c for c in LETTERS if c not in spec)
    marked = [label + term if b else term for term, b in zip(terms, batched, strict=True)]
    return f"{','.join(marked)}->{label}{out}"


# --- one operand -------------------------------------------------------------------------


def _single_transpose(ct: Any, x: Any, *, spec: str) -> Any:
    (term,), out = _split(spec)
    kept = "".join(label for label in _unique(term) if label in out)
    return _spread(ct if kept == out else _single(ct, out, kept), kept, term, tuple(x.shape))


def _spread(value: Any, labels: str, target: str, shape: Shape) -> Any:
    """Undo the sums and diagonals of `target -> labels`: repeat along what was summed, and put
    what was a diagonal back onto it, zeros elsewhere. `labels` are in the order of `target`."""
    if labels == target:
        return value
    sizes = dict(zip(target, shape, strict=True))
    unique = _unique(target)
    if unique != labels:
        value = expand_dims(value, tuple(i for i, c in enumerate(unique) if c not in labels))
        value = broadcast_to(value, tuple(sizes[c] for c in unique))
    for i, label in enumerate(target):
        first = target.index(label)
        if first < i:
            value = expand_dims(value, i)
            ends = {first: sizes[label], i: sizes[label]}
            on_diagonal = np.eye(sizes[label], dtype=bool)
            mask = on_diagonal.reshape([ends.get(axis, 1) for axis in range(len(value.shape))])
            value = where(mask, value, 0)
    return value


single_p: Linear = Linear(
    name="einsum_of_one",
    text="np.einsum({spec}, {x})",
    infer=_infer,
    transposes=(_single_transpose,),
    batch=lambda inputs, batched, size, *, spec: bind(
        single_p, inputs[0], spec=_with_batch(spec, batched)
    ),
    summary="sums and diagonals over labelled axes",
)


def _single(x: Any, term: str, out: str) -> Any:
    return bind(single_p, x, spec=f"{term}->{out}")


# --- two operands ------------------------------------------------------------------------


def _as_matmul(spec: str) -> tuple[bool, bool] | None:
    """Which operands are turned over, if the sum is a product of (stacked) matrices.

    >>> _as_matmul("bij,bkj->bik")
    (False, True)
    """
    (a, b), out = _split(spec)
    stack, last = out[:-2], out[-2:]
    summed = "".join(c for c in _unique(a + b) if c not in out)
    if len(last) != 2 or len(summed) != 1 or stack not in (a[:-2], b[:-2]):  # noqa: PLR2004
        return None
    if not {a[:-2], b[:-2]} <= {stack, ""}:
        return None
    n, m = last[0], last[1]
    if a[-2:] not in (n + summed, summed + n) or b[-2:] not in (m + summed, summed + m):
        return None
    return a[-2] == summed, b[-2] == m


def _pair_text(operands: Sequence[str], params: Mapping[str, Any]) -> str:
    """`x @ y.T` where the sum is exactly that (it runs on BLAS), else NumPy's einsum."""
    spec = params["spec"]
    turned = _as_matmul(spec)
    if turned is None:
        (a, b), out = _split(spec)
        # Planning costs time, and pays only where NumPy can hand the sum to BLAS.
        planned = ", optimize=True" if out and (set(a) & set(b)) - set(out) else ""
        return f"np.einsum({spec!r}, {operands[0]}, {operands[1]}{planned})"
    texts = []
    for operand, term, is_turned in zip(operands, _split(spec)[0], turned, strict=True):
        suffix = ".T" if len(term) == 2 else ".swapaxes(-1, -2)"  # noqa: PLR2004
        texts.append(operand + suffix if is_turned else operand)
    return " @ ".join(texts)


def _pair_by_x(ct: Any, x: Any, y: Any, *, spec: str) -> Any:
    (a, b), out = _split(spec)
    kept = "".join(label for label in _unique(a) if label in out + b)
    return _spread(_pair(ct, out, y, b, kept), kept, a, tuple(x.shape))


def _pair_by_y(ct: Any, x: Any, y: Any, *, spec: str) -> Any:
    (a, b), out = _split(spec)
    kept = "".join(label for label in _unique(b) if label in out + a)
    return _spread(_pair(x, a, ct, out, kept), kept, b, tuple(y.shape))


pair_p: Bilinear = Bilinear(
    name="einsum",
    text=_pair_text,
    infer=_infer,
    transposes=(_pair_by_x, _pair_by_y),
    batch=lambda inputs, batched, size, *, spec: bind(
        pair_p, *inputs, spec=_with_batch(spec, batched)
    ),
    summary="products summed over labelled axes",
)


def _pair(x: Any, a: str, y: Any, b: str, out: str) -> Any:
    return bind(pair_p, x, y, spec=f"{a},{b}->{out}")
