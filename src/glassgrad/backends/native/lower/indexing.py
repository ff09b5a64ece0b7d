"""Reading and writing at index arrays: gather, add_at, index_set, and along one axis; pick, unpick.

Layer L6. An index outside its axis is an error in NumPy. Here all index arrays are looked through
first; a bad one sets the program's fault, and is then held inside the axis, so that nothing outside
the array is ever touched. Writes happen in NumPy's order, so that sums keep their bits.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from glassgrad.backends.native.loops import BOOL, I64, Number, Operand, Value
from glassgrad.backends.native.lower import scalar
from glassgrad.backends.native.lower.access import Access, Position, broadcast, positions
from glassgrad.backends.native.lower.copies import copy, zero
from glassgrad.backends.native.lower.site import Site, lowers
from glassgrad.backends.native.lower.trees import as_operand
from glassgrad.backends.native.lower.views import complete, indexed
from glassgrad.graph.ir import Eqn
from glassgrad.primitives.along import add_along_axis_p, pick_p, take_along_axis_p, unpick_p
from glassgrad.primitives.index import add_at_p, gather_p, index_set_p
from glassgrad.primitives.indexing import ALL, Index, layout_of

# --- positions that are numbers of an array ----------------------------------------------


def check(site: Site, operand: int, size: int) -> None:
    """Set the fault if an element of an index array is outside an axis of `size`."""
    b, rows = site.b, site.rows_of(operand)
    given = site.inputs[operand]
    shape = given.shape if isinstance(given, Access) else ()

    def is_outside(position: Sequence[Position]) -> Operand:
        index = site.load(operand, position, I64)
        below = b.let("less", index, Number(-size, I64))
        return b.let("or", below, b.let("greater_equal", index, Number(size, I64)))

    if not shape:
        site.fault(is_outside([]))
        return
    inner = rows if len(shape) == 1 else None
    stop = shape[-1] if inner is None else inner.count
    with positions(b, shape[:-1], rows if inner is None else None, lanes=False) as lead:
        with b.loop(stop, lanes=True) as loop:
            found = loop.carry(Number(False, BOOL), "or")
            last = loop.variable if inner is None else b.let("add", inner.start, loop.variable)
            loop.set(found, b.let("or", found, is_outside([*lead, last])))
        site.fault(loop.result(found))


def held_inside(site: Site, value: Operand, size: int) -> Value:
    """An index as a place of an axis: negative ones count from its end, bad ones stay inside."""
    index = site.as_index(value, size)
    not_below = site.b.let("maximum", index, Number(0, I64))
    return site.b.let("minimum", not_below, Number(size - 1, I64))


def place_at(site: Site, operand: int, position: Sequence[Position], size: int) -> Value:
    """The place that an index array names at `position`."""
    return held_inside(site, site.load(operand, position), size)


# --- indices with arrays -----------------------------------------------------------------


@dataclass(frozen=True)
class Selection:
    """What `target[index]` selects, position by position.

    view:   the target with its integers and slices taken, an axis for each index array
    arrays: for each axis of `view` the operand with its places, None where it is taken as it is
    shape:  of what is selected; axes `start` to `start + rank` are those of the index arrays
    """

    site: Site
    view: Access
    arrays: tuple[int | None, ...]
    shape: tuple[int, ...]
    start: int
    rank: int

    @property
    def ends_plain(self) -> bool:
        """Whether neighbours of what is selected are neighbours in the target."""
        return self.start + self.rank < len(self.shape)

    def check(self) -> bool:
        """Set the fault for indices outside; False if there is no place that could be read."""
        for axis, operand in enumerate(self.arrays):
            if operand is not None:
                check(self.site, operand, self.view.shape[axis])
        return 0 not in self.view.shape

    def places(self, position: Sequence[Position]) -> dict[int, Position]:
        """Where the index arrays point, by axis of `view`."""
        found: dict[int, Position] = {}
        common = position[self.start : self.start + self.rank]
        for axis, operand in enumerate(self.arrays):
            if operand is not None:
                at = _own(self.site.inputs[operand], common)
                found[axis] = place_at(self.site, operand, at, self.view.shape[axis])
        return found

    def position(self, position: Sequence[Position], places: dict[int, Position]) -> list[Position]:
        """The position in `view` of a position in what is selected."""
        plain = iter([*position[: self.start], *position[self.start + self.rank :]])
        return [
            places[axis] if operand is not None else next(plain)
            for axis, operand in enumerate(self.arrays)
        ]

    @contextmanager
    def each(self) -> Iterator[tuple[list[Position], list[Position]]]:
        """Loops over what is selected: (position in it, position in `view`).

        In C order of the index arrays; lanes run only where they meet different elements.
        """
        b, rows = self.site.b, self.site.rows
        if not self.ends_plain or (rows is not None and len(self.shape) == 1):
            with positions(b, self.shape, rows, lanes=self.ends_plain) as position:
                yield position, self.position(position, self.places(position))
            return
        with positions(b, self.shape[:-1], rows, lanes=False) as lead:
            places = self.places([*lead, 0])
            with positions(b, self.shape[-1:]) as last:
                position = [*lead, *last]
                yield position, self.position(position, places)


def _own(array: Access | Number, common: Sequence[Position]) -> list[Position]:
    """The position in one index array, which is broadcast against the others."""
    shape = array.shape if isinstance(array, Access) else ()
    own = common[len(common) - len(shape) :]
    return [0 if size == 1 else at for size, at in zip(shape, own, strict=True)]


def selection(site: Site, target: Access, first: int) -> Selection:
    """What the equation's index selects of `target`; index arrays are operands from `first` on."""
    index: Index = site.eqn.params["index"]
    items = complete(index, len(target.shape))
    plain = tuple(ALL if _is_array(item) else item for item in items)
    arrays = tuple(
        first + item[1] if isinstance(item, tuple) and _is_array(item) else None
        for item in items
        if not isinstance(item, int)
    )
    shapes = [atom.aval.shape for atom in site.eqn.inputs[first:]]
    found = layout_of(target.shape, index, shapes)
    return Selection(site, indexed(target, plain), arrays, *found)


