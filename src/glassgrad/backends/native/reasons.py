"""Why values go through memory: what kept the work that makes one apart from the work that reads it.

Layer L6. It asks the rules that the scheduler went by, and what it noted as it went. Each reason has
a word for programs, and a sentence.
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
    nodes = program.nodes
    assert nodes is not None
    where = places(program)
    readers = _readers(nodes)
    for node in nodes.list:
        if is_everywhere(node):
            continue
        for var in node.outputs:
            access = program.memory.get(var)
            if access is None:
                continue
            place = access.buffer.place
            found: dict[str, list[Node]] = {}
            for user, keeps in _distant(readers.get(var, []), node, where, place):
                found.setdefault(why(node, user, keeps, where, program), []).append(user)
            for reason, users in found.items():
                yield Through(
                    value=labels[var],
                    bytes=access.buffer.bytes,
                    memory="result" if place == "argument" else place,
                    made=str(where[node]),
                    read=tuple(dict.fromkeys(str(where[user]) for user in users)),
                    reason=reason,
                    because=_sentence(reason, node, users[0], labels),
                )


def places(program: Program) -> dict[Node, Place]:
    """Where each node runs."""
    found = {}
    for phase, kernels in enumerate(program.phases):
        for kernel in kernels:
            for number, part in enumerate(kernel.parts, 1):
                for node in nodes_in(part.source):
                    found[node] = Place(phase, kernel.name, number)
    return found


def nodes_in(source: object) -> list[Node]:
    """The nodes of a part: of a nest, a list, or one alone."""
    if isinstance(source, Node):
        return [source]
    return list(source.nodes if isinstance(source, Nest) else source)  # type: ignore[call-overload]


def _distant(
    readers: Sequence[tuple[Node, bool]], maker: Node, where: Mapping[Node, Place], place: str
) -> list[tuple[Node, bool]]:
    """Those who read a value from memory: not in the nest that makes it, unless nobody else does."""
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
) -> str:
    """The reason, in one word, why a node does not take a value from where it is made."""
    made, read = where[maker], where[user]
    if made.phase != read.phase:
        return why_apart(maker, user, keeps_rows) or "waits"
    if made == read:
        return "stage"
    for node, word in ((maker, "made"), (user, "read")):
        if node.kind == "product":
            return f"product {word}"
        if node.kind == "generic":
            return f"alone {word}"
        if node.kind == "combine":
            return "combined"
    return _between(made, read, program)


def _between(made: Place, read: Place, program: Program) -> str:
    """Why two fusable nodes of one kernel are in different nests."""
    (kernel,) = (k for k in program.kernels if k.name == made.kernel)
    sources = [part.source for part in kernel.parts[made.part : read.part]]
    if all(isinstance(source, Nest) for source in sources):
        for source in sources:
            if source.why:
                return str(source.why)
    return "between"


def _sentence(reason: str, maker: Node, user: Node, labels: Labels) -> str:
    made, read = labels[maker.out], labels.node(user)
    if reason == "rows" and (maker.rows is None or user.rows is None):
        return say("{equation} does not go row by row", equation=read)
    if reason == "all":
        return say("{equation} needs all its rows: a barrier", equation=read)
    found = {
        "rows": say("{equation} has another number of rows", equation=read),
        "tiles": say("what the tiles give is put together behind a barrier"),
        "combined": say("the tiles' results are put together in memory"),
        "scalar": say("every worker computes {equation} behind a barrier", equation=read),
        "waits": say("{equation} waits for another operand, behind a barrier", equation=read),
        "stage": say("a later stage of the row reads it again: {equation}", equation=read),
        "product made": say("a product writes it to memory"),
        "product read": say("a product reads it from memory: {equation}", equation=read),
        "alone made": say("{name} is lowered on its own", name=maker.eqn.primitive.name),
        "alone read": say("{name} is lowered on its own", name=user.eqn.primitive.name),
        "view": say("{equation} reads it in another order", equation=read),
        "axes": say("{equation} reduces other axes", equation=read),
        "shape": say("{equation} has other inner axes", equation=read),
        "between": say("other work comes between {name} and {equation}", name=made, equation=read),
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
