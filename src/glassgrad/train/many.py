"""`TrainStep.run`: any number of steps in one call, on rows of whole arrays.

Layer L9. Natively about a tenth of a second's worth of them is one call of machine code; the rest,
and everything by NumPy, goes step by step. The numbers are those of single calls.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.errors import DataError, OptionError, ShapeError
from glassgrad.text import say
from glassgrad.train.program import Many, ManySteps
from glassgrad.train.recording import batch_array
from glassgrad.tree import flatten, unflatten

if TYPE_CHECKING:
    from glassgrad.train.step import Carry, TrainStep


def take(step: TrainStep, data: Sequence[Any], order: Any, batch_size: int | None) -> Any:
    """What `TrainStep.run` does."""
    if order is None:
        data, order, batch_size = _parted(data, batch_size)
    step.refresh()
    leaves, structure = flatten(tuple(data))
    arrays = [np.ascontiguousarray(batch_array(leaf)) for leaf in leaves]
    rows = _row_numbers(order, batch_size, arrays)
    data = unflatten(structure, arrays)
    program = step.program_for(data, rows.shape[1])
    many = program.many_steps(arrays)
    carry, parts = step.read(), []
    try:
        for part in _parts(step, many, carry, data, rows):
            carry = part.carry
            parts.append(part)
    except BaseException:
        if many is not None:
            many.rewind(carry)
        raise
    finally:
        step.write(carry)
    losses = _joined([part.losses for part in parts])
    if program.aux is None:
        return losses
    columns = [_joined(column) for column in zip(*(part.aux for part in parts), strict=True)]
    return losses, unflatten(program.aux, columns)


def _joined(parts: Sequence[np.ndarray]) -> np.ndarray:
    if len(parts) > 1:
        return np.concatenate(parts)
    return parts[0] if parts else np.empty(0)


def _parted(given: Sequence[Any], batch_size: int | None) -> tuple[Sequence[Any], Any, Any]:
    """(data, order, batch size) that were given one after the other."""
    data = list(given)
    if data and isinstance(data[-1], (int, np.integer)):
        batch_size = int(data.pop())
    if len(data) < 2:  # noqa: PLR2004 - data and their order
        problem = say("the order of the rows is missing")
        raise OptionError(problem, operation="TrainStep.run", hint="step.run(X, y, order)")
    return data[:-1], data[-1], batch_size


def _parts(
    step: TrainStep, many: ManySteps | None, carry: Carry, data: Sequence[Any], rows: np.ndarray
) -> Iterator[Many]:
    """The steps in parts: natively many at a time, or one by one where that must be."""
    arrays, structure = flatten(tuple(data))
    while len(rows):
        count = 1 if many is None else many.pace.count(len(rows))
        now, rows = rows[:count], rows[count:]
        found = None if many is None else many.run(step, carry, arrays, now)
        if found is not None:
            carry = found.carry
            yield found
            continue
        for batch in now:
            outcome = step.advance(carry, unflatten(structure, [a[batch] for a in arrays]))
            carry = outcome.carry
            aux = [np.asarray(leaf)[None] for leaf in flatten(outcome.aux)[0]]
            yield Many(carry, np.array([outcome.loss]), aux)


def _row_numbers(order: Any, batch_size: int | None, arrays: Sequence[np.ndarray]) -> np.ndarray:
    """`order` as (steps, rows a step), checked against the data.

    Raises:    ShapeError if arrays differ in length; OptionError, DataError for other orders
    """
    lengths = sorted({len(a) if a.ndim else 0 for a in arrays})
    if len(lengths) != 1 or not lengths[0]:
        raise ShapeError(
            say("the inputs have {lengths} rows", lengths=lengths), operation="TrainStep.run"
        )
    rows = np.asarray(order)
    if rows.ndim == 1 and batch_size is not None and batch_size > 0:
        if len(rows) % batch_size:
            raise OptionError(
                say("{n} row numbers are no whole batches of {size}", n=len(rows), size=batch_size),
                operation="TrainStep.run",
            )
        rows = rows.reshape(-1, batch_size)
    if rows.ndim != 2 or (batch_size is not None and rows.shape[1] != batch_size):  # noqa: PLR2004
        raise OptionError(
            say("an order of shape {shape}", shape=np.shape(order)),
            operation="TrainStep.run",
            rule=say("row numbers (steps, rows a step); or (n,) with batch_size"),
        )
    n = lengths[0]
    numbers = np.ascontiguousarray(rows, np.int64) if rows.dtype.kind in "iu" else None
    # As unsigned a negative number is a very large one, and 2^63 or more stays so: one look does.
    if numbers is None or numbers.view(np.uint64).max(initial=0) >= n:
        problem = say("the order holds what is no row number")
        raise DataError(problem, operation="TrainStep.run", rule=f"0 ≤ row < {n}")
    return numbers
