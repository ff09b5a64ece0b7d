"""The body of a C function from statements of the loop IR.

Layer L6. Values used once stand where they are used, unless that would move a read past a write,
contract a product with a sum, or make the line hard to read; all others become `const` variables
named after what they are stored in or loaded from. `c_loops.py` writes loops and products.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from glassgrad.backends.native.c_loops import write_loop, write_product
from glassgrad.backends.native.c_operations import (
    ATOM,
    PRODUCT,
    SUM,
    UNARY,
    Operations,
    Text,
    number_text,
)
from glassgrad.backends.native.c_uses import Uses
from glassgrad.backends.native.c_words import Scope, assignment, c_type, comment
from glassgrad.backends.native.loops import (
    I64,
    Buffer,
    CallBack,
    Clock,
    For,
    If,
    Index,
    Let,
    Load,
    Note,
    Number,
    Operand,
    Product,
    Statement,
    Store,
    Value,
)
from glassgrad.text import Writer

_MOST = 48  # columns of an expression that stands inside another one
_MOST_ASSIGNED = 72  # and of one that fills a line by itself
_INDICES = "i j k p q r s u v".split()
_CONTRACTED = frozenset(("add", "subtract"))
_OPERATORS = frozenset(
    "add subtract multiply divide negative less less_equal greater greater_equal equal not_equal "
    "select convert bitcast and or xor not shift_left shift_right".split()
)


class Body:
    """Writes statements into `writer`; `scope` and `depth` belong to the block being written.

    place: the C name of a buffer
    tell:  the lines of a comment for equations
    stem:  what values are called that nothing gives a name
    has_told: whether such a comment stands right above the statement being written
    hints: what to call a value that has no name of its own
    """

    def __init__(
        self,
        operations: Operations,
        writer: Writer,
        scope: Scope,
        uses: Uses,
        place: Callable[[Buffer], str],
    ) -> None:
        self.operations = operations
        self.writer = writer
        self.scope = scope
        self.uses = uses
        self.place = place
        self.known: dict[Value, Text] = {}
        self.pending: dict[Value, Text] = {}
        self.tell: Callable[[Sequence[object]], list[str]] = lambda equations: []
        self.stem = "v"
        self.has_told = False
        self.hints: dict[Value, str] = {}
        self._letters: dict[Value, str] = {}
        self._loaded: dict[Value, Load] = {}

    # --- statements ------------------------------------------------------------------------

    def statements(self, body: Sequence[Statement]) -> None:
        """The statements of one block that anything depends on."""
        before: Statement | None = None
        for statement in body:
            if not self.uses.is_needed(statement):
                continue
            self.has_told, before = isinstance(before, Note), statement
            match statement:
                case Let():
                    self.keep(statement.out, self._expression(statement))
                case Load():
                    self.keep(statement.out, self._element_read(statement))
                case Store():
                    self._store(statement)
                case For():
                    write_loop(self, statement)
                case If():
                    self._condition(statement)
                case Product():
                    write_product(self, statement)
                case Note():
                    self._note(statement)
                case CallBack() | Clock():
                    raise AssertionError("c_program refuses call-backs, and is not measured")

    def _expression(self, statement: Let) -> Text:
        inside = statement.op in _OPERATORS
        for arg in statement.args:
            waiting = self.pending.get(arg) if isinstance(arg, Value) else None
            contracts = statement.op in _CONTRACTED and waiting is not None and waiting.is_product
            if waiting is not None and (contracts or (not inside and "(" in waiting.text)):
                self.settle(arg)
        args = [self.take(arg) for arg in statement.args]
        return self.operations.expression(statement.op, args, statement.out.dtype)

    def _element_read(self, statement: Load) -> Text:
        text = self.element(statement.buffer, statement.index)
        self._loaded[statement.out] = statement
        return Text(text, statement.buffer.dtype, ATOM, reads=True)

    def _store(self, statement: Store) -> None:
        target = self.element(statement.buffer, statement.index)
        value = self.take(statement.value).text
        self.settle_reads()
        self.assign(target, value)

    def _condition(self, statement: If) -> None:
        condition = self.take(statement.condition).text
        self.settle_reads()
        self.writer.line(f"if ({condition}) {{")
        self.block(statement.body)
        self.writer.line("}")

    def _note(self, statement: Note) -> None:
        for row in statement.text.splitlines():
            self.writer.line(comment(row))
        for row in self.tell(statement.equations):
            self.writer.line(row)

    def block(self, body: Sequence[Statement], then: Callable[[], None] | None = None) -> None:
        """The statements between two braces; `then` writes what follows them there."""
        with self.braces(), self.writer.indented():
            self.statements(body)
            if then is not None:
                then()

    @contextmanager
    def braces(self) -> Iterator[None]:
        """Names given inside are free again behind it."""
        outer, self.scope = self.scope, self.scope.inner()
        yield
        self.scope = outer

    # --- values ----------------------------------------------------------------------------

    def take(self, operand: Operand) -> Text:
        """The text of an operand at its use; what waited for its only use stands there."""
        if isinstance(operand, Number):
            return number_text(operand)
        waiting = self.pending.pop(operand, None)
        return self.known[operand] if waiting is None else waiting

    def atom(self, operand: Operand | int) -> str:
        """The text of an operand that is used several times: a name or a literal."""
        if isinstance(operand, int):
            return str(operand)
        if isinstance(operand, Value):
            self.settle(operand)
        return self.take(operand).text

    def keep(self, value: Value, text: Text) -> None:
        """A new value: written later inside its only use, or now as a variable."""
        self.pending[value] = text
        most = _MOST_ASSIGNED if value in self.uses.assigned else _MOST
        if not self.uses.is_single(value) or len(text.text) > most:
            self.settle(value)

    def settle(self, value: Operand) -> None:
        """Write a value that waits as a variable."""
        text = self.pending.pop(value, None) if isinstance(value, Value) else None
        if text is not None:
            assert isinstance(value, Value)
            name = self._variable_name(value)
            self.assign(f"const {c_type(value.dtype)} {name}", text.text)
            self.known[value] = Text(name, value.dtype, ATOM, bounds=text.bounds)

    def settle_reads(self) -> None:
        """Write whatever waits and reads memory: memory is about to change."""
        for value in [v for v, text in self.pending.items() if text.reads]:
            self.settle(value)

    def assign(self, target: str, value: str) -> None:
        """`target = value;`"""
        self.writer.lines(assignment(target, value))

    # --- names -----------------------------------------------------------------------------

    def index_name(self, variable: Value) -> str:
        """A name for the variable of a loop."""
        name = self.scope.first(_INDICES, "i")
        self._letters[variable] = name
        return name

    def result_name(self, value: Value, stem: str) -> str:
        """A name for what a loop hands out: the value's own, that of its place, else the stem."""
        store = self.uses.stored.get(value)
        if store is None:
            return self.scope.name(value.name or stem, stem)
        return self.scope.name(self._element_name(store.buffer, store.index), stem)

    def _variable_name(self, value: Value) -> str:
        store = self.uses.stored.get(value)
        if store is not None and not (value.name and store.buffer.size == 1):
            return self.scope.name(self._element_name(store.buffer, store.index), self.stem)
        if value.name:
            return self.scope.name(value.name, self.stem)
        if value in self.hints:
            return self.scope.name(self.hints[value], self.stem)
        load = self._loaded.get(value)
        if load is not None:
            return self.scope.name(self._element_name(load.buffer, load.index), self.stem)
        if value in self.uses.positions:
            return (
                self.scope.name("row", "row") if value.dtype == I64 else self.scope.name("", "at")
            )
        return self.scope.name("", self.stem)

    def _element_name(self, buffer: Buffer, index: Index) -> str:
        """`h_ij` for h[50 * i + j]."""
        letters = "".join(self._letters.get(value, "") for value, _ in index.terms)
        return f"{self.place(buffer)}_{letters or index.base}"

    # --- memory ----------------------------------------------------------------------------

    def element(self, buffer: Buffer, index: Index) -> str:
        """`h[50 * i + j]`"""
        return f"{self.place(buffer)}[{self.index(index)}]"

    def index(self, index: Index, *more: tuple[str, int]) -> str:
        """`50 * i + j + 3`; `more` are terms of names that are no values."""
        terms = [(self.take(value), stride) for value, stride in index.terms]
        terms += [(Text(name, I64), stride) for name, stride in more]
        terms = _grouped([term for term in terms if term[1]])
        terms.sort(key=lambda term: term[1] < 0)  # no leading minus where it can be helped
        out = str(index.base) if index.base and (not terms or terms[0][1] < 0) else ""
        rest = index.base if not out else 0
        for text, stride in terms:
            out = _joined(out, text, stride)
        if rest:
            out = f"{out} {'-' if rest < 0 else '+'} {abs(rest)}" if out else str(rest)
        return out or "0"


def _grouped(terms: Sequence[tuple[Text, int]]) -> list[tuple[Text, int]]:
    """`50 * start + 50 * i` as 50 * (start + i)."""
    groups: dict[int, list[Text]] = {}
    for text, stride in terms:
        groups.setdefault(stride, []).append(text)
    found = []
    for stride, texts in groups.items():
        if len(texts) == 1 or stride == 1:
            found += [(text, stride) for text in texts]
        else:
            total = " + ".join(text.within(PRODUCT) for text in texts)
            found.append((Text(total, I64, SUM), stride))
    return found


def _joined(out: str, text: Text, stride: int) -> str:
    size = abs(stride)
    part = text.within(SUM if stride == 1 else PRODUCT)
    part = part if size == 1 else f"{size} * {text.within(UNARY)}"
    if not out:
        return part if stride > 0 else f"-{part}"
    return f"{out} {'-' if stride < 0 else '+'} {part}"
