"""What a gradient check found, as data and as a table for people.

Layer L4.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from glassgrad.text import say

# A complex step is exact but for rounding; fourth-order differences lose a third of the digits.
_TOLERANCE = {"complex step": 1e-9, "differences": 1e-6}


@dataclass(frozen=True)
class Row:
    """The verdict on one argument."""

    name: str
    shape: tuple[int, ...]
    order: int
    method: str
    checked: int
    excluded: int
    error: float
    worst: tuple[int, ...]
    derived: float
    reference: float

    @property
    def ok(self) -> bool:
        return self.error <= _TOLERANCE[self.method]


@dataclass
class Report:
    """What `check_grads` found; true when everything agrees."""

    name: str
    rows: list[Row] = field(default_factory=list)
    inner_product_error: float = 0.0

    def __bool__(self) -> bool:
        return (
            all(row.ok for row in self.rows)
            and self.inner_product_error <= _TOLERANCE["complex step"]
        )

    def __str__(self) -> str:
        head = (
            say("argument"),
            say("shape"),
            say("order"),
            say("method"),
            say("checked"),
            say("kinks"),
            say("max rel. error"),
            say("worst at"),
            "",
        )
        body = [_cells(row) for row in self.rows]
        table = [head, *body]
        widths = [max(len(line[i]) for line in table) for i in range(len(head))]
        lines = [
            "  ".join(c.ljust(w) for c, w in zip(line, widths, strict=True)).rstrip()
            for line in table
        ]
        verdict = say("all gradients agree") if self else say("GRADIENTS DIFFER")
        identity = say("forward against reverse mode: {error:.1e}", error=self.inner_product_error)
        return "\n".join([*lines, f"{identity}; {verdict}"])


def _cells(row: Row) -> tuple[str, ...]:
    verdict = say("ok") if row.ok else f"{row.derived:.9g} != {row.reference:.9g}"
    return (
        row.name,
        str(row.shape),
        str(row.order),
        say("complex step") if row.method == "complex step" else say("differences"),
        str(row.checked),
        str(row.excluded),
        f"{row.error:.1e}",
        str(list(row.worst)) if row.shape else "-",
        verdict,
    )
