"""Graph → Program, in the order of its steps.

Layer L6. Equations become nodes (`nodes.py`), nodes get phases, regions and tiles (`schedule.py`),
regions become items (`items.py`), values get memory (`layout.py`), items become loops
(`kernels.py`), and memory its place (`offsets.py`).
"""

from __future__ import annotations

from glassgrad.backends.native.loops import I64, Buffer
from glassgrad.backends.native.lower.expand import expand
from glassgrad.backends.native.lower.in_place import in_place_pairs
from glassgrad.backends.native.lower.kernels import Making, kernels_of_phase
from glassgrad.backends.native.lower.layout import layout_of
from glassgrad.backends.native.lower.names import value_names
from glassgrad.backends.native.lower.nodes import nodes_of
from glassgrad.backends.native.lower.offsets import (
    aligned,
    panel_size,
    place_arena,
    place_private,
)
from glassgrad.backends.native.lower.schedule import schedule
from glassgrad.backends.native.lower.siblings import beside_siblings
from glassgrad.backends.native.lower.site import Workspace
from glassgrad.backends.native.program import Program
from glassgrad.graph.ir import Graph, Var
from glassgrad.passes.loops import outside_loops


def lower(graph: Graph, *, tested: int | None = None) -> Program:
    """The loops of a graph. Results are written to memory behind the inputs in the table.

    tested: the number of an output, a scalar, that must be finite for the step to go on

    Raises:    GraphError for a primitive that has no native form
    """
    nodes = nodes_of(beside_siblings(expand(outside_loops(graph))), tested)
    plan = schedule(nodes)
    names = value_names(nodes.graph)
    layout = layout_of(plan, names)
    fault = Buffer("fault", I64, 1, "arena")
    workspace = Workspace(fault=fault, names=names)
    watched = None if tested is None else nodes.graph.outputs[tested]
    making = Making(layout, workspace, watched if isinstance(watched, Var) else None)
    phases = [
        kernels_of_phase(making, number, scalars) for number, scalars in enumerate(plan.scalars)
    ]
    constants = [*layout.constants, *workspace.constants]
    for slot, (buffer, _) in enumerate(constants, len(layout.arguments)):
        buffer.slot = slot
    private_bytes, panel = place_private(layout), -1
    size = panel_size(kernel for kernels in phases for kernel in kernels)
    if size:
        panel = aligned(private_bytes)
        private_bytes = panel + size
    return Program(
        name=graph.name,
        graph=graph,
        phases=phases,
        arguments=layout.arguments,
        inputs=len(nodes.graph.inputs),
        constants=constants,
        arena_bytes=place_arena(layout, [fault, *workspace.shared]),
        private_bytes=private_bytes,
        panel=panel,
        callbacks=list(workspace.callbacks),
        fault=fault,
        in_place=in_place_pairs(layout, making.tested),
        names=names,
        places=workspace.places,
        nodes=nodes,
        memory=layout.access,
    )