def _is_array(item: object) -> bool:
    return isinstance(item, tuple) and item[0] == "array"


def _keeps_first(shape: Sequence[int], index: Index, start: int) -> bool:
    """Whether axis 0 is taken as it is, and is axis 0 of what is selected."""
    has_arrays = any(map(_is_array, index))
    items = complete(index, len(shape))
    return bool(items) and items[0] == ALL and (start > 0 or not has_arrays)


# --- gather, add_at, index_set -----------------------------------------------------------


def _rows_of_gather(eqn: Eqn) -> list[bool] | None:
    x, *arrays = (atom.aval.shape for atom in eqn.inputs)
    index, out = eqn.params["index"], eqn.outputs[0].shape
    found = layout_of(x, index, arrays)
    if not out:
        return None
    if _keeps_first(x, index, found.start):
        return [True] + [False] * len(arrays)
    if found.start or not found.rank:
        return None
    return [False, *(len(a) == found.rank and a[0] == out[0] for a in arrays)]


@lowers(gather_p, rows=_rows_of_gather)
def _gather(site: Site) -> None:
    chosen = selection(site, site.array(0), 1)
    if not chosen.check():
        zero(site.b, site.out, site.rows)
        return
    with chosen.each() as (position, place):
        site.out.store(site.b, position, chosen.view.load(site.b, place))


def _rows_of_add(eqn: Eqn) -> list[bool] | None:
    shape, index = eqn.params["shape"], eqn.params["index"]
    found = layout_of(shape, index, [atom.aval.shape for atom in eqn.inputs[1:]])
    if not _keeps_first(shape, index, found.start):
        return None
    return [True] + [False] * (len(eqn.inputs) - 1)


@lowers(add_at_p, rows=_rows_of_add)
def _add_at(site: Site) -> None:
    b = site.b
    zero(b, site.out, site.rows)
    chosen = selection(site, site.out, 1)
    if not chosen.check():
        return
    with chosen.each() as (position, place):
        _add(site, chosen.view, place, site.load(0, position))


def _add(site: Site, target: Access, place: Sequence[Position], value: Operand) -> None:
    before = target.load(site.b, place)
    target.store(site.b, place, scalar.operation(site.b, "add", [before, value], [False, False]))


