"""A graph as a book would print it: style "plain".

Layer L6. Forward and backward in the user's names, one comment over each group of backward lines,
shapes at line ends, sizes read off the arrays. The text is run and compared with the graph, and
its gradients with finite differences, before it is returned; its head says how it was checked.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np

from glassgrad.backends.source import checks, layout, words
from glassgrad.backends.source.function import Function, Program, title
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.lineage import Listing, equations_of_lines, numbered
from glassgrad.backends.source.naming import function_name, helpers_of
from glassgrad.backends.source.regions import Module
from glassgrad.backends.source.resize import Resized, resized
from glassgrad.backends.source.script import Training, script_rows
from glassgrad.backends.source.sizes import spread
from glassgrad.backends.source.statements import shown
from glassgrad.core.interpret import as_operand
from glassgrad.core.position import place_of
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Graph
from glassgrad.graph.names import checked
from glassgrad.passes.forms import SHORT
from glassgrad.passes.laws import READABLE, STABLE
from glassgrad.passes.pipeline import exact
from glassgrad.passes.rewrite import Law, Rewriting
from glassgrad.passes.rewrite import rewrite as apply_laws
from glassgrad.text import say

_ROUNDS = 5  # exact passes make room for each other; longer chains were never seen


def laws_for(rewrite: bool) -> tuple[tuple[Law, ...], ...]:
    """The tables of laws, in the order in which they are applied."""
    return ((*READABLE, *STABLE), SHORT) if rewrite else (READABLE,)


def prepared(graph: Graph, laws: Sequence[Sequence[Law]]) -> Rewriting:
    """The graph after the exact passes and the laws."""
    graph = spread(graph)
    for _ in range(_ROUNDS):
        before = len(graph.eqns)
        graph = exact(graph)
        if len(graph.eqns) == before:
            break
    found = Rewriting(graph)
    for table in laws:
        found = found.followed_by(apply_laws(found.graph, table))
    return replace(found, graph=exact(found.graph))


@dataclass(frozen=True)
class _Printed:
    """A module without its head, and what it was made from."""

    rows: Sequence[Row]
    name: str
    run: Callable[..., tuple[Any, ...]]
    rewriting: Rewriting
    recorded: Graph
    others: Resized | None
    parameters: Sequence[str]


class Page:
    """One request for source."""

    def __init__(
        self,
        graph: Graph,
        *,
        detail: str,
        rewrite: bool,
        comments: bool,
        args: Sequence[Any] | None = None,
        training: Training | None = None,
    ) -> None:
        self.graph = graph
        self.training = training
        self.omitted = () if training is None else _unread(graph)
        self.detail = detail
        self.laws = laws_for(rewrite)
        self.comments = comments
        self.labels = labels_of(graph)
        self.given: list[Any] | None = None
        if args is not None:
            leaves = [as_operand(leaf) for leaf in graph.flatten_arguments(args)]
            self.given = [x.data if hasattr(x, "interpreter") else x for x in leaves]
        self.rewriting = self._prepared(graph)
        self.pairs = checks.gradient_outputs(self.rewriting.graph)

    def listing(self) -> Listing:
        """The module, checked; sizes are frozen if the checks do not agree with free ones."""
        others = resized(self.graph, self._prepared, self.labels)
        printed = self._printed(others)
        try:
            facts = self._checked(printed)
        except GraphError:
            if others is None:
                raise
            printed = self._printed(None)
            facts = self._checked(printed)
        head = layout.docstring(self._head(printed, facts)) if self.comments else ""
        first = head.splitlines() + (["import sys", ""] if self.training is not None else [])
        rows = [*layout.plain_rows(first), *printed.rows, *self._script(printed)]
        lines = equations_of_lines(self.graph, printed.recorded, [row.eqns for row in rows])
        return Listing(layout.text_of(rows), lines)

    def _prepared(self, graph: Graph) -> Rewriting:
        return prepared(numbered(graph), self.laws)

    # --- the text ------------------------------------------------------------------------

    def _printed(self, others: Resized | None) -> _Printed:
        rewriting = self.rewriting if others is None else others.rewritings[0]
        graph = rewriting.graph if others is None else others.aligned.graph
        shapes = {var: var.shape for var in graph.variables()}
        if others is not None:
            shapes = dict(others.aligned.shapes)
        symbols = others.symbols if others is not None else ()
        program = Program(
            graph,
            self.labels,
            shapes,
            symbols,
            rewriting.names,
            rewriting.sites,
            self.pairs,
            self.omitted,
        )
        helpers = helpers_of(graph)
        module = Module(folds=self.detail == "regions", comments=self.comments)
        module.names.taken.update(name for names in helpers.values() for name in names)
        name = self._function_name(graph)
        function = Function(program, name, module)
        used = function.used_symbols()
        module.shown.update(s.name for s in symbols if s.is_batch or s in used)
        body = function.rows(symbols=used)
        constants = [row for lines in module.constants.values() for row in lines]
        above = ["import numpy as np", *([""] if constants else []), *constants]
        rows = layout.plain_rows(above)
        texts = (layout.plain_rows(helper.strip().splitlines()) for helper in helpers)
        for part in (*texts, *module.helpers.values(), body):
            rows += [Row(""), Row(""), *part]
        run = checks.compiled(layout.text_of(rows), name, self.omitted)
        recorded = self.graph if others is None else others.recorded[0]
        return _Printed(rows, name, run, rewriting, recorded, others, function.parameters)

    def _script(self, printed: _Printed) -> list[Row]:
        """What makes a script of a training step."""
        if self.training is None:
            return []
        names = {i: x for i, x in enumerate(printed.parameters) if i not in self.omitted}
        count = len(self.graph.outputs)
        is_free = printed.others is not None
        return script_rows(self.training, printed.name, names, count, is_free)

    def _function_name(self, graph: Graph) -> str:
        if self.pairs is None:
            return function_name(graph)
        return f"{checked(graph.name).strip('_') or 'f'}_and_gradients"

    # --- the checks ----------------------------------------------------------------------

    def _checked(self, printed: _Printed) -> _Facts:
        """Run the text on every set of sizes, and compare."""
        graphs = [self.rewriting.graph]
        if printed.others is not None:
            graphs = [found.graph for found in printed.others.rewritings]
        ran = [self._compare(printed, graph) for graph in graphs]
        if printed.others is not None:
            ran.append(self._confirm(printed))
        if self.given is not None and printed.others is None:
            checks.require_equal(printed.run, self.rewriting.graph, self.given)
        small = graphs[-1]
        arrays = self.given if self.given is not None and printed.others is None else None
        if arrays is None and checks.is_runnable(small):
            arrays = checks.drawn(small)
        gap = None
        if arrays is not None and printed.rewriting.used:
            long = self.graph if printed.others is None else printed.others.recorded[-1]
            before, after = checks.evaluated(long, arrays), checks.evaluated(small, arrays)
            gap = checks.difference(after, before) if before and after else None
        error = None
        if arrays is not None and self.pairs is not None:
            error = checks.least_gradient_error(printed.run, self.pairs, small, arrays)
        return _Facts(any(ran), error, gap)

    def _compare(self, printed: _Printed, graph: Graph) -> bool:
        """Require equal bits; whether the graph could be run."""
        arrays = checks.drawn(graph) if checks.is_runnable(graph) else None
        if arrays is None:
            return False
        checks.require_equal(printed.run, graph, arrays)
        return True

    def _confirm(self, printed: _Printed) -> bool:
        """Require the graph's own results at its own sizes, but for what the laws may change."""
        arrays = self.given
        if arrays is None and checks.is_runnable(self.graph):
            arrays = checks.drawn(self.graph)
        if arrays is None:
            return False
        checks.require_near(printed.run, self.graph, arrays, bool(printed.rewriting.used))
        return True

    # --- the head ------------------------------------------------------------------------

    def _head(self, printed: _Printed, facts: _Facts) -> list[str]:
        name = checked(self.graph.name).strip("_") or "f"
        first = title(name, shown(place_in_program(self.graph)), self.pairs is not None)
        if self.training is not None:
            first = say(
                "A training script: forward and backward pass, update and loop. Run it as "
                "`python FILE.py [DATA.npz]`."
            )
        sentences = []
        if not facts.ran:
            sentences.append(say("Not run before it was written: no inputs drawn gave results."))
        elif facts.error is None:
            sentences.append(say("Checked before it was written: equal to the graph bit for bit."))
        else:
            sentences.append(
                say(
                    "Checked before it was written: equal to the graph bit for bit; largest "
                    "relative difference from finite differences {error:.1e}.",
                    error=facts.error,
                )
            )
        if facts.gap is not None:
            laws = words.laws_in_words(printed.rewriting.used)
            sentences.append(
                say(
                    "Rewritten for reading ({laws}): at most {gap:.1e} from the derived form.",
                    laws=laws,
                    gap=facts.gap,
                )
            )
        sentences.append(self._about_sizes(printed))
        return [first, " ".join([*filter(None, sentences), made_by()])]

    def _about_sizes(self, printed: _Printed) -> str:
        if not any(var.shape for var in self.graph.inputs):
            return ""
        if printed.others is None:
            return say("Written for the shapes that were recorded.")
        fixed = ", ".join(map(str, printed.others.fixed))
        batch = [s.name for s in printed.others.symbols if s.is_batch]
        if batch and fixed:
            return say(
                "Works for any batch size {n}; fixed sizes: {sizes}.",
                n=batch[0],
                sizes=fixed,
            )
        if batch:
            return say("Works for any batch size {n}.", n=batch[0])
        if fixed:
            return say("Works for arrays of other sizes; fixed sizes: {sizes}.", sizes=fixed)
        return say("Works for arrays of any size.")


