"""NumPy text made callable. This is the only place of the package that executes source.

Layer L1. The text of a primitive becomes a function whose source stands in `linecache`, so that
tracebacks and debuggers show it. Emitted programs arrive here too, after their syntax tree was
checked against a closed list of node kinds and names.
"""

from __future__ import annotations

import ast
import linecache
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.errors import GraphError

if TYPE_CHECKING:
    from glassgrad.core.primitive import Primitive

# What a program made of templates may contain; anything else never becomes code.
_ALLOWED_NODES: tuple[type[ast.AST], ...] = (
    ast.Module, ast.FunctionDef, ast.arguments, ast.arg, ast.Return, ast.Assign, ast.AugAssign,
    ast.Expr, ast.For, ast.While, ast.If, ast.IfExp, ast.Name, ast.Attribute, ast.Subscript,
    ast.Slice, ast.Constant, ast.Tuple, ast.List, ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare,
    ast.Call, ast.keyword, ast.Starred, ast.operator, ast.unaryop, ast.boolop, ast.cmpop,
    ast.expr_context, ast.ListComp, ast.GeneratorExp, ast.comprehension, ast.With, ast.withitem,
    ast.Delete,
)  # fmt: skip
_ALLOWED_BUILTINS = {
    "range": range, "len": len, "zip": zip, "enumerate": enumerate, "tuple": tuple, "list": list,
    "reversed": reversed, "float": float, "int": int, "bool": bool, "slice": slice, "min": min,
    "max": max, "abs": abs, "sum": sum, "isinstance": isinstance, "complex": complex,
    # NumPy's C code imports parts of itself through its caller's builtins (`x.max()` does); no text
    # can name this, because `check_syntax` refuses imports and names that begin with `__`.
    "__import__": __import__,
}  # fmt: skip


def function_of(primitive: Primitive, params: Mapping[str, Any]) -> Callable[..., Any]:
    """The primitive's own text as a function of its operands and keyword parameters."""
    if primitive.run is not None:
        return primitive.run
    if primitive.evaluate is not None:
        function = primitive.evaluate
    elif callable(getattr(primitive, "text", None)):
        return _specialised(primitive, tuple(sorted(params.items())))
    else:
        function = _compile_generic(primitive, params)
    object.__setattr__(primitive, "run", function)
    return function


def _compile_generic(primitive: Primitive, params: Mapping[str, Any]) -> Callable[..., Any]:
    """One function for all parameter values: parameters stay variables of the text."""
    keywords = ", ".join(params)
    signature = ", ".join(primitive.operands)
    if keywords:
        signature += (", " if primitive.is_variadic else ", *, ") + keywords
    if primitive.is_variadic:
        name = primitive.operands[0][1:]
        body = primitive.text.format(**{name: name}, **{p: p for p in params})  # type: ignore[attr-defined]
    elif hasattr(primitive, "text"):
        names = {operand: operand for operand in primitive.operands}
        body = primitive.text.format(**names, **{p: p for p in params})
    else:
        body = primitive.numpy_text(primitive.operands, params)
    name = f"{primitive.name}_primitive"
    text = "\n".join(primitive.helpers) + f"\ndef {name}({signature}):\n    return {body}\n"
    return compile_functions(text, f"<primitive {primitive.name}>")[name]


@lru_cache(maxsize=4096)
def _specialised(primitive: Primitive, params: tuple[tuple[str, Any], ...]) -> Callable[..., Any]:
    """A function for one set of parameter values, where the text depends on them."""
    count = len(primitive.operands)
    operands = tuple(name.lstrip("*") for name in primitive.operands)
    assert not primitive.is_variadic or count == 1
    if primitive.is_variadic:
        raise AssertionError(f"{primitive.name}: a variadic text is a template, not a function")
    body = primitive.numpy_text(operands, dict(params))
    name = f"{primitive.name}_primitive"
    text = "\n".join(primitive.helpers)
    text += f"\ndef {name}({', '.join(operands)}, **_):\n    return {body}\n"
    return compile_functions(text, f"<primitive {primitive.name} {params!r}>")[name]


def compile_functions(text: str, filename: str, constants: Mapping[str, Any] | None = None) -> Any:
    """The functions defined by `text`, which may name only NumPy, itself and `constants`."""
    tree = ast.parse(text, filename)
    check_syntax(tree)
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__builtins__": _ALLOWED_BUILTINS, "np": np, **(constants or {})}
    # Safe: every node and name was checked above, and the builtins are the few listed.
    exec(compile(tree, filename, "exec"), namespace)  # noqa: S102
    return namespace


def check_syntax(tree: ast.AST) -> None:
    """Refuse a program with anything but arithmetic, calls, loops and plain names."""
    for node in ast.walk(tree):
        if not isinstance(node, _ALLOWED_NODES):
            raise GraphError(f"emitted code may not contain {type(node).__name__}")
        name = getattr(node, "id", None) or getattr(node, "attr", None) or ""
        if isinstance(name, str) and name.startswith("__"):
            raise GraphError(f"emitted code may not name {name!r}")
