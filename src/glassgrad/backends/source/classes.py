"""One layer as a class with `forward` and `backward`, as "Deep Learning from Scratch" prints them.

Layer L6. The lines are those of the plain style. What the backward pass reads of the forward pass
is kept in `self`; parameters stand there from the start, and their gradients are left there.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from glassgrad.backends.source import expressions, layout
from glassgrad.backends.source.body import Line
from glassgrad.backends.source.function import Function, Program
from glassgrad.backends.source.layers import Layer, local_names
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.regions import Module
from glassgrad.backends.source.sizes import Aligned, Size, Symbol
from glassgrad.graph.ir import Graph, Var
from glassgrad.passes.rewrite import Rewriting


@dataclass(frozen=True)
class Printed:
    """One layer printed: rows without the class's name, and how its methods are called."""

    rows: tuple[Row, ...]
    parameters: tuple[str, ...]
    inputs: tuple[str, ...]


class LayerClass:
    """Prints one differentiated layer."""

    def __init__(
        self, layer: Layer, rewriting: Rewriting, aligned: Aligned | None, module: Module
    ) -> None:
        self.layer = layer
        graph = rewriting.graph if aligned is None else aligned.graph
        shapes = {v: v.shape for v in graph.variables()} if aligned is None else aligned.shapes
        self.symbols = _symbols(graph, shapes)
        names = local_names(layer)
        labels = [*(names[var] for var in layer.inputs), *([] if layer.is_loss else ["dout"])]
        wanted = {**rewriting.names, **_plain_names(graph)}
        pairs = [(i, 1 + n) for n, i in enumerate(layer.wanted)]
        words = dict(zip(graph.inputs, labels, strict=True))
        program = Program(
            graph, labels, shapes, self.symbols, wanted, rewriting.sites, pairs, words=words
        )
        self.function = Function(program, layer.kind, module)
        self.labels = self.function.parameters[: len(layer.inputs)]
        self.results = [self.function.result(atom) for atom in graph.outputs]
        self.count = len(layer.parameters)

    def printed(self) -> Printed:
        """The class's body."""
        forward = [line for line in self.function.lines if line.root.op.section != "backward"]
        backward = [line for line in self.function.lines if line.root.op.section == "backward"]
        ends = [ast.parse(text, mode="eval").body for text in self.results]
        saved = self._saved(forward, backward, ends)
        parts = [self._constructor()] if self.count else []
        parts += [self._forward(forward, saved, ends[0]), self._backward(backward, saved, ends[1:])]
        rows: list[Row] = []
        for part in parts:
            rows += [*([Row("")] if rows else []), *part]
        return Printed(
            tuple(rows), tuple(self.labels[: self.count]), tuple(self.labels[self.count :])
        )

    # --- what is kept --------------------------------------------------------------------

    def _saved(
        self, forward: Sequence[Line], backward: Sequence[Line], ends: Sequence[ast.expr]
    ) -> dict[str, str]:
        """Names of the forward pass that the backward pass reads."""
        made = {name for line in forward for name in line.targets}
        made.update(self.labels[self.count :])
        read = set().union(*(line.reads for line in backward), *map(_names, ends[1:]))
        tops = [row.code for row in self.function.top]
        read |= {name for code in self._needed_tops(tops, read) for name in _names(code)}
        sizes = [s for s in self.symbols if s.name in read]
        read |= {self.labels[s.input] for s in sizes if s.input < len(self.labels)}
        return {
            name: f"self.{name}" for name in [*self.labels, *sorted(made)] if name in made & read
        }

    def _needed_tops(self, tops: Iterable[str], read: set[str]) -> list[str]:
        return [code for code in tops if code.partition(" = ")[0] in read]

    def _setup(self, lines: Sequence[Line], ends: Sequence[ast.expr]) -> list[str]:
        """Sizes, constants and inner functions that some lines need."""
        read = set().union(*(line.reads for line in lines), *map(_names, ends))
        tops = self._needed_tops([row.code for row in self.function.top], read)
        read |= {name for code in tops for name in _names(code)}
        sizes = [s for s in self.symbols if s.name in read]
        labels = self.function.parameters
        rows = [f"{s.name} = {s.reading.format(input=labels[s.input])}" for s in sizes]
        inner = self._inner(read)
        return [*rows, *tops, *inner]

    def _inner(self, read: set[str]) -> list[str]:
        """Functions inside, as those of a scan, that are called here."""
        rows: list[str] = []
        keep = False
        for row in self.function.inner:
            if row.code.startswith("def "):
                keep = row.code[4:].partition("(")[0] in read
            if keep and row.code:
                rows.append(row.code)
        return rows

    # --- methods -------------------------------------------------------------------------

    def _constructor(self) -> list[Row]:
        names = self.labels[: self.count]
        body = [f"self.{name} = {name}" for name in names]
        return layout.function_rows("__init__", ["self", *names], layout.plain_rows(body))

    def _forward(self, lines: Sequence[Line], saved: Mapping[str, str], end: ast.expr) -> list[Row]:
        own = {name: f"self.{name}" for name in self.labels[: self.count]}
        inputs = self.labels[self.count :]
        rows = [Row(f"self.{name} = {name}") for name in inputs if name in saved]
        rows += layout.plain_rows(_renamed_text(row, own, {}) for row in self._setup(lines, [end]))
        kept = [name for name in saved if name not in inputs]
        last = lines[-1] if lines else None
        others = lines[:-1]
        at_once = last is not None and last.symbol == "=" and _is(end, last.targets)
        shown = others if at_once and last and not set(last.targets) & set(kept) else lines
        for line in shown:
            rows += self._line(line, own)
            rows += [Row(f"self.{n} = {n}") for n in line.targets if n in kept]
        if shown is not lines and last is not None:
            text = expressions.printed(_renamed(last.value, own))
            returned = layout.plain_rows(layout.wrapped(f"return {text}"), last.eqns)
        else:
            returned = [Row(f"return {expressions.printed(_renamed(end, own))}")]
        return layout.function_rows("forward", ["self", *inputs], [*rows, *returned])

    def _backward(
        self, lines: Sequence[Line], saved: Mapping[str, str], ends: Sequence[ast.expr]
    ) -> list[Row]:
        own = {name: f"self.{name}" for name in self.labels[: self.count]}
        targets = {f"d{name}": f"self.d{name}" for name in own}
        env = {**saved, **own, **targets}
        # NOTE: a gradient that reads nothing, as that of a sum, stands among the constants.
        setup = self._setup(lines, ends)
        rows = layout.plain_rows(_renamed_text(row, env, targets) for row in setup)
        results = [expressions.printed(_renamed(end, env)) for end in ends]
        for line in lines:
            rows += self._line(line, env)
        for name, result in zip(targets.values(), results, strict=False):
            if result != name:
                rows.append(Row(f"{name} = {result}"))
        streams = results[self.count :]
        returned = layout.plain_rows(
            layout.return_lines(streams, as_tuple=False) if streams else []
        )
        if not self.layer.is_loss:
            return layout.function_rows("backward", ["self", "dout"], [*rows, *returned])
        return layout.function_rows("backward", ["self"], [*rows, *returned])

    def _line(self, line: Line, env: Mapping[str, str]) -> list[Row]:
        targets = tuple(env.get(name, name) for name in line.targets)
        changed = replace(line, targets=targets, value=_renamed(line.value, env))
        return layout.plain_rows(layout.wrapped(changed.text), line.eqns)


