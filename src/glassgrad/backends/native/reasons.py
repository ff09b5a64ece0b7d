"""Why values go through memory: what keeps those who make one from those who read it.

Layer L6. It asks the rules that the scheduler went by, and what it noted as it went. Each reason
has a word for programs, and a sentence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from glassgrad.backends.native.labels import Labels
from glassgrad.backends.native.lower.items import Nest
from glassgrad.backends.native.lower.nodes import Node, Nodes
from glassgrad.backends.native.lower.schedule import is_everywhere, why_apart
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Var
from glassgrad.text import say


@dataclass(frozen=True)
class Place:
    """Where a node runs: its phase, its kernel, and the number of the part, from 1."""

    phase: int
    kernel: str
    part: int

    def __str__(self) -> str:
        return f"{self.kernel}.{self.part}"


@dataclass(frozen=True)
class Through:
    """A value that goes through memory.

    memory:  "arena" all workers see it; "private" one tile at a time; "result" it is an output
    made, read: parts of kernels, as `k0_0.3`
    reason:  one word; `because` says it in a sentence
    """

    value: str
    bytes: int
    memory: str
    made: str
    read: tuple[str, ...]
    reason: str
    because: str


def through_memory(program: Program, labels: Labels) -> Iterator[Through]:
    """Every value that is not read where it is made, in the order in which they are made."""
    assert program.nodes is not None
    where = places(program)
    readers = _readers(program.nodes)
    for node in program.nodes.list:
        if is_everywhere(node):
            continue
        for var in node.outputs:
            if var in program.memory:
                yield from _cuts(node, var, readers.get(var, []), where, (program, labels))


def _cuts(
    maker: Node,
    var: Var,
    readers: Sequence[tuple[Node, bool]],
    where: Mapping[Node, Place],
    context: tuple[Program, Labels],
) -> Iterator[Through]:
    """One for each reason that keeps readers of a value away from where it is made."""
    program, labels = context
    buffer = program.memory[var].buffer
    found: dict[str, list[Node]] = {}
    first: dict[str, Node] = {}
    for user, keeps in _distant(readers, maker, where, buffer.place):
        reason, about = why(maker, user, keeps, where, program)
        found.setdefault(reason, []).append(user)
        if reason == "stage" or reason not in first:  # of stages, the last
            first[reason] = about
    for reason, users in found.items():
        yield Through(
            value=labels[var],
            bytes=buffer.bytes,
            memory="result" if buffer.place == "argument" else buffer.place,
            made=str(where[maker]),
            read=tuple(dict.fromkeys(str(where[user]) for user in users)),
            reason=reason,
            because=_sentence(reason, maker, first[reason], labels),
        )


def places(program: Program) -> dict[Node, Place]:
    """Where each node runs."""
    parts = [
        (Place(phase, kernel.name, number), part)
        for phase, kernels in enumerate(program.phases)
        for kernel in kernels
        for number, part in enumerate(kernel.parts, 1)
    ]
    return {node: place for place, part in parts for node in nodes_in(part.source)}


def nodes_in(source: object) -> list[Node]:
    """The nodes of a part: of a nest, a list, or one alone."""
    if isinstance(source, Node):
        return [source]
    if isinstance(source, Nest):
        return source.nodes
    assert isinstance(source, list)
    return source


def _distant(
    readers: Sequence[tuple[Node, bool]], maker: Node, where: Mapping[Node, Place], place: str
) -> list[tuple[Node, bool]]:
    """Those who read a value from memory: in the nest that makes it only if nobody else does."""
    others = [(user, keeps) for user, keeps in readers if where[user] != where[maker]]
    return others or (list(readers) if place == "private" else [])


def _readers(nodes: Nodes) -> dict[Var, list[tuple[Node, bool]]]:
    found: dict[Var, list[tuple[Node, bool]]] = {}
    for node in nodes.list:
        for root, _, keeps in nodes.roots(node):
            found.setdefault(root, []).append((node, keeps))
    return found


# --- reasons -----------------------------------------------------------------------------


def why(
    maker: Node, user: Node, keeps_rows: bool, where: Mapping[Node, Place], program: Program
) -> tuple[str, Node]:
    """The reason, in one word, why a node does not take a value from where it is made, and the node
    that it is the reason of."""
    made, read = where[maker], where[user]
    if made.phase != read.phase:
        return why_apart(maker, user, keeps_rows) or "waits", user
    if made == read:
        return "stage", user
    for node, word in ((maker, "made"), (user, "read")):
        if node.kind == "product":
            return f"product {word}", node
        if node.kind in ("generic", "sums"):
            return f"alone {word}", node
        if node.kind == "combine":
            return "combined", node
    return _between(made, read, program) or ("between", user)


def _between(made: Place, read: Place, program: Program) -> tuple[str, Node] | None:
    """Why two fusable nodes of one kernel are in different nests; None if other work parts them."""
    (kernel,) = (k for k in program.kernels if k.name == made.kernel)
    sources = [part.source for part in kernel.parts[made.part : read.part]]
    if all(isinstance(source, Nest) for source in sources):
        for source in sources:
            if source.why:
                return source.why, source.nodes[0]
    return None


def _sentence(reason: str, maker: Node, about: Node, labels: Labels) -> str:
    value, equation, name = labels[maker.out], labels.node(about), about.eqn.primitive.name
    if reason == "rows" and maker.rows is None:
        return say("{name} is made in one piece", name=value)
    if reason == "rows" and about.rows is None:
        return say("{equation} does not go row by row", equation=equation)
    found = {
        "all": say("{equation} needs all its rows: a barrier", equation=equation),
        "rows": say("{equation} has another number of rows", equation=equation),
        "tiles": say("what the tiles give is put together behind a barrier"),
        "combined": say("the tiles' results are put together in memory"),
        "scalar": say("every worker computes {equation} behind a barrier", equation=equation),
        "waits": say("{equation} waits for another operand, behind a barrier", equation=equation),
        "stage": say("a later stage of the row reads it again: {equation}", equation=equation),
        "product made": say("a product writes it to memory"),
        "product read": say("a product reads it from memory: {equation}", equation=equation),
        "alone made": say("{name} is lowered on its own", name=name),
        "alone read": say("{name} is lowered on its own", name=name),
        "view": say(
            "{equation} begins other loops: it reads an operand in another order",
            equation=equation,
        ),
        "axes": say("{equation} begins other loops: it reduces other axes", equation=equation),
        "shape": say("{equation} begins other loops: its inner axes differ", equation=equation),
        "between": say(
            "other work comes between {name} and {equation}", name=value, equation=equation
        ),
    }
    return found[reason]


def copied(node: Node) -> str:
    """Why a node copies; "" if it does not."""
    eqn = node.eqn.primitive.name
    reasons = {
        "": "",
        "strides": say("no strides say what {name} makes of it", name=eqn),
        "blas": say("BLAS cannot read it as it lies: neither rows nor columns are side by side"),
        "python": say("Python reads only arrays that lie side by side"),
        "result": say("a result is an array of its own"),
    }
    return reasons[node.copies]
