"""The layered layout: boxes and nets in, positions and routes out.

Layer L8. Pure geometry: it knows nothing of graphs, values or SVG. Ranks along the flow, few
crossings, straight long edges, everything on an 8-pixel grid; equal inputs give equal pictures.
"""

from __future__ import annotations

from collections.abc import Sequence

from glassgrad.view.coordinates import assign
from glassgrad.view.geometry import Box, Layout, Net
from glassgrad.view.order import items_of, reduce_crossings
from glassgrad.view.ranks import rank_boxes
from glassgrad.view.routes import centre_of, route, zones


def arrange(boxes: Sequence[Box], nets: Sequence[Net]) -> Layout:
    """Place `boxes` and route `nets`, which must not form a cycle."""
    ranks = rank_boxes(boxes, nets)
    columns, places = items_of(boxes, nets, ranks)
    reduce_crossings(columns)
    assign(columns)
    along, length = zones(columns, boxes, nets)
    routes = tuple(
        route(number, net, places[net.box], boxes, along) for number, net in enumerate(nets)
    )
    centres = tuple(centre_of(item, along[item.rank]) for item in places)
    breadth = max((item.across + item.down for item in places), default=0.0)
    passing = (item.across + item.down for column in columns for item in column)
    return Layout(centres, routes, tuple(ranks), length, max(breadth, max(passing, default=0.0)))