def _symbols(graph: Graph, shapes: Mapping[Var, Sequence[int]]) -> list[Symbol]:
    """The sizes of the network, read off this layer's own inputs."""
    found: dict[str, Symbol] = {}
    for i, var in reversed(list(enumerate(graph.inputs))):
        for axis, size in enumerate(shapes.get(var, ())):
            if isinstance(size, Size) and size.template == f"{{{size.symbols[0].name}}}":
                (symbol,) = size.symbols
                reading = f"{{input}}.shape[{axis}]"
                found[symbol.name] = replace(symbol, input=i, reading=reading)
    return list(found.values())


def _plain_names(graph: Graph) -> dict[Var, str]:
    """The user's names without their numbers, so that equal layers have equal classes."""
    named = [v for eqn in graph.eqns for v in eqn.outputs if v.name]
    short = {v: v.name.rstrip("0123456789").rstrip("_") or v.name for v in named}
    found = {v: name for v, name in short.items() if list(short.values()).count(name) == 1}
    first = graph.outputs[0]
    return (
        {**found, first: "out"} if isinstance(first, Var) and first not in graph.inputs else found
    )


def _names(code: str | ast.expr) -> set[str]:
    tree = ast.parse(code) if isinstance(code, str) else code
    return {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}


def _is(tree: ast.expr, targets: Sequence[str]) -> bool:
    return isinstance(tree, ast.Name) and (tree.id,) == tuple(targets)


def _renamed(tree: ast.expr, env: Mapping[str, str]) -> Any:
    """The expression with names replaced, such as W by self.W."""

    class Renamer(ast.NodeTransformer):
        def visit_Name(self, node: ast.Name) -> ast.AST:
            return ast.Name(env.get(node.id, node.id))

    return Renamer().visit(ast.parse(ast.unparse(tree), mode="eval").body)


def _renamed_text(code: str, env: Mapping[str, str], targets: Mapping[str, str]) -> str:
    """A line `name = expression` with names in the expression replaced, and the target's."""
    target, sign, value = code.partition(" = ")
    if not sign or code.startswith((" ", "def ")):
        return code
    changed = expressions.printed(_renamed(expressions.parsed(value), env))
    return f"{targets.get(target, target)} = {changed}"
