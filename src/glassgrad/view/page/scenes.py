"""The pictures of one page: its levels, its opened regions, its precisions, all drawn beforehand.

Layer L8. A scene is one set of nodes. What a click opens is another scene, so the picture on the
page is always one that `Graph.svg()` draws.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from glassgrad.text import speaking
from glassgrad.view.chain import check_chain_rule
from glassgrad.view.drawing import draw
from glassgrad.view.fold import layers
from glassgrad.view.shapes import shape_of
from glassgrad.view.svg import render, units_at
from glassgrad.view.units import Kind, Program, Unit, Value

PRECISIONS = (2, 4, 6)
_MOST_SCENES = 24
_MOST_NODES = 500  # of all scenes together; each is laid out once
_MOST_DRAWN = 1400  # nodes of all pictures, the further precisions included


@dataclass(frozen=True, eq=False)
class Scene:
    """One set of nodes.

    opened:   the regions that are looked into at the level of layers
    pictures: the SVG by precision; texts are in English
    nets:     the value of each wire of the picture, in their order
    terms:    the Korean of each text in the picture that is spoken
    """

    level: str
    opened: tuple[str, ...]
    units: list[Unit]
    is_down: bool
    pictures: dict[int, str] = field(default_factory=dict)
    nets: list[Value] = field(default_factory=list)
    terms: dict[str, str] = field(default_factory=dict)

    @property
    def regions(self) -> list[str]:
        """What can be opened here."""
        paths = ["/".join(unit.region) for unit in self.units if _is_openable(unit)]
        return list(dict.fromkeys(paths))


def _is_openable(unit: Unit) -> bool:
    return unit.kind is Kind.REGION and bool(unit.region) and bool(unit.inside)


def scenes_of(
    program: Program,
    level: str,
    opened: Collection[str],
    precision: int,
    title: str,
    precisions: Collection[int] = PRECISIONS,
) -> tuple[list[Scene], int]:
    """Every scene of a page with its pictures, and the number of the first one to show.

    Raises:  OptionError for an unknown level or region
    """
    if opened:
        layers(program.units, opened)  # refuses what is unknown, at any level
        level = "layers" if level == "auto" else level
    first = _scene(program, level, tuple(opened))
    found = [*_plain_scenes(program), *_openings(program, first)]
    start = next((i for i, scene in enumerate(found) if _is_same(scene, first)), 0)
    chosen = sorted({*precisions, precision}, key=lambda p: (p != precision, p))
    drawn = 0
    count = sum(len(scene.units) for scene in found)
    for decimals in chosen:
        if decimals != precision and drawn + count > _MOST_DRAWN:
            break
        drawn += count
        for scene in found:
            scene.pictures[decimals] = _picture(program, scene, decimals, title)
    for scene in found:
        scene.terms.update(_terms(program, scene))
    return found, start


def _is_same(one: Scene, other: Scene) -> bool:
    return (one.level, set(one.opened)) == (other.level, set(other.opened))


def _scene(program: Program, level: str, opened: tuple[str, ...] = ()) -> Scene:
    """The scene of a level, under the level's own name where it was found out."""
    with speaking("en"):
        units, is_down = units_at(program, level, opened)
    if level == "auto":
        is_folded = any(unit.kind is Kind.REGION and unit.region for unit in units)
        level = "layers" if is_folded else "arrays"
    if level == "arrays" and _is_scalar(program):
        level = "numbers"
    return Scene(level, opened if level == "layers" else (), units, is_down)


def _is_scalar(program: Program) -> bool:
    return all(var.aval.size == 1 for var in program.values)


def _plain_scenes(program: Program) -> Iterator[Scene]:
    """One scene a level that shows something of its own."""
    if any(unit.region for unit in program.units):
        yield _scene(program, "layers")
    arrays = _scene(program, "arrays")
    yield arrays
    if program.record.has_values and arrays.level == "arrays":
        numbers = _scene(program, "numbers")
        if len(numbers.units) > len(arrays.units):
            yield numbers


def _openings(program: Program, first: Scene) -> Iterator[Scene]:
    """Scenes of the level of layers with regions opened, the fewest first."""
    if not any(unit.region for unit in program.units):
        return
    seen = {frozenset[str]()}
    waiting = deque([_scene(program, "layers")])
    if first.level == "layers" and first.opened:
        waiting.appendleft(first)
        seen.add(frozenset(first.opened))
        yield first
    nodes = scenes = 0
    while waiting:
        scene = waiting.popleft()
        for region in scene.regions:
            opened = frozenset((*scene.opened, region))
            if opened in seen or scenes >= _MOST_SCENES or nodes >= _MOST_NODES:
                continue
            seen.add(opened)
            further = _scene(program, "layers", tuple(sorted(opened)))
            nodes, scenes = nodes + len(further.units), scenes + 1
            waiting.append(further)
            yield further


def _picture(program: Program, scene: Scene, precision: int, title: str) -> str:
    found = program.record
    with speaking("en"):
        check_chain_rule(scene.units)
        drawing = draw(scene.units, precision, is_down=scene.is_down, has_values=found.has_values)
        scene.nets[:] = [wire.value for wire in drawing.wires]
        return render(drawing, title, found, is_part=True)


def _terms(program: Program, scene: Scene) -> dict[str, str]:
    """The Korean of what is spoken in a picture: its nodes, built in both languages."""
    texts = []
    for language in ("en", "ko"):
        with speaking(language):
            units, is_down = units_at(program, scene.level, scene.opened)
            shapes = [shape_of(u, 2, is_down=is_down, has_values=False) for u in units]
        lines = [(*shape.lines, "".join(span.text for span in shape.label)) for shape in shapes]
        texts.append([line for row in lines for line in row])
    return {one: other for one, other in zip(*texts, strict=True) if one != other}


__all__ = ["PRECISIONS", "Scene", "scenes_of"]
