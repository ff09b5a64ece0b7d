"""Equations as syntax trees, so that they nest: parentheses come out where Python needs them.

Layer L6. Every text is that of the primitive's own record, parsed; operands are put in as trees.
Nothing here changes the order of operations.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import numpy as np

from glassgrad.backends.source.sizes import Worded
from glassgrad.core.aval import Aval
from glassgrad.core.primitive import Elementwise, Primitive, literal
from glassgrad.graph.ir import Atom, Eqn, Literal
from glassgrad.primitives.arithmetic import divide
from glassgrad.primitives.layout import broadcast_to_p, expand_dims_p, sum_p

_EXPONENT = re.compile(r"(?<=\d)e(-?)\+?0?(\d+)\b")
_MOST_COUNTED = 2**24  # up to here a mean of float32 rounds as sum and quotient do
_MOST_DIGITS, _SHORT = 12, 8  # of numbers that a person may have written
_COLUMN_AXES = 3  # axes of the largest array for which x[:, None] is plainer than np.expand_dims
Tree = ast.expr


def parsed(text: str) -> Tree:
    return ast.parse(text, mode="eval").body


def printed(tree: Tree) -> str:
    """The tree as source, numbers as people write them: 1e-7, not 1e-07."""
    return _EXPONENT.sub(r"e\1\2", ast.unparse(tree))


def name(text: str) -> Tree:
    return ast.Name(text)


def filled(template: str, operands: Sequence[Tree]) -> Tree:
    """A text with placeholders `_0_`, `_1_`, ... in which trees take their places."""
    env = {placeholder(i): tree for i, tree in enumerate(operands)}
    found: Tree = _fill(_parsed(template), env)
    return found


def subtracted(tree: Tree) -> Tree:
    """a + -b as a - b, which has the same bits; so has a + -4.0."""
    if isinstance(tree, ast.BinOp) and isinstance(tree.op, ast.Add):
        minus = _negated(tree.right) or _negated_float(tree.right)
        return tree if minus is None else ast.BinOp(tree.left, ast.Sub(), minus)
    return tree


def _negated(tree: Tree) -> Tree | None:
    """x where the tree is -x and x is no number."""
    if not isinstance(tree, ast.UnaryOp) or not isinstance(tree.op, ast.USub):
        return None
    return None if isinstance(tree.operand, ast.Constant) else tree.operand


def _negated_float(tree: Tree) -> Tree | None:
    """4.0 of -4.0."""
    if not isinstance(tree, ast.UnaryOp) or not isinstance(tree.op, ast.USub):
        return None
    number = tree.operand
    is_float = isinstance(number, ast.Constant) and isinstance(number.value, float)
    return number if is_float else None


def added(tree: Tree) -> tuple[str, Tree]:
    """How a value is added to a variable: `+= x`, or `-= x` for -x."""
    minus = _negated(tree)
    return ("+=", tree) if minus is None else ("-=", minus)


def placeholder(number: int) -> str:
    return f"_{number}_"


@lru_cache(maxsize=4096)
def _parsed(template: str) -> Tree:
    return parsed(template)


def _fill(node: Any, env: Mapping[str, Tree]) -> Any:
    if isinstance(node, ast.Name):
        return env.get(node.id, node)
    if isinstance(node, list):
        return [_fill(item, env) for item in node]
    if not isinstance(node, ast.AST) or isinstance(node, (ast.Constant, ast.expr_context)):
        return node
    return type(node)(**{field: _fill(getattr(node, field, None), env) for field in node._fields})


# --- one equation ------------------------------------------------------------------------


def template_of(eqn: Eqn, inner: Sequence[str] = (), is_factor: bool = True) -> str:
    """The equation's own text with placeholders.

    inner:     the names of its inner graphs
    is_factor: whether a product reads the result, whose bits depend on how it lies in memory
    """
    words = [placeholder(i) for i in range(len(eqn.inputs))]
    if eqn.primitive is expand_dims_p and len(eqn.outputs[0].shape) <= _COLUMN_AXES:
        index = [
            "None" if a in eqn.params["axis"] else ":" for a in range(len(eqn.outputs[0].shape))
        ]
        while index[-1] == ":":
            index.pop()
        return f"_0_[{', '.join(index)}]"
    if eqn.primitive is broadcast_to_p and isinstance(eqn.inputs[0], Literal) and not is_factor:
        shape = eqn.params["shape"]
        return f"np.full({literal(shape[0] if len(shape) == 1 else shape)}, _0_)"
    params = {**eqn.params, "graphs": tuple(inner)} if eqn.graphs else eqn.params
    return eqn.primitive.numpy_text(words, params)


def mean_template(quotient: Eqn, total: Eqn) -> str | None:
    """`x.mean(axis=0)` for a sum that the library divides by its count; None if it is none."""
    if quotient.primitive is not divide or total.primitive is not sum_p or not quotient.region:
        return None
    count = quotient.inputs[1]
    if quotient.inputs[0] is not total.outputs[0] or not isinstance(count, Literal):
        return None
    (x,) = total.inputs
    size = x.aval.size // max(total.outputs[0].aval.size, 1)
    dtype = quotient.outputs[0].dtype
    if count.value != size or x.aval.dtype != dtype or dtype not in (np.float32, np.float64):
        return None
    if quotient.derives is not None or (dtype == np.float32 and size > _MOST_COUNTED):
        return None
    return template_of(total).replace(".sum(", ".mean(")


def is_view(template: str) -> bool:
    """Whether a text only turns its operand over, so that it may be written twice."""
    return template == "_0_.T"


def is_ufunc(record: Primitive | None) -> bool:
    """Whether a primitive is printed as one NumPy operation on its operands."""
    return isinstance(record, Elementwise) and record.parsed.is_inline


# --- operands ----------------------------------------------------------------------------


def literal_tree(eqn: Eqn, position: int) -> Tree:
    """A scalar operand: as a plain number where that changes neither bits nor dtype."""
    atom = eqn.inputs[position]
    assert isinstance(atom, Literal)
    value = atom.value
    text = plain_text(atom)
    if isinstance(value, np.generic) and not (_is_double(eqn) or _may_be_weak(eqn, position)):
        kind = value.dtype.name.replace("bool", "bool_")
        return parsed(f"np.{kind}({text if isinstance(atom, Worded) else literal(value.item())})")
    return parsed(text)


def plain_text(atom: Literal) -> str:
    """A number in its shortest form: of float32 the digits that float32 has."""
    value = atom.value
    if isinstance(atom, Worded):
        return atom.text
    if isinstance(value, np.floating) and np.isfinite(value):
        return repr(float(str(value)))
    text = literal(value.item() if isinstance(value, np.generic) else value)
    return _as_complement(value) if type(value) is float and len(text) > _MOST_DIGITS else text


def _as_complement(value: float) -> str:
    """0.09999999999999998 as it came about: 1 - 0.9."""
    rest = round(1 - value, _SHORT)
    return f"(1 - {rest!r})" if 1 - rest == value else literal(value)


def _is_double(eqn: Eqn) -> bool:
    """Whether the operand becomes a float64 array anyway."""
    return eqn.primitive is broadcast_to_p and eqn.outputs[0].dtype == np.float64


def _may_be_weak(eqn: Eqn, position: int) -> bool:
    """Whether a Python number gives the same dtype in the same ufunc loop."""
    atom = eqn.inputs[position]
    kinds = {"b": np.bool_, "i": np.int64, "f": np.float64}
    if not is_ufunc(eqn.primitive) or atom.aval.dtype.kind not in kinds:
        return False
    weak = Aval((), np.dtype(kinds[atom.aval.dtype.kind]), weak=True)
    avals = [weak if i == position else x.aval for i, x in enumerate(eqn.inputs)]
    out = eqn.outputs[0]
    if all(aval.weak for aval in avals) or out.dtype != atom.aval.dtype:
        return False
    found = eqn.primitive.infer_avals(*avals)
    return (found.shape, found.dtype) == (out.shape, out.dtype)


def operand_trees(eqn: Eqn, tree_of: Callable[[Atom], Tree]) -> list[Tree]:
    """The operands of an equation; `tree_of` gives those that are values."""
    return [
        literal_tree(eqn, i) if isinstance(atom, Literal) else tree_of(atom)
        for i, atom in enumerate(eqn.inputs)
    ]
