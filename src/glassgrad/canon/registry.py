"""All examples by name."""

from __future__ import annotations

from glassgrad.canon import (
    book,
    conventions,
    cs231n,
    dezero,
    mazur,
    micrograd,
    vanishing,
    xor,
)
from glassgrad.canon.base import Example
from glassgrad.errors import unknown_option

_ROOMS = (cs231n, mazur, book, xor, micrograd, dezero, vanishing, conventions)

EXAMPLES: dict[str, Example] = {
    example.name: example
    for room in _ROOMS
    for example in vars(room).values()
    if isinstance(example, Example)
}


def find(name: str) -> Example:
    """The example of a name.

    Raises:    OptionError for an unknown name, with the nearest ones

    >>> find("book.one_fruit").title_in("en")
    'Two apples and the tax'
    """
    if name not in EXAMPLES:
        raise unknown_option("example", name, EXAMPLES)
    return EXAMPLES[name]
