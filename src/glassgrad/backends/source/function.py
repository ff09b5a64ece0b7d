"""One graph as one function: signature, sizes, constants, sections of lines, return.

Layer L6.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import takewhile

from glassgrad.backends.source import expressions, layout, words
from glassgrad.backends.source.body import Body, Line, Op, Scope
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.naming import Names, layer_names, leaf_names
from glassgrad.backends.source.regions import Folder, Module
from glassgrad.backends.source.sizes import Symbol, pattern_text
from glassgrad.backends.source.statements import (
    Statements,
    forward_of,
    sections,
)
from glassgrad.core.primitive import Bilinear, Elementwise
from glassgrad.graph.ir import Atom, Eqn, Graph, Literal, Var
from glassgrad.graph.names import checked
from glassgrad.passes.rewrite import Law
from glassgrad.primitives.layout import sum_p
from glassgrad.text import say

_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True)
class Program:
    """What is printed: a graph, its shapes with names for sizes, names and laws of rewriting."""

    graph: Graph
    labels: Sequence[str]
    shapes: Mapping[Var, Sequence[int]]
    symbols: Sequence[Symbol] = ()
    names: Mapping[Var, str] = field(default_factory=dict)
    laws: Mapping[Var, Law] = field(default_factory=dict)
    pairs: Sequence[tuple[int, int]] | None = (
        None  # inputs and the outputs that are their gradients
    )
    omitted: Collection[int] = ()  # inputs that nothing reads, and that are no parameters
    words: Mapping[Var, str] | None = None  # what helpers call inputs; None: as modules do


class Function:
    """Prints one program as a function of its inputs."""

    def __init__(
        self, program: Program, name: str, module: Module, outer: Function | None = None
    ) -> None:
        self.program = program
        self.name = name
        self.module = module
        self.outer = outer
        self.graph = program.graph
        reserved = {*module.names.taken, *(s.name for s in program.symbols)}
        self.width: int = layout.WIDTH - 4 if outer is None else outer.width - 4
        wanted = self._wanted()
        fixed = frozenset(var for var, _ in self.graph.consts)
        self.scope: Scope = Scope(Names(reserved, wanted.values()), wanted=wanted, fixed=fixed)
        self.parameters = [self._input(i) for i in range(len(self.graph.inputs))]
        self.top: list[Row] = []
        self.inner: list[Row] = []  # the lines of inner functions
        self.statements = Statements(self.graph.eqns)
        self._constants()
        self.scope.gradients = _values_of_gradients(self.graph, wanted)
        self.scope.wanted = {**layer_names(self.graph), **wanted}
        products = (e for e in self.graph.eqns if isinstance(e.primitive, Bilinear))
        self._factors = {atom for eqn in products for atom in eqn.inputs}
        self.ops = [self._op(eqn, section) for eqn, section in sections(self.graph)]
        if module.folds:
            known = leaf_names(self.graph) if program.words is None else program.words
            outputs = self.graph.outputs
            self.ops = Folder(self.ops, outputs, self.scope, module, program.names, known).ops
        body = Body(self.ops, self.graph.outputs, self.scope)
        self.lines = list(_in_order(body.lines, self.graph.outputs))
        self.aliases = self._aliases()

    # --- names ---------------------------------------------------------------------------

    def _wanted(self) -> dict[Var, str]:
        """The names of values: the user's, with inputs as they are printed, or a law's."""
        inputs = zip(self.graph.inputs, self.program.labels, strict=True)
        gradients = {f"d{var.name}": f"d{label}" for var, label in inputs if label}
        wanted = {var: gradients.get(var.name, var.name) for var in self.graph.variables()}
        wanted.update(self.program.names)
        first = self.graph.outputs[0]
        if self.program.pairs is not None and isinstance(first, Var):
            wanted[first] = wanted[first] or "value"
        return {var: name for var, name in wanted.items() if name}

    def _input(self, number: int) -> str:
        var = self.graph.inputs[number]
        label = self.program.labels[number]
        self.scope.known[var] = self.scope.names.name(label or var.name, "x")
        return self.scope.known[var]

    def _constants(self) -> None:
        """Constants that follow a pattern are written in place, others above the function."""
        read = (atom for eqn in self.graph.eqns for atom in eqn.inputs if isinstance(atom, Var))
        reads = Counter(read)
        patterns: dict[str | None, str] = {}
        for var, value in self.graph.consts:
            text = pattern_text(value, self.program.shapes[var])
            is_read_once = reads[var] == 1 and var not in self.graph.outputs
            if text is not None and is_read_once and not checked(var.name):
                self.scope.trees[var] = expressions.parsed(text)
                continue
            stem = "constant" if text is None else text.partition("(")[0].removeprefix("np.")
            wanted = checked(self.program.names.get(var, "") or var.name) or stem
            if text in patterns:
                self.scope.known[var] = patterns[text]
                continue
            name = self.scope.known[var] = self._seen_from_here(wanted)
            if text is None:
                self.module.constants[name] = layout.constant_lines(name, value)
                self.module.names.taken.add(name)
            else:
                patterns[text] = name
                self.top.append(Row(f"{name} = {expressions.printed(expressions.parsed(text))}"))

    def _seen_from_here(self, wanted: str) -> str:
        """A name that neither this function nor one around it gives to something else."""
        around: list[Names] = []
        function: Function | None = self
        while function is not None:
            around.append(function.scope.names)
            function = function.outer
        name = Names(set().union(*(names.taken for names in around))).unique(wanted)
        for names in around:
            names.taken.add(name)
        return name

    # --- operations ----------------------------------------------------------------------

    def _op(self, eqn: Eqn, section: str) -> Op:
        inner = [self._inner(graph, eqn) for graph in eqn.graphs]
        is_factor = any(var in self._factors for var in eqn.outputs)
        template = expressions.template_of(eqn, inner, is_factor)
        statement = self.statements[eqn]
        return Op(template, eqn.inputs, eqn.outputs, statement, section, (eqn,))

    def _inner(self, graph: Graph, owner: Eqn) -> str:
        """Print an inner graph as a function inside this one; its lines belong to the owner."""
        name = self.scope.names.unique(checked(graph.name) or "step")
        program = Program(
            graph, [""] * len(graph.inputs), self.program.shapes, self.program.symbols
        )
        inner = Function(program, name, self.module, self)
        self.inner += [Row(""), *(row._replace(eqns=(owner,)) for row in inner.rows(is_tuple=True))]
        return name

    # --- text ----------------------------------------------------------------------------

    def used_symbols(self) -> list[Symbol]:
        """The sizes that the code names."""
        read = set().union(*(line.reads for line in self.lines))
        results = [value for _, value in self.aliases.values()] + self._results()
        for code in (*(row.code for row in (*self.top, *self.inner)), *results):
            read |= _names_in(code)
        return [s for s in self.program.symbols if s.name in read]

    def rows(self, is_tuple: bool = False, symbols: Sequence[Symbol] = ()) -> list[Row]:
        """The function; with the sizes of `symbols` read at its top."""
        rows: list[Row] = []
        for s in symbols:
            label = self.parameters[s.input]
            rows.append(Row(f"{s.name} = {s.reading.format(input=label)}"))
        rows += self.top
        rows += self.inner if rows else self.inner[1:]
        if rows and (self.module.comments or self.inner):
            rows.append(Row(""))
        rows += self._sections_of_lines()
        rows += self._renamed()
        structure = self.graph.out_structure
        is_tuple = is_tuple or structure is None or structure.kind != "leaf"
        at_once = self._returned_at_once()
        results = [expressions.printed(at_once.value)] if at_once else self._results()
        returned = layout.return_lines(results, is_tuple)
        body = [
            *layout.aligned(rows, self.width),
            *layout.plain_rows(returned, at_once.eqns if at_once else ()),
        ]
        listed = [name for i, name in enumerate(self.parameters) if i not in self.program.omitted]
        return layout.function_rows(self.name, listed, body)

    def _results(self) -> list[str]:
        found = [self.result(atom) for atom in self.graph.outputs]
        for i, (name, _) in self.aliases.items():
            found[i] = name
        return found

    def _aliases(self) -> dict[int, tuple[str, str]]:
        """Gradients that are other values, per output: `dx = dsum`, as a sum passes it on."""
        found = {}
        for number, output in self.program.pairs or ():
            value = self.result(self.graph.outputs[output])
            wanted = f"d{self.parameters[number]}"
            if value != wanted:
                found[output] = self.scope.names.name(wanted), value
        return found

    def _renamed(self) -> Iterator[Row]:
        """The lines that give these gradients their names, behind all others."""
        has_backward = any(line.root.op.section == "backward" for line in self.lines)
        if self.aliases and self.module.comments and not has_backward:
            yield Row("")
            yield Row(layout.heading("backward"))
        for name, value in self.aliases.values():
            yield Row(f"{name} = {value}")

    def _returned_at_once(self) -> Line | None:
        """The last line, if its value is the only result and has no name of the user's."""
        if not self.lines or len(self.graph.outputs) != 1:
            return None
        last = self.lines[-1]
        is_result = last.root.op.outputs == self.graph.outputs and last.symbol == "="
        named = any(var in self.scope.wanted for var in last.root.op.outputs)
        return last if is_result and not named else None

    def result(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            kind = atom.aval.dtype.name.replace("bool", "bool_")
            return f"np.{kind}({expressions.plain_text(atom)})"
        return self.scope.known.get(atom) or expressions.printed(self.scope.trees[atom])

    def _sections_of_lines(self) -> Iterator[Row]:
        shapes = layout.Shapes(self._shape, lambda symbol: symbol.name in self.module.shown)
        has_sections = len({line.root.op.section for line in self.lines}) > 1 or self.aliases
        section, place = "", ()
        at_once = self._returned_at_once()
        for i, line in enumerate(self.lines):
            if line is at_once:
                continue
            op = line.root.op
            if self.module.comments and op.section != section and has_sections:
                if section:
                    yield Row("")
                yield Row(layout.heading(op.section))
            if self.module.comments and op.section == "backward" and op.place != place:
                yield from self._over_group(i)
            section, place = op.section, op.place
            comment = self._at_end(line, shapes) if self.module.comments else ""
            yield Row(line.text, comment, line.eqns)

    def _shape(self, var: Var) -> Sequence[int]:
        return self.program.shapes.get(var, var.shape)

    # --- comments ------------------------------------------------------------------------

    def _over_group(self, start: int) -> Iterator[Row]:
        """The forward statement that a group of backward lines differentiates, and its rule."""
        op = self.lines[start].root.op
        group = list(takewhile(lambda line: line.root.op.place == op.place, self.lines[start:]))
        eqns = [e for line in group for part in line.root.parts() for e in part.op.eqns]
        derived = dict.fromkeys(forward_of(eqn) for eqn in eqns)
        laws = [self.program.laws[v] for e in eqns for v in e.outputs if v in self.program.laws]
        statement = self._forward_text(op)
        if any(law.name in words.SPANNING for law in laws):
            statement = self._with_reader(statement, op, eqns)
        rule = words.rule_in_words(list(derived), laws, self._name_of)
        yield from map(Row, layout.comment_lines(statement, rule, self.width))

    def _forward_text(self, op: Op) -> str:
        """The user's statement; of a layer, of which a statement may run many, its printed line."""
        _, statement, layer = op.place
        printed = (line for line in self.lines if line.root.op.place == ("forward", *op.place[1:]))
        last = next(reversed(list(printed)), None) if layer else None
        return self.statements.texts[statement] if last is None else last.text

    def _with_reader(self, statement: str, op: Op, eqns: Sequence[Eqn]) -> str:
        """The statement and the one behind it that reads its result, if they are two."""
        made = {var for eqn in eqns for var in forward_of(eqn).outputs}
        readers = [o for o in self.ops if o.section == "forward" and made.intersection(o.inputs)]
        if not readers or readers[-1].statement == op.statement:
            return statement
        return f"{statement}, {self.statements.texts[readers[-1].statement]}"

    def _name_of(self, atom: Atom) -> str:
        if isinstance(atom, Literal):
            return expressions.plain_text(atom)
        return self.scope.known.get(atom, "")

    def _at_end(self, line: Line, shapes: layout.Shapes) -> str:
        text = shapes.line(line)
        eqn = line.root.op.eqn
        read = (x for part in line.root.parts() for x in part.operands if isinstance(x, Var))
        if text == "()" and not any(self._shape(x) for x in read):
            return ""  # among numbers a shape says nothing
        if eqn is None or eqn.primitive is not sum_p or eqn.derives is None:
            return text
        origin = forward_of(eqn)
        known = (self.scope.known.get(a, "") for a in origin.inputs if isinstance(a, Var))
        owner = next((name for name in known if f"d{name}" in line.targets), "")
        if not owner or not isinstance(origin.primitive, Elementwise):
            return text
        summed = eqn.inputs[0]
        assert isinstance(summed, Var)
        sizes = [layout.shape_text((s,), lambda _: True).strip("(,)") for s in self._shape(summed)]
        return f"{text}: {words.broadcast_in_words(owner, eqn.params['axis'], sizes)}"


def _values_of_gradients(graph: Graph, wanted: Mapping[Var, str]) -> dict[Var, Var]:
    """Per gradient the forward value that it belongs to, where its name comes from that one.

    What the backward equations of one forward equation read, and do not make, is the gradient of
    its result.
    """
    makers = {var: eqn for eqn in graph.eqns for var in eqn.outputs}
    received: dict[Var, set[Var]] = {}
    for eqn in graph.eqns:
        if eqn.derives is None or len(eqn.derives.outputs) != 1:
            continue
        (value,) = eqn.derives.outputs
        for atom in eqn.inputs:
            maker = makers.get(atom) if isinstance(atom, Var) else None
            if maker is not None and maker.derives is not None and maker.derives is not eqn.derives:
                received.setdefault(value, set()).add(atom)  # type: ignore[arg-type]
    found: dict[Var, Var] = {}
    for value, gradients in received.items():
        like = [g for g in gradients if value in makers and g.shape == value.shape]
        named = [g for g in like if value in wanted and wanted.get(g) == f"d{wanted[value]}"]
        free = [g for g in like if value not in wanted and g not in wanted]
        for gradient in named or (free if len(free) == 1 else ()):
            found.setdefault(gradient, value)
    return found


def _names_in(code: str) -> set[str]:
    return set(_WORD.findall(code.partition("#")[0]))


def _in_order(lines: Sequence[Line], outputs: Sequence[Atom]) -> Iterator[Line]:
    """Within a group of backward lines the results first, where nothing stands against it."""
    places = {var: i for i, var in enumerate(outputs) if isinstance(var, Var)}
    group: list[Line] = []
    for line in (*lines, None):
        if group and (line is None or line.root.op.place != group[0].root.op.place):
            yield from _results_first(group, places)
            group = []
        if line is not None:
            group.append(line)


def _results_first(group: list[Line], places: Mapping[Var, int]) -> list[Line]:
    if group[0].root.op.section != "backward":
        return group
    place = {id(g): min(places.get(v, 10**6) for v in g.root.op.outputs) for g in group}
    wanted = sorted(group, key=lambda g: place[id(g)])
    before = {id(line): i for i, line in enumerate(group)}
    for i, early in enumerate(wanted):
        for late in wanted[i + 1 :]:
            if before[id(late)] < before[id(early)] and _conflict(late, early):
                return group
    return wanted


def _conflict(one: Line, two: Line) -> bool:
    """Whether two lines may not change places."""
    a, b = set(one.targets), set(two.targets)
    return bool(a & b or a & two.reads or b & one.reads)


def title(name: str, place: str, is_gradient: bool) -> str:
    """The first sentence of the file."""
    where = f" ({place})" if place else ""
    if is_gradient:
        return say(
            "Value and gradients of `{name}`{where}, derived by the chain rule.",
            name=name,
            where=where,
        )
    return say("`{name}`{where} as NumPy.", name=name, where=where)
