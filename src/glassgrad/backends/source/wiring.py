"""The network class that holds the layers: `predict`, `loss`, `gradient`.

Layer L6.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from glassgrad.backends.source import layout
from glassgrad.backends.source.classes import Printed
from glassgrad.backends.source.layers import Layer
from glassgrad.backends.source.layout import Row
from glassgrad.backends.source.naming import Names
from glassgrad.graph.ir import Var

_LAST = "last_layer"


class Wiring:
    """How the layers of one network are connected."""

    def __init__(
        self,
        layers: Sequence[Layer],
        calls: Sequence[tuple[str, Printed]],
        names: Mapping[Var, str],
        parameters: Sequence[str],
        data: Sequence[str],
    ) -> None:
        self.layers = layers
        self.calls = calls
        self.parameters = parameters
        self.data = data
        self.values = dict(names)
        kinds = [layer.kind for layer in layers]
        numbers = [kinds[: i + 1].count(kind) for i, kind in enumerate(kinds)]
        self.keys = [f"{kind}{number}" for kind, number in zip(kinds, numbers, strict=True)]
        self.scope = Names({*names.values(), "self", "np", "layer", "dout"})
        for layer in layers:
            self.values[layer.output] = self.scope.name(layer.output.name, "h")
        self.is_chain = self._is_chain()

    def _is_chain(self) -> bool:
        """Whether each layer reads the one before it, as in the book's networks."""
        *inner, last = self.layers
        before = [None, *(layer.output for layer in self.layers)]
        fed = [len(x.streams) == 1 and (b is None or x.streams[0] is b)
               for x, b in zip(self.layers, before, strict=False)]  # fmt: skip
        used = [var for layer in self.layers for var in layer.parameters]
        outputs = {layer.output for layer in self.layers}
        plain = all(not layer.others for layer in inner) and len(used) == len(set(used))
        labels = not outputs.intersection(last.others)
        return all(fed) and plain and labels and bool(inner) and last.is_loss

    def rows(self, name: str) -> list[Row]:
        methods = [self._constructor()]
        methods += self._book() if self.is_chain else self._one_by_one()
        body: list[Row] = []
        for method in methods:
            body += [*([Row("")] if body else []), *method]
        return [Row(f"class {name}:"), *layout.indented(body)]

    # --- both ----------------------------------------------------------------------------

    def _made(self, i: int) -> str:
        kind, _ = self.calls[i]
        return f"{kind}({', '.join(self.values[v] for v in self.layers[i].parameters)})"

    def _constructor(self) -> list[Row]:
        count = len(self.layers) - self.is_chain
        entries = [f'    "{self.keys[i]}": {self._made(i)},' for i in range(count)]
        body = ["self.layers = {", *entries, "}"]
        if self.is_chain:
            body.append(f"self.{_LAST} = {self._made(count)}")
        return layout.function_rows("__init__", ["self", *self.parameters], layout.plain_rows(body))

    def _gradients(self) -> list[str]:
        """The dictionary of the parameters' gradients; a tied weight adds its own up."""
        holders: dict[str, list[str]] = {}
        for i, layer in enumerate(self.layers):
            place = f"self.{_LAST}" if self.is_chain and layer.is_loss else self._place(i)
            for var, local in zip(layer.parameters, self.calls[i][1].parameters, strict=True):
                holders.setdefault(self.values[var], []).append(f"{place}.d{local}")
        rows = [f'    "{name}": {" + ".join(found)},' for name, found in holders.items()]
        return ["return {", *rows, "}"]

    def _place(self, i: int) -> str:
        return f'self.layers["{self.keys[i]}"]'

    # --- layers in a row -----------------------------------------------------------------

    def _book(self) -> list[list[Row]]:
        x = self.values[self.layers[0].streams[0]]
        labels = [self.values[v] for v in self.layers[-1].others]
        y = self.values[self.layers[-1].streams[0]]
        predict = [
            "for layer in self.layers.values():",
            f"    {x} = layer.forward({x})",
            f"return {x}",
        ]
        loss = [
            f"{y} = self.predict({x})",
            f"return self.{_LAST}.forward({', '.join([y, *labels])})",
        ]
        data = ", ".join(self.data)
        gradient = [
            f"self.loss({data})",
            f"dout = self.{_LAST}.backward()",
            "for layer in reversed(self.layers.values()):",
            "    dout = layer.backward(dout)",
            *self._gradients(),
        ]
        rows = layout.plain_rows
        return [
            layout.function_rows("predict", ["self", x], rows(predict)),
            layout.function_rows("loss", ["self", *self.data], rows(loss)),
            layout.function_rows("gradient", ["self", *self.data], rows(gradient)),
        ]

    # --- anything else -------------------------------------------------------------------

    def _one_by_one(self) -> list[list[Row]]:
        loss = []
        for i, layer in enumerate(self.layers):
            given = ", ".join(self.values[v] for v in (*layer.streams, *layer.others))
            loss.append(f"{self.values[layer.output]} = {self._place(i)}.forward({given})")
        loss.append(f"return {self.values[self.layers[-1].output]}")
        data = ", ".join(self.data)
        gradient = [f"self.loss({data})", *self._sweep(), *self._gradients()]
        rows = layout.plain_rows
        return [
            layout.function_rows("loss", ["self", *self.data], rows(loss)),
            layout.function_rows("gradient", ["self", *self.data], rows(gradient)),
        ]

    def _sweep(self) -> list[str]:
        """Each layer backwards; what comes back from several readers is added up."""
        rows: list[str] = []
        names: dict[Var, str] = {}
        needed = {layer.output for layer in self.layers}
        for i in reversed(range(len(self.layers))):
            layer = self.layers[i]
            ct = "" if layer.is_loss else names.get(layer.output, "1.0")
            targets, sums = [], []
            for var in layer.streams:
                if var not in needed:
                    targets.append("_")
                elif var in names:
                    part = self.scope.unique(f"d{self.values[var]}_part")
                    targets.append(part)
                    sums.append(f"{names[var]} = {names[var]} + {part}")
                else:
                    names[var] = self.scope.unique(f"d{self.values[var]}")
                    targets.append(names[var])
            call = f"{self._place(i)}.backward({ct})"
            used = any(target != "_" for target in targets)
            rows.append(f"{', '.join(targets)} = {call}" if used else call)
            rows += sums
        return rows
