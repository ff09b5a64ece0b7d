"""Regions of the library as functions of their own: `softmax(x)` above the lines that call it.

Layer L6. A region is folded where that leaves less to read: it has several lines, and few of its
values are used outside. Values that the backward pass needs again are returned beside the result.
Equal texts are printed once.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from glassgrad.backends.source import expressions, layout
from glassgrad.backends.source.body import Body, Op, Scope, is_fork
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.naming import Names
from glassgrad.backends.source.statements import (
    forward_of,
    function_paths,
    function_summary,
)
from glassgrad.backends.source.updates import names_of_update, rank_in_update, updates_of
from glassgrad.core.aval import is_float
from glassgrad.graph.ir import Atom, Eqn, Var
from glassgrad.graph.names import checked

_MOST_RESULTS, _MOST_INPUTS = 3, 6
_LETTERS = ("x", "y", "z", "w", "v", "u")
_EVERYWHERE = frozenset({"np", *dir(builtins)})  # names that need not be handed over


@dataclass
class Module:
    """What stands above the function: constants, and helpers by their names."""

    folds: bool
    comments: bool
    names: Names = field(default_factory=Names)
    constants: dict[str, list[str]] = field(default_factory=dict)
    helpers: dict[str, list[Row]] = field(default_factory=dict)
    shown: set[str] = field(default_factory=set)  # symbols that the code or the comments name


class Folder:
    """The operations of a function with regions replaced by calls.

    names: what laws call the values that they made; leaves: what modules call their parameters
    """

    def __init__(
        self,
        ops: Sequence[Op],
        outputs: Sequence[Atom],
        scope: Scope,
        module: Module,
        names: Mapping[Var, str],
        leaves: Mapping[Var, str] | None = None,
    ) -> None:
        self.ops = list(ops)
        self.outputs = {atom for atom in outputs if isinstance(atom, Var)}
        self.scope = scope
        self.module = module
        self.functions = module.names
        self.names = names
        self.leaves = leaves or {}
        self._texts: dict[str, str] = {}  # without its name -> the name
        self._local: dict[Var, str] = {}  # values of folded regions, as their functions call them
        self._makers = {var: op for op in ops for var in op.outputs}
        for members in _groups(self.ops, 0):
            self._fold_around(members, 0)
        for members in updates_of(self.ops):
            self._fold_update(members)

    def _fold_update(self, members: list[Op]) -> None:
        """The update of one parameter as a function of it, its gradient and its state."""
        names = names_of_update(members, self._makers, self.scope.wanted)
        self._local.update(names)
        self._fold(members, -1, _MOST_RESULTS + 1)

    def _fold_around(self, members: list[Op], depth: int) -> bool:
        """Fold the function at `depth` if it has one result, else those inside it, else itself."""
        if self._fold(members, depth, 1):
            return True
        inner = [self._fold_around(group, depth + 1) for group in _groups(members, depth + 1)]
        return any(inner) or self._fold(members, depth, _MOST_RESULTS)

    def _fold(self, members: list[Op], depth: int, most_results: int) -> bool:
        """Put one call in the place of `members`, if it reads better."""
        inside = set(members)
        inside -= {op for op in members if self._adds_from_outside(op, inside)}
        members = [op for op in members if op in inside]
        if len(members) < 2 or not self._is_convex(inside):  # noqa: PLR2004 - one line is no function
            return False
        made = {var for op in members for var in op.outputs}
        read = {a for op in self.ops if op not in inside for a in op.inputs if isinstance(a, Var)}
        results = [v for op in members for v in op.outputs if v in read or v in self.outputs]
        results = results[-1:] + results[:-1]
        inputs = [a for op in members for a in op.inputs if isinstance(a, Var) and a not in made]
        inputs = [v for v in dict.fromkeys(inputs) if not self._is_global(v)]
        if members[0].section == "update":
            inputs = sorted(inputs, key=lambda var: rank_in_update(self._local.get(var, "")))
            results = sorted(results, key=lambda var: rank_in_update(self._local.get(var, "")))
        most_inputs = _MOST_INPUTS + 2 * (members[0].section == "update")
        if not results or len(results) > most_results or len(inputs) > most_inputs:
            return False
        call = self._call(members, inputs, results, depth)
        if call is not None:
            self._replace(inside, call)
        return call is not None

    def _adds_from_outside(self, op: Op, inside: set[Op]) -> bool:
        """Whether an operation only adds the region's gradient to what came from elsewhere."""
        if not is_fork(op, self._makers):
            return False
        (first, _) = op.inputs
        return isinstance(first, Var) and self._makers.get(first) not in inside

    def _is_convex(self, inside: set[Op]) -> bool:
        """Whether nothing between its operations needs some of them before others."""
        tainted: set[Var] = set()
        for op in self.ops:
            reads = {atom for atom in op.inputs if isinstance(atom, Var)}
            if op in inside:
                if reads & tainted:
                    return False
            elif reads & tainted or any(self._makers.get(v) in inside for v in reads):
                tainted.update(op.outputs)
        return True

    def _is_global(self, var: Var) -> bool:
        """Whether a value is a constant that any function can see."""
        return var in self.scope.trees or self.scope.known.get(var, "") in self.functions.taken

    # --- the function --------------------------------------------------------------------

    def _call(
        self, members: list[Op], inputs: list[Var], results: list[Var], depth: int
    ) -> Op | None:
        section = members[0].section
        names = {"forward": self.names, "update": self._local}.get(section, {})
        made = (var for op in members for var in op.outputs)
        wanted = {var: names[var] for var in made if var in names}
        scope = Scope(Names(self.functions.taken), trees=dict(self.scope.trees), wanted=wanted)
        scope.known.update(
            (v, name) for v, name in self.scope.known.items() if name in self.functions.taken
        )
        parameters = [self._parameter(var, scope, members[0].section) for var in inputs]
        body = Body(members, results, scope)
        if len(body.lines) < (2 if len(results) == 1 and members[0].section == "forward" else 3):
            return None
        read: set[str] = set().union(*(line.reads for line in body.lines))
        written = {name for line in body.lines for name in line.targets}
        sizes = sorted(read - written - set(parameters) - self.functions.taken - _EVERYWHERE)
        self._local.update(scope.known)
        rows = _rows(body, results, scope)
        paths = function_paths(members[0].eqns[0].region)
        region = section if section == "update" else paths[depth][-1]
        name = self._named(region, members[0].section, [*parameters, *sizes], rows)
        places = [expressions.placeholder(i) for i in range(len(inputs))]
        template = f"{name}({', '.join([*places, *sizes])})"
        eqns = tuple(eqn for op in members for eqn in op.eqns)
        first = members[0]
        return Op(template, tuple(inputs), tuple(results), first.statement, first.section, eqns)

    def _parameter(self, var: Var, scope: Scope, section: str) -> str:
        maker = self._makers.get(var)
        if section == "backward" and maker is not None and maker.section == "backward":
            wanted = "dout"
        elif maker is None and not is_float(var.dtype):  # a key, a step, labels: called alike
            wanted = self.scope.known.get(var, "")
        elif self.leaves.get(var):
            wanted = self.leaves[var]
        else:
            wanted = self._local.get(var, "")
        free = (letter for letter in _LETTERS if letter not in scope.names.taken)
        scope.known[var] = scope.names.name(wanted or next(free))
        return scope.known[var]

    def _named(
        self, region: str, section: str, parameters: Sequence[str], body: Sequence[Row]
    ) -> str:
        """The name of the function with this text, which is printed if it is new."""
        helpers = self.module.helpers
        base = checked(region) or "region"
        base += "_backward" if section == "backward" else ""
        key = base + layout.text_of(layout.function_rows("", parameters, body))
        if key not in self._texts:
            if base in self.scope.wanted.values() or base in self.scope.known.values():
                base += "_of"
            name = self._texts[key] = self.functions.unique(base)
            self.scope.names.taken.add(name)
            helpers[name] = layout.function_rows(name, parameters, [*self._about(base), *body])
        else:  # its lines compute this call's equations too
            name = self._texts[key]
            again = layout.function_rows(name, parameters, [*self._about(base), *body])
            pairs = zip(helpers[name], again, strict=True)
            helpers[name] = [one._replace(eqns=one.eqns + two.eqns) for one, two in pairs]
        return name

    def _about(self, name: str) -> list[Row]:
        """The first line of a helper's body: what it computes."""
        text = function_summary(name) if self.module.comments else ""
        return layout.plain_rows(layout.docstring([text]).splitlines()) if text else []

    def _replace(self, inside: set[Op], call: Op) -> None:
        """The call stands where the last of its operations stood; what needs it follows."""
        last = max(i for i, op in enumerate(self.ops) if op in inside)
        before: list[Op] = []
        behind: list[Op] = []
        waiting = set(call.outputs)
        for op in self.ops[: last + 1]:
            if op in inside:
                continue
            if waiting.intersection(a for a in op.inputs if isinstance(a, Var)):
                behind.append(op)
                waiting.update(op.outputs)
            else:
                before.append(op)
        self.ops = [*before, call, *behind, *self.ops[last + 1 :]]
        self._makers.update((var, call) for var in call.outputs)


def _groups(ops: Sequence[Op], depth: int) -> list[list[Op]]:
    """The operations of each call of a function `depth` functions deep."""
    groups: dict[Any, list[Op]] = {}
    for op in ops:
        eqn = op.eqns[0]
        paths = function_paths(eqn.region)
        if depth < len(paths) and not eqn.graphs:
            key = op.section, paths[depth], op.statement, forward_of(eqn).position
            groups.setdefault(key, []).append(op)
    return list(groups.values())


def _rows(body: Body, results: Sequence[Var], scope: Scope) -> list[Row]:
    """The lines of a function; a result that is only returned needs no name."""
    *lines, last = body.lines
    eqns: tuple[Eqn, ...] = ()
    if len(results) == 1 and last.symbol == "=" and last.root.op.outputs == (results[0],):
        returned, eqns = [f"return {expressions.printed(last.value)}"], last.eqns
    else:
        lines.append(last)
        returned = layout.return_lines([scope.known[var] for var in results], as_tuple=False)
    rows = [r for line in lines for r in layout.plain_rows(layout.wrapped(line.text), line.eqns)]
    ends = (row for text in returned for row in layout.wrapped(text))
    return [*rows, *layout.plain_rows(ends, eqns)]