def rows_of_writing(eqn: Eqn) -> list[bool] | None:
    """Operands that follow the rows, of a record that takes (x, value, *index arrays)."""
    x, value, *arrays = (atom.aval.shape for atom in eqn.inputs)
    index = eqn.params["index"]
    found = layout_of(x, index, arrays)
    if not _keeps_first(x, index, found.start):
        return None
    own = len(value) == len(found.shape) and value[0] == x[0]
    return [True, own] + [False] * len(arrays)


@lowers(index_set_p, rows=rows_of_writing)
def _index_set(site: Site) -> None:
    b, dtype = site.b, site.out.dtype
    copy(b, site.inputs[0], site.out, site.rows)
    chosen = selection(site, site.out, 2)
    value = site.inputs[1]
    if isinstance(value, Access):
        value = broadcast(value, chosen.shape)
    if not any(operand is not None for operand in chosen.arrays):
        copy(b, value, chosen.view, site.rows)
        return
    if not chosen.check():
        return
    with chosen.each() as (position, place):
        new = site.load(1, [], dtype) if isinstance(value, Number) else value.load(b, position)
        chosen.view.store(b, place, new if isinstance(new, Number) else b.convert(new, dtype))


# --- along one axis ----------------------------------------------------------------------


def _aligned(site: Site, shape: Sequence[int], axis: int) -> tuple[Access, Access]:
    """Both operands broadcast to `shape` outside `axis`."""
    found = []
    for x in (site.array(0), site.array(1)):
        own = [*shape[:axis], x.shape[axis], *shape[axis + 1 :]]
        found.append(broadcast(x, own))
    return found[0], found[1]


def _rows_along(eqn: Eqn) -> list[bool] | None:
    axis, out = eqn.params["axis"], eqn.outputs[0].shape
    if axis == 0:
        return [False, True] if eqn.primitive is take_along_axis_p else None
    return [atom.aval.shape[0] == out[0] for atom in eqn.inputs]


@lowers(take_along_axis_p, rows=_rows_along)
def _take_along(site: Site) -> None:
    b, axis = site.b, site.eqn.params["axis"]
    x, indices = _aligned(site, site.out.shape, axis)
    size = x.shape[axis]
    check(site, 1, size)
    if size == 0:
        zero(b, site.out, site.rows)
        return
    with positions(b, site.out.shape, site.rows) as position:
        place = list(position)
        place[axis] = held_inside(site, indices.load(b, position), size)
        site.out.store(b, position, x.load(b, place))


@lowers(add_along_axis_p, rows=_rows_along)
def _add_along(site: Site) -> None:
    b, axis, size = site.b, site.eqn.params["axis"], site.eqn.params["size"]
    shape = site.eqn.inputs[0].aval.shape
    x, indices = _aligned(site, shape, axis)
    zero(b, site.out, site.rows)
    check(site, 1, size)
    if size == 0:
        return
    # Lanes on another axis meet different elements; on this one they might meet the same.
    with positions(b, shape, site.rows, lanes=axis != len(shape) - 1) as position:
        place = list(position)
        place[axis] = held_inside(site, indices.load(b, position), size)
        _add(site, site.out, place, x.load(b, position))


# --- one element a row -------------------------------------------------------------------


@lowers(pick_p, rows=lambda eqn: [True, True])
def _pick(site: Site) -> None:
    b, x = site.b, site.array(0)
    k = x.shape[1]
    check(site, 1, k)
    if k == 0:
        zero(b, site.out, site.rows)
        return
    with positions(b, site.out.shape, site.rows) as position:
        place = place_at(site, 1, position, k)
        site.out.store(b, position, x.load(b, [*position, place]))


@lowers(unpick_p, rows=lambda eqn: [bool(eqn.inputs[0].aval.shape), True])
def _unpick(site: Site) -> None:
    """Every element is compared with its row's label, so that rows are written in lanes."""
    b, out = site.b, site.out
    k = out.shape[1]
    nothing = Number(out.dtype.type(0), out.dtype)
    is_one = not site.eqn.inputs[0].aval.shape
    check(site, 1, k)
    with positions(b, out.shape[:1], site.rows, lanes=False) as row:
        label = site.as_index(site.load(1, row), k)
        value = site.load(0, [] if is_one else row, out.dtype)
        with positions(b, out.shape[1:]) as column:
            hit = b.let("equal", as_operand(column[0]), label)
            out.store(b, [*row, *column], b.let("select", hit, value, nothing))
