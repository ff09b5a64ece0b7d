"""Folding: many units in one box, by region, by repetition, and in the last resort by number.

Layer L8. Every group is a stretch of the equations' order, or a part of one that is not connected
to the rest, so putting it in one box never makes a cycle.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial
from typing import Any

from glassgrad.core.region import COMPOSITES, Path
from glassgrad.errors import unknown_option
from glassgrad.text import say
from glassgrad.view.labels import Label, Span, plain, shortened
from glassgrad.view.units import Kind, Operand, Unit, Value

LIMIT = 150  # nodes that a person can still look through
_LEAVES = (Kind.PARAMETER, Kind.CONSTANT)
_FEWEST_REPEATS = 3
_LONGEST_PERIOD = 24
_CHUNK_SHARE = 0.6  # of the limit, for the boxes of the last resort


def layers(units: Sequence[Unit], opened: Collection[str] = (), limit: int = LIMIT) -> list[Unit]:
    """Each outermost region as one box; regions that only hold regions are opened.

    opened: paths of further regions to look into, such as "encoder/attention"
    """
    paths = {unit.region for unit in units if unit.kind is Kind.OPERATION}
    _check_opened(opened, paths)
    transparent = _containers(paths) | {tuple(name.split("/")) for name in opened}

    def box(path: Path) -> Path | None:
        for depth in range(1, len(path) + 1):
            if path[:depth] not in transparent:
                return path[:depth]
        return None

    return within(_folded(units, box, fewest=1), limit)


def arrays(units: Sequence[Unit], limit: int = LIMIT) -> list[Unit]:
    """Every equation a node; too many of them are folded by region, the innermost first."""
    deepest = max((len(unit.region) for unit in units), default=0)
    shown = list(units)
    for depth in range(deepest, 0, -1):
        if len(shown) <= limit:
            return shown
        shown = _folded(units, partial(_prefix, depth=depth))
    return within(shown, limit)


def _prefix(path: Path, depth: int) -> Path | None:
    return path[:depth] if len(path) >= depth else None


def within(units: Sequence[Unit], limit: int = LIMIT) -> list[Unit]:
    """At most `limit` units: repeated layers by count, then equal stretches, then inputs."""
    shown = list(units)
    while len(shown) > limit:
        groups = _repeats(shown)
        if not groups:
            break
        shown = _collapsed(shown, groups)
    if len(shown) > limit:
        shown = _collapsed(shown, _stretches(shown, int(limit * _CHUNK_SHARE)))
    if len(shown) > limit:
        shown = _bundled(shown, limit)
    return shown


def _check_opened(opened: Collection[str], paths: Collection[Path]) -> None:
    known = {"/".join(path[:depth]) for path in paths for depth in range(1, len(path) + 1)}
    for name in opened:
        if name not in known:
            raise unknown_option("region", name, known)


def _containers(paths: Collection[Path]) -> set[Path]:
    """Regions without an equation of their own; not a layer that only calls one function."""
    children: dict[Path, set[str]] = {}
    for path in paths:
        for depth in range(1, len(path)):
            children.setdefault(path[:depth], set()).add(path[depth])
    functions = set(COMPOSITES)
    calls = {path for path, inner in children.items() if len(inner) == 1 and inner <= functions}
    return set(children) - calls - set(paths)


# --- groups ------------------------------------------------------------------------------

Group = tuple[Label, list[Unit], int]


def _folded(
    units: Sequence[Unit], box: Callable[[Path], Path | None], fewest: int = 2
) -> list[Unit]:
    """Stretches of operations with one box, each connected part of at least `fewest` a region."""
    groups: list[Group] = []
    stretch: list[Unit] = []
    current: Path | None = None
    for unit in [*units, None]:
        if unit is not None and unit.kind is not Kind.OPERATION:
            continue
        path = box(unit.region) if unit is not None else None
        if stretch and path != current:
            assert current is not None
            name = shortened(plain(current[-1]))
            groups += [
                ((Span(name),), part, 1) for part in _connected(stretch) if len(part) >= fewest
            ]
            stretch = []
        if path is not None and unit is not None:
            stretch.append(unit)
        current = path
    return _collapsed(units, groups, lambda group: box(group[1][0].region) or ())


def _connected(units: Sequence[Unit]) -> list[list[Unit]]:
    """The parts of a stretch between which no value travels and which share none, in order."""
    part_of: dict[Unit, list[Unit]] = {}
    user: dict[Value, Unit] = {}
    for unit in units:
        part = [unit]
        for source in dict.fromkeys(user[o.value] for o in unit.operands if o.value in user):
            other = part_of[source]
            if other is not part:
                part = [*other, *part]
                part_of.update((member, part) for member in part)
        part_of[unit] = part
        user.update((value, unit) for value in unit.results)
        user.update((operand.value, unit) for operand in unit.operands)
    rank = {unit: i for i, unit in enumerate(units)}
    parts = {id(part): sorted(part, key=rank.__getitem__) for part in part_of.values()}
    return sorted(parts.values(), key=lambda part: rank[part[0]])


def _collapsed(
    units: Sequence[Unit], groups: Sequence[Group], path: Callable[[Group], Path] = lambda _: ()
) -> list[Unit]:
    """`units` with each group replaced by one region, at the place of its last member."""
    owner = {unit: group for group in map(_GroupKey, groups) for unit in group.members}
    readers = _readers(units, owner)
    hidden = _hidden_leaves(units, owner, readers)
    shown: list[Unit] = []
    for unit in units:
        group = owner.get(unit)
        if group is None:
            if unit not in hidden:
                shown.append(unit)
        elif unit is group.members[-1]:
            leaves = [leaf for leaf, keeper in hidden.items() if keeper is group]
            shown.append(_region(group, leaves, readers, path(group.group)))
    return shown


class _GroupKey:
    """A group with an identity."""

    def __init__(self, group: Group) -> None:
        self.group = group
        self.label, self.members, self.count = group


def _readers(units: Sequence[Unit], owner: dict[Unit, _GroupKey]) -> dict[Value, set[Any]]:
    """Per value the units outside groups and the groups that read it."""
    readers: dict[Value, set[Any]] = {}
    for unit in units:
        for operand in unit.operands:
            readers.setdefault(operand.value, set()).add(owner.get(unit, unit))
    return readers


def _hidden_leaves(
    units: Sequence[Unit], owner: dict[Unit, _GroupKey], readers: dict[Value, set[Any]]
) -> dict[Unit, _GroupKey]:
    """Parameters and constants that one group alone reads."""
    hidden = {}
    for unit in units:
        if unit.kind in _LEAVES and unit not in owner:
            reading = readers.get(unit.results[0], set())
            (reader,) = reading if len(reading) == 1 else (None,)
            if isinstance(reader, _GroupKey):
                hidden[unit] = reader
    return hidden


def _region(
    group: _GroupKey, leaves: Sequence[Unit], readers: dict[Value, set[Any]], path: Path
) -> Unit:
    made = {value for unit in (*group.members, *leaves) for value in unit.results}
    entering = dict.fromkeys(
        o.value for unit in group.members for o in unit.operands if o.value not in made
    )
    leaving = [
        value
        for unit in group.members
        for value in unit.results
        if readers.get(value, set()) - {group}
    ]
    inside = [inner for unit in (*leaves, *group.members) for inner in (unit.inside or (unit,))]
    return Unit(
        Kind.REGION,
        group.label,
        operands=[Operand(value) for value in entering],
        results=leaving or group.members[-1].results[:1],
        eqns=tuple(eqn for unit in group.members for eqn in unit.eqns),
        region=path,
        inside=tuple(inside),
        count=group.count,
    )


# --- repetition --------------------------------------------------------------------------


def _repeats(units: Sequence[Unit]) -> list[Group]:
    """The stretch that repeats itself over the most units, as one group; none if nothing does."""
    steps = [unit for unit in units if unit.kind in (Kind.OPERATION, Kind.REGION)]
    signs = [_signature(unit) for unit in steps]
    best = (0, 0, 0, 0)
    for period in range(1, min(_LONGEST_PERIOD, len(steps) // _FEWEST_REPEATS) + 1):
        for start, length in _equal_runs(signs, period):
            count = length // period
            if count >= _FEWEST_REPEATS:
                best = max(best, (count * period - period, -period, -start, count))
    if not best[3]:
        return []
    _, period, start, count = best[0], -best[1], -best[2], best[3]
    members = steps[start : start + period * count]
    return [(_repeated_label(members[:period], count), members, count)]


def _equal_runs(signs: Sequence[Any], period: int) -> Iterable[tuple[int, int]]:
    """(start, length) of the stretches that agree with themselves `period` further on."""
    start = None
    for i in range(len(signs) - period + 1):
        agrees = i + period < len(signs) and signs[i] == signs[i + period]
        if agrees and start is None:
            start = i
        elif not agrees and start is not None:
            yield start, i - start + period
            start = None


def _signature(unit: Unit) -> Any:
    """What must be equal for two units to be the same layer."""
    primitives = tuple(eqn.primitive.name for eqn in unit.eqns)
    shapes = tuple(value.aval.shape for value in unit.results)
    return unit.kind, primitives, shapes, tuple(o.value.aval.shape for o in unit.operands)


def _repeated_label(period: Sequence[Unit], count: int) -> Label:
    names = [re.sub(r"\.?\d+$", "", "".join(s.text for s in unit.label)) for unit in period]
    commonest = Counter(names).most_common(1)[0][0] if names else ""
    text = commonest if len(set(names)) == 1 else " ".join(dict.fromkeys(names))
    return (Span(f"{count} × {shortened(text or say('layer'))}"),)


# --- the last resort ---------------------------------------------------------------------


def _stretches(units: Sequence[Unit], most: int) -> list[Group]:
    """All operations and boxes in at most `most` stretches of one length."""
    steps = [unit for unit in units if unit.kind in (Kind.OPERATION, Kind.REGION)]
    length = max(2, -(-len(steps) // max(1, most)))
    groups: list[Group] = []
    for start in range(0, len(steps), length):
        members = steps[start : start + length]
        count = sum(len(unit.eqns) for unit in members)
        if len(members) > 1:
            groups.append(((Span(say("{count} operations", count=count)),), members, 1))
    return groups


def _bundled(units: Sequence[Unit], limit: int) -> list[Unit]:
    """Inputs beyond what fits, in one node."""
    leaves = [unit for unit in units if not unit.operands and len(unit.results) == 1]
    ends = [unit for unit in units if unit.kind is Kind.OUTPUT]
    shown = list(units)
    if len(leaves) > 1:
        label = (Span(say("{count} inputs", count=len(leaves))),)
        values = [unit.results[0] for unit in leaves]
        bundle = Unit(Kind.REGION, label, results=values, inside=tuple(leaves))
        gone = set(leaves)
        shown = [bundle, *(unit for unit in shown if unit not in gone)]
    if len(shown) > limit and len(ends) > 1:
        label = (Span(say("{count} outputs", count=len(ends))),)
        bundle = Unit(Kind.OUTPUT, label, operands=[o for unit in ends for o in unit.operands])
        gone = set(ends)
        shown = [*(unit for unit in shown if unit not in gone), bundle]
    return shown


__all__ = ["LIMIT", "arrays", "layers", "within"]