@dataclass(frozen=True)
class _Facts:
    """What the checks found: whether the text ran, and the largest differences."""

    ran: bool
    error: float | None
    gap: float | None


def labels_of(graph: Graph) -> list[str]:
    """Names for the inputs: the user's; parameters of the only module by their path in it."""
    names = [checked(var.name.replace(".", "_")) for var in graph.inputs]
    structure = graph.in_structure
    modules = [c for c in structure.children if c.kind == "module"] if structure is not None else []
    if len(modules) != 1:
        return names
    short = list(names)
    for slot, child in zip(modules[0].slots, modules[0].children, strict=True):
        short[child.index] = checked(slot.path.replace(".", "_"))
    return short if len(set(short)) == len(short) and all(short) else names


def _unread(graph: Graph) -> tuple[int, ...]:
    """The inputs that nothing reads."""
    read = {atom for eqn in graph.eqns for atom in eqn.inputs} | set(graph.outputs)
    return tuple(i for i, var in enumerate(graph.inputs) if var not in read)


def place_in_program(graph: Graph) -> str:
    """`two_layer_net.py:12`, where the function begins."""
    for eqn in graph.eqns:
        position = eqn.position
        if position is None or eqn.derives is not None:
            continue
        if isinstance(position[0], str) or position[0].co_name != graph.name:
            return place_of(position)
        file = place_of(position).rpartition(":")[0]
        return f"{file}:{position[0].co_firstlineno}"
    return ""


def made_by() -> str:
    """With what a text was written."""
    return say(
        "Written by glassgrad {version} with NumPy {numpy}.",
        version=_version(),
        numpy=np.__version__,
    )


def _version() -> str:
    try:
        return version("glassgrad")
    except PackageNotFoundError:  # a checkout that was never installed
        return "0.1.0"
