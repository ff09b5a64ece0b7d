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
from types import FunctionType
from typing import TYPE_CHECKING, Any
from weakref import finalize

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
_OF_OUR_OWN = (ast.ClassDef, ast.Dict)  # only in text of our own: layers as classes
_ALLOWED_BUILTINS = {
    "range": range, "len": len, "zip": zip, "enumerate": enumerate, "tuple": tuple, "list": list,
    "reversed": reversed, "float": float, "int": int, "bool": bool, "slice": slice, "min": min,
    "max": max, "abs": abs, "sum": sum, "isinstance": isinstance, "complex": complex,
    # NumPy's C code imports parts of itself through its caller's builtins (`x.max()` does); no text
    # can name this, because `check_syntax` refuses imports and names that begin with `__`.
    "__import__": __import__, "__build_class__": __build_class__,
}  # fmt: skip

# Array functions and dtypes that a text may reach through `np.`; ufuncs are allowed as they are.
# Nothing here reads a file, opens a connection or changes a setting.
_ALLOWED_NUMPY = frozenset(
    "T arange argmax argmin argsort array asarray average bincount bool bool_ broadcast_arrays "
    "broadcast_to c_ clip complex128 complex64 concat concatenate convolve copy count_nonzero "
    "cov cross cumprod cumsum diag diagonal diff digitize dot e einsum empty empty_like "
    "errstate expand_dims eye finfo flip float16 float32 float64 full full_like gradient hstack "
    "identity iinfo indices inf inner int16 int32 int64 int8 interp isclose ix_ kron lexsort "
    "lib linalg linspace max mean median meshgrid min moveaxis nan ndindex newaxis nonzero "
    "ones ones_like outer pad partition permute_dims pi prod ravel repeat reshape result_type roll "
    "rot90 s_ searchsorted sinc sort split squeeze stack std sum swapaxes take take_along_axis "
    "tensordot tile trace transpose tri tril triu uint16 uint32 uint64 uint8 unique "
    "unravel_index var vecdot vstack where zeros zeros_like".split()
)
# Methods of arrays, lists, ufuncs and np.linalg.
_ALLOWED_METHODS = frozenset(
    "T accumulate all any append argmax argmin argsort astype at cholesky clip copy cumprod "
    "cumsum det diagonal dot dtype eigh extend fill flat inv item items keys mT matrix_power "
    "max mean min ndim nonzero norm outer pinv prod qr ravel reduce reduceat repeat reshape "
    "reverse round shape size slogdet solve sort squeeze std sum svd swapaxes take tolist trace "
    "transpose values var vector_norm view sliding_window_view stride_tricks".split()
)

_finished: list[str] = []  # names of texts whose functions are gone


def function_of(primitive: Primitive, params: Mapping[str, Any]) -> Callable[..., Any]:
    """The primitive's own text as a function of its operands and keyword parameters."""
    if primitive.run is not None:
        return primitive.run
    if primitive.evaluate is not None:
        function = primitive.evaluate
    elif callable(getattr(primitive, "text", None)):
        return _specialised(primitive, tuple(params.items()))
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
    functions: dict[str, Callable[..., Any]] = compile_functions(
        text, f"<primitive {primitive.name}>"
    )
    return functions[name]


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


def compile_functions(
    text: str,
    filename: str,
    constants: Mapping[str, Any] | None = None,
    attributes: frozenset[str] = frozenset(),
) -> dict[str, Callable[..., Any]]:
    """The functions defined by `text`, which may name only NumPy, itself and `constants`.

    attributes: what it may read of values beside the methods of arrays; only for text of our own
    """
    tree = ast.parse(text, filename)
    check_syntax(tree, attributes)
    while _finished:
        linecache.cache.pop(_finished.pop(), None)
    linecache.cache[filename] = (len(text), None, text.splitlines(keepends=True), filename)
    namespace: dict[str, Any] = {"__builtins__": _ALLOWED_BUILTINS, "np": np, **(constants or {})}
    # Safe: every node and name was checked above, and the builtins are the few listed.
    exec(compile(tree, filename, "exec"), namespace)  # noqa: S102
    for value in namespace.values():
        # NOTE: the text goes behind its functions, not with them: a garbage collection may come
        # while linecache walks its own table.
        if isinstance(value, FunctionType):
            finalize(value, _finished.append, filename).atexit = False
    return namespace


def check_syntax(tree: ast.AST, attributes: frozenset[str] = frozenset()) -> None:
    """Refuse a program with anything but arithmetic, calls, loops and listed names."""
    allowed = (*_ALLOWED_NODES, *(_OF_OUR_OWN if attributes else ()))
    for node in ast.walk(tree):
        extras = getattr(node, "decorator_list", None) or getattr(node, "bases", None)
        if isinstance(node, ast.ClassDef):  # plain classes: no metaclass either
            extras = extras or node.keywords
        if not isinstance(node, allowed) or extras:
            raise GraphError(f"emitted code may not contain {type(node).__name__}")
        if isinstance(node, ast.Name) and node.id.startswith("__"):
            raise GraphError(f"emitted code may not name {node.id!r}")
        if isinstance(node, ast.Attribute) and not (node.attr in attributes or _is_allowed(node)):
            raise GraphError(f"emitted code may not use {ast.unparse(node)!r}")


def _is_allowed(node: ast.Attribute) -> bool:
    if isinstance(node.value, ast.Name) and node.value.id == "np":
        return node.attr in _ALLOWED_NUMPY or isinstance(getattr(np, node.attr, None), np.ufunc)
    return node.attr in _ALLOWED_METHODS
