"""The network in a graph: which products are weights, what follows each sum, what feeds back.

Layer L8. The graph is walked once, with its numbers. A weight is a matrix that the data are
multiplied with and that no data reach; a neuron's sum is what such products and a bias add up to.
Loops are walked step by step: a layer whose weights are met again is the same layer one step later,
and if it reads itself by then, it is recurrent; nothing needs to be declared.

Long because a network is read in one walk.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from typing import Any

from glassgrad.backends.source.naming import class_of, layer_classes
from glassgrad.errors import GraphError
from glassgrad.graph.ir import Eqn, Graph, Var
from glassgrad.primitives.arithmetic import add
from glassgrad.primitives.linalg import matmul_p
from glassgrad.text import say
from glassgrad.view.labels import operation_label, text_of
from glassgrad.view.network.items import (
    CURVE_AT,
    MATRIX,
    Column,
    Item,
    Net,
    Product,
    added,
    beside,
    curve_of,
    features,
    has_features,
    holds,
    is_gated,
    item_of,
    matrix,
    sliced,
    stacked_items,
    turned,
    values_of,
    vector,
)
from glassgrad.view.network.map_stages import MapReader, parted
from glassgrad.view.network.shape import Layer, Network, Synapses

_MANY_STEPS = 3  # of a function that nobody named: it is called f


def read_network(
    graph: Graph,
    values: Sequence[Any],
    data: Collection[Var],
    names: Mapping[Var, str],
    *,
    row: int = 0,
) -> Network:
    """The layers of a graph.

    values: of the inputs, in order; empty if there are none
    data:   the inputs that are no parameters
    names:  what the user calls inputs and constants
    row:    which sample of a batch is shown
    Raises: GraphError if the data meet no weights, or a layer reads several layers at once
    """
    return _Reader(graph, names, row).read(values, data)


class _Reader:
    def __init__(self, graph: Graph, names: Mapping[Var, str], row: int) -> None:
        self.graph, self.names, self.row = graph, names, row
        self.columns: list[Column] = []
        self.classes = layer_classes(graph)
        self.finished: dict[Net, tuple[Column, int]] = {}
        self.maps = MapReader(self.classes, row)
        self.reverse_step: int | None = None  # of a loop that runs from the end

    def read(self, values: Sequence[Any], data: Collection[Var]) -> Network:
        items: dict[Var, Item] = {}
        given = list(values) or [None] * len(self.graph.inputs)
        for var, value in zip(self.graph.inputs, given, strict=True):
            column = (Column(name=self.names.get(var, var.name)),) if var in data else ()
            items[var] = Item(value, var, self.names.get(var, var.name), column)
        self._walk(self.graph, items)
        for out in self.graph.outputs:
            if isinstance(out, Var) and out in items:
                item = self._settled(items[out])
                if all(has_features(out.aval.shape, column) for column in item.columns):
                    self._end(item)
        if not self.columns and not self.maps.stages:
            raise GraphError(
                say("no layer of neurons: the data are multiplied with no matrix of weights"),
                operation=self.graph.name,
                hint=say("any graph has a picture: graph.svg(*inputs)"),
            )
        return self._network()

    # --- walking -------------------------------------------------------------------------

    def _walk(self, graph: Graph, items: dict[Var, Item]) -> None:
        for var, value in graph.consts:
            items[var] = Item(value, var, self.names.get(var, var.name))
        for eqn in graph.eqns:
            if eqn.derives is None:
                operands = [item_of(atom, items) for atom in eqn.inputs]
                items.update(zip(eqn.outputs, self._results(eqn, operands), strict=True))

    def _results(self, eqn: Eqn, operands: list[Item]) -> list[Item]:
        if "n_carry" in eqn.params:
            return self._looped(eqn, operands)
        changed = turned(eqn, operands[0]) if operands else None
        if changed is not None:
            return [changed]
        if len(eqn.graphs) == 1:
            (inner,) = eqn.graphs
            items = dict(zip(inner.inputs, operands, strict=True))
            self._walk(inner, items)
            return [item_of(atom, items) for atom in inner.outputs]
        results = values_of(eqn, operands)
        self.maps.see(eqn, operands, results)
        if not any(item.is_data for item in operands):
            origins = tuple(item.identity for item in operands)
            return [Item(value, (id(eqn), i, origins)) for i, value in enumerate(results)]
        if eqn.primitive is matmul_p and sum(item.is_data for item in operands) == 1:
            product = self._product(eqn, operands)
            if product is not None:
                return [Item(results[0], net=product)]
        # A sum that was read already is a layer's: with another one it is a residual, not a sum.
        if eqn.primitive is add and not any(item.net in self.finished for item in operands):
            total = added(operands)
            if total is not None:
                return [Item(results[0], net=total)]
        return self._function(eqn, operands, results)

    def _product(self, eqn: Eqn, operands: Sequence[Item]) -> Net | None:
        is_left = operands[1].is_data
        weights, entering = operands if is_left else reversed(operands)
        axes = [atom.aval for atom in (eqn.inputs if is_left else eqn.inputs[::-1])]
        if len(axes[0].shape) != MATRIX:
            return None
        shape = axes[0].shape[::-1] if is_left else axes[0].shape
        entering = self._settled(entering)
        products = self._products(entering, weights, shape, is_left)
        outputs = products[0].source.outputs
        times = len(outputs) if entering.stacked and outputs else 1
        return Net(products, eqn.region, times=times, time=entering.time)

    def _products(
        self, entering: Item, weights: Item, shape: tuple[int, ...], is_left: bool
    ) -> tuple[Product, ...]:
        """One product, or one for each of the layers that lie side by side in what enters."""
        if not entering.parts:
            source = self._source(entering, shape[0], is_left)
            return (Product(source, weights, shape, is_left),)
        found: list[Product] = []
        start = 0
        for part in entering.parts:
            size = part.columns[0].size
            rows = slice(start, start + size)
            value = None if weights.value is None else weights.value[rows]
            some = replace(weights, value=value, identity=(weights.identity, start))
            source = self._source(part, size, is_left)
            found.append(Product(source, some, (size, shape[1]), is_left))
            start += size
        return tuple(found)

    def _function(self, eqn: Eqn, operands: Sequence[Item], results: Sequence[Any]) -> list[Item]:
        """Any other operation on data: a step of an activation function, or of a loss."""
        settled = [self._settled(item) for item in operands]
        columns = tuple(dict.fromkeys(c for item in settled for c in item.columns))
        (first, *_) = (item for item in settled if item.columns)
        steps = tuple(dict.fromkeys(s for item in settled for s in item.steps))
        step = self._step(eqn, columns)
        curve = curve_of(eqn, settled)
        made = [
            Item(
                value,
                columns=columns,
                steps=(*steps, step) if step not in steps else steps,
                curve=curve,
                visit=max(item.visit for item in settled if item.columns),
                stacked=first.stacked,
                time=first.time,
                parts=beside(eqn, settled),
            )
            for value in results
        ]
        for item, atom in zip(settled, eqn.inputs, strict=True):
            if item.steps and item.steps[-1] != step:
                self._close(item, atom.aval.shape)
        return made

    def _step(self, eqn: Eqn, columns: Sequence[Column]) -> str:
        """What an operation behind a layer is called: its region, or its own symbol."""
        around = columns[0].region if len(columns) == 1 else ()
        inner = list(eqn.region)
        for name in around:
            if inner[:1] != [name]:
                break
            inner.pop(0)
        if not inner:
            return text_of(operation_label(eqn))
        depth = len(eqn.region) - len(inner) + 1
        # Of what the first neurons read: the layer within the model.
        ends = range(depth, depth + 1) if around else range(len(eqn.region), depth - 1, -1)
        classes = (class_of(eqn.region[:end], self.classes) for end in ends)
        return next(filter(None, classes), inner[0])

    def _close(self, item: Item, shape: tuple[int, ...]) -> None:
        """What is first done to a layer, as a whole, is its activation if it keeps the shape."""
        if len(item.columns) != 1 or item.columns[0].is_closed:
            return
        (column,) = item.columns
        column.is_closed = True
        if column.last is None and shape and shape[-1] == column.size:
            column.last = item

    def _looped(self, eqn: Eqn, operands: list[Item]) -> list[Item]:
        """A scan, step by step; with one step it is walked twice, to see what feeds back."""
        (body,) = eqn.graphs
        n_consts, n_carry = eqn.params["n_consts"], eqn.params["n_carry"]
        made = self._gated(eqn, operands)
        if made is not None:
            return made
        carry = operands[n_consts : n_consts + n_carry]
        length = eqn.params["length"]
        order = range(length - 1, -1, -1) if eqn.params["reverse"] else range(length)
        rows: list[list[Item]] = []
        for t in order if length > 1 else (0, 0):
            self.reverse_step = t if eqn.params["reverse"] else None
            slices = [sliced(item, t) for item in operands[n_consts + n_carry :]]
            items = dict(zip(body.inputs, [*operands[:n_consts], *carry, *slices], strict=True))
            self._walk(body, items)
            made = [self._settled(item_of(atom, items)) for atom in body.outputs]
            carry = made[:n_carry]
            rows.append(made[n_carry:])
        self.reverse_step = None
        rows = rows[::-1] if eqn.params["reverse"] else rows
        return [*carry, *(stacked_items(column) for column in zip(*rows, strict=True))]

    def _gated(self, eqn: Eqn, operands: list[Item]) -> list[Item] | None:
        """A loop over gated cells is one layer of cells, what goes on within them folded up.

        It is one if its state of n numbers meets a matrix (n, g·n) with g > 1 gates, and weighted
        sums of as many gates enter from outside.
        """
        n_consts, n_carry = eqn.params["n_consts"], eqn.params["n_carry"]
        size = next(iter(eqn.inputs[n_consts].aval.shape[-1:]), 0) if n_carry else 0
        nets = [item.net for item in operands[n_consts + n_carry :] if item.net is not None]
        shapes = zip(operands[:n_consts], eqn.inputs, strict=False)
        weights = [i for i, atom in shapes if is_gated(atom.aval.shape, size)]
        if len(nets) != 1 or len(weights) != 1:
            return None
        (net,), (inner,) = nets, weights
        column = Column(size=size, name="".join(net.region[-2:-1]), region=net.region[:-1])
        column.is_closed, column.is_reverse = True, eqn.params["reverse"]
        column.bias = Item(name=net.bias.name) if net.bias is not None else None
        for product in (*net.products, Product(column, inner, (size, size), is_left=False)):
            folded = replace(product.weights, value=None)
            column.weights[product.weights.identity] = replace(product, weights=folded)
        self.columns.append(column)
        steps = (class_of(column.region, self.classes) or column.name or "f",)
        values = values_of(eqn, operands)
        length = eqn.params["length"]
        final = 0 if eqn.params["reverse"] else length - 1
        made = Item(columns=(column,), steps=steps, visit=final)
        found = [
            replace(made, value=value)
            if i < n_carry
            else replace(made, value=value, visit=0, stacked=length > 1)
            for i, value in enumerate(values)
        ]
        self._end(found[n_carry])
        return found

    # --- layers --------------------------------------------------------------------------

    def _settled(self, item: Item) -> Item:
        """A weighted sum that something is done to belongs to a layer from now on."""
        if item.net is None:
            return item
        if item.net not in self.finished:
            self.finished[item.net] = self._column(item.net, item)
        column, visit = self.finished[item.net]
        return Item(
            item.value,
            columns=(column,),
            curve=CURVE_AT,
            visit=visit,
            stacked=item.net.times > 1,
            time=item.net.time,
        )

    def _column(self, net: Net, item: Item) -> tuple[Column, int]:
        products = {product.weights.identity: product for product in net.products}
        found = next((c for c in self.columns if not products.keys().isdisjoint(c.weights)), None)
        column = found or Column(region=net.region, is_reverse=self.reverse_step is not None)
        if found is None:
            first = net.products[0]
            column.size, column.is_left = first.shape[1], first.is_left
            column.name = "".join(net.region[-1:])
            self.columns.append(column)
        for identity, product in products.items():
            old = column.weights.get(identity)
            if old is None or self._is_later(product.source, old.source):
                column.weights[identity] = product
        column.bias = net.bias or column.bias
        visit = len(column.sums) if self.reverse_step is None else self.reverse_step
        column.sums += features(item, column.size, column.is_left, self.row, net.times, net.time)
        return column, visit

    def _is_later(self, one: Column, other: Column) -> bool:
        """Whether a layer comes behind another; the inputs come first."""
        places = [self.columns.index(c) if c in self.columns else -1 for c in (one, other)]
        return places[0] > places[1]

    def _source(self, item: Item, size: int, is_left: bool) -> Column:
        if len(item.columns) != 1:
            raise GraphError(
                say("a layer reads {count} layers at once", count=len(item.columns)),
                operation=self.graph.name,
                rule=say("a network drawing shows layers that each read the one before"),
                hint=say("any graph has a picture: graph.svg(*inputs)"),
            )
        (column,) = item.columns
        if column not in self.columns:
            self.columns.append(column)
            column.size = size
        if column.size != size:
            raise GraphError(
                say("{a} neurons become {b} before the next layer", a=column.size, b=size),
                operation=self.graph.name,
                hint=say("any graph has a picture: graph.svg(*inputs)"),
            )
        if not column.weights:
            column.is_left = is_left
        self._end(item)
        return column

    def _end(self, item: Item) -> None:
        """What a layer puts out, if the item is that of one layer."""
        item = self._settled(item)
        if len(item.columns) != 1 or item in item.columns[0].seen:
            return
        (column,) = item.columns
        if column not in self.columns or not holds(item.value, column):
            return
        column.seen.add(item)
        first = item.visit if column.weights else len(column.outputs)
        times = item.value.shape[item.time] if item.stacked and item.value is not None else 1
        vectors = features(item, column.size, column.is_left, self.row, times, item.time)
        column.outputs.update(enumerate(vectors, start=first))
        column.last = item

    # --- the result ----------------------------------------------------------------------

    def _network(self) -> Network:
        ordered = self._ordered()
        synapses = tuple(
            Synapses(
                source=ordered.index(product.source),
                target=number,
                weights=matrix(product),
                name=product.weights.name,
                is_transposed=product.is_left,
                is_reverse=column.is_reverse and product.source is column,
            )
            for number, column in enumerate(ordered)
            for product in column.weights.values()
        )
        maps = parted(self.maps.stages, self._behind(ordered))
        layers = tuple(map(self._layer, ordered))
        return Network(layers, synapses, self.graph.name, *maps)

    def _behind(self, ordered: Sequence[Column]) -> list[int]:
        """The first stages of maps that are made of neurons: of the last layer, or of none."""
        found = []
        for number, item in self.maps.entering.items():
            made_of = [column for column in self._settled(item).columns if column.weights]
            if made_of and made_of != list(ordered[-1:]):
                raise GraphError(
                    say("feature maps are made of a layer that is not the last one"),
                    operation=self.graph.name,
                    rule=say("feature maps, layers of neurons, feature maps: each once"),
                    hint=say("any graph has a picture: graph.svg(*inputs)"),
                )
            found += [number] if made_of else []
        return found

    def _ordered(self) -> list[Column]:
        """Inputs first, then the layers as they were met; an initial state is no input."""
        read = {p.source for column in self.columns for p in column.weights.values()}
        kept = [c for c in self.columns if c.weights or c in read]
        return sorted(kept, key=lambda c: bool(c.weights))

    def _layer(self, column: Column) -> Layer:
        last, bias = column.last, column.bias
        if last is not None and not column.outputs:
            self._end(last)
        steps = last.steps if last is not None else ()
        if not steps and not column.outputs:
            column.outputs.update(enumerate(column.sums))
        name = " · ".join(steps) if len(steps) < _MANY_STEPS else "f"
        return Layer(
            size=column.size,
            name=column.name if column.weights else self._input_name(column, steps),
            activation=name if column.weights else "",
            curve=last.curve if last is not None and steps else None,
            bias=vector(bias, column.size),
            bias_name=bias.name if bias is not None else "",
            has_bias=bias is not None,
            outputs=tuple(column.outputs[key] for key in sorted(column.outputs)),
            sums=tuple(column.sums[::-1] if column.is_reverse else column.sums),
            is_input=not column.weights,
        )

    def _input_name(self, column: Column, steps: Sequence[str]) -> str:
        """What the first neurons read: the input, or what earlier layers made of it."""
        layers = [step for step in steps if step in self.classes.values()]
        return " · ".join(layers) or column.name
