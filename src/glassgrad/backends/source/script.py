"""A training step as a whole script: data, starting values, the step, the loop.

Layer L6. The step is printed, and checked, as any other graph; what stands below it is written
here from checked names and numbers alone. The script reads an .npz file with the step's own names,
or makes data up: rows that a random linear map can explain, so that there is something to learn.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from glassgrad.backends.source import layout
from glassgrad.backends.source.layout import INDENT, Row
from glassgrad.backends.source.naming import Names
from glassgrad.backends.source.sizes import pattern_text
from glassgrad.core.primitive import literal
from glassgrad.text import say

_FEW = 6  # values that are handed on by name
_ROWS = 512  # of data that are made up


@dataclass(frozen=True)
class Training:
    """What a script needs beside the graph of its step; all keys are numbers of inputs.

    start:   starting values of parameters, states and the optimiser: arrays like them
    carried: the output that a step hands to the next as this input
    batch:   example arrays of the data
    rates:   the learning rate of each epoch, or one for all
    fixed:   the key
    counts:  what counts the updates made, and its dtype
    """

    start: Mapping[int, Any]
    carried: Mapping[int, int]
    batch: Mapping[int, Any]
    rates: Mapping[int, Sequence[float]]
    fixed: Mapping[int, Any]
    counts: Mapping[int, str]
    epochs: int = 10
    batch_size: int = 32


def script_rows(
    training: Training, step: str, parameters: Mapping[int, str], outputs: int, is_free: bool
) -> list[Row]:
    """What stands below the step called `step`, whose inputs are called `parameters`.

    is_free: whether the step takes batches of any size, else only of that of the example
    """
    if not is_free:
        sizes = [np.shape(array)[0] for array in training.batch.values() if np.ndim(array)]
        training = replace(training, batch_size=max(sizes, default=1, key=sizes.count))
    writer = _Script(training, step, parameters, outputs)
    writer.is_free = is_free
    rows: list[Row] = []
    for part in writer.parts():
        rows += [Row(""), Row(""), *layout.plain_rows(part)]
    ast.parse(layout.text_of(rows))
    return rows


class _Script:
    """The parts of one script below its step."""

    is_free = True

    def __init__(
        self, training: Training, step: str, parameters: Mapping[int, str], outputs: int
    ) -> None:
        self.training = training
        self.step = step
        self.names = parameters
        self.outputs = outputs
        self.free = Names({*parameters.values(), step, "np", "sys"})
        words = "rng path data order rows epoch epochs batch_size loss losses "
        words += "first values starting_values load train"
        self.word = {word: self.free.unique(word) for word in words.split()}
        self.kept = [i for i in training.start if i in parameters]
        self.batch = [i for i in training.batch if i in parameters]
        self.is_packed = self._is_packed()

    def _is_packed(self) -> bool:
        """Whether the values that are handed on travel as one list."""
        places = [self.training.carried.get(i) for i in self.kept]
        return len(places) > _FEW and places == list(range(1, self.outputs))

    def parts(self) -> list[list[str]]:
        found = [self._starting_values()]
        if self.batch:
            found.append(self._load())
        return [*found, self._train(), self._main()]

    def _function(self, head: str, about: str, body: Sequence[str]) -> list[str]:
        text = layout.docstring([about]).splitlines()
        rows = layout.indented(layout.plain_rows([*text, *body]))
        return [f"def {head}:", *(row.code for row in rows)]

    # --- starting values -----------------------------------------------------------------

    def _starting_values(self) -> list[str]:
        rng = self.word["rng"]
        texts = {i: start_text(self.training.start[i], rng) for i in self.kept}
        body = [f"{self.names[i]} = {text}" for i, text in texts.items()]
        if any(f"{rng}." in text for text in texts.values()):
            body.insert(0, f"{rng} = np.random.default_rng(0)")
        body += layout.return_lines([self.names[i] for i in self.kept], as_tuple=False)
        about = say("The parameters before training, and the state of the optimiser.")
        return self._function(f"{self.word['starting_values']}()", about, body)

    # --- data ----------------------------------------------------------------------------

    def _load(self) -> list[str]:
        word, batch = self.word, self.batch
        path, data, rng = word["path"], word["data"], word["rng"]
        listed = [
            f'{data}["{self.names[i]}"].astype({_dtype(self.training.batch[i])})' for i in batch
        ]
        body = [f"if {path}:", f"    {data} = np.load({path})"]
        body += [INDENT + row for row in layout.return_lines(listed, as_tuple=False)]
        body.append(f"{rng} = np.random.default_rng(1)")
        body += self._made_up(rng)
        body += layout.return_lines([self.names[i] for i in batch], as_tuple=False)
        names = ", ".join(self.names[i] for i in batch)
        about = say(
            "The arrays {names} of an .npz file; without a file they are made up.", names=names
        )
        return self._function(f"{word['load']}({path})", about, body)

    def _made_up(self, rng: str) -> list[str]:
        """Inputs that are drawn, and targets that can be learned from them."""
        arrays = {i: np.asarray(self.training.batch[i]) for i in self.batch}
        sources = [i for i, array in arrays.items() if array.dtype.kind == "f" and array.ndim > 1]
        first = sources[0] if sources else None
        lines = []
        for i, array in arrays.items():
            name = self.names[i]
            if not self._has_rows(array):
                lines.append(f"{name} = {start_text(array, rng)}")
            elif i == first or first is None:
                lines.append(f"{name} = {drawn_text(array, rng, _ROWS)}")
            else:
                text = self._target(array, self.names[first], arrays[first], rng)
                lines.append(f"{name} = {text}")
        return lines

    def _has_rows(self, array: Any) -> bool:
        """Whether axis 0 of an array of the batch counts the samples."""
        sizes = [np.shape(a)[0] for a in self.training.batch.values() if np.ndim(a)]
        return bool(np.ndim(array)) and np.shape(array)[0] == max(set(sizes), key=sizes.count)

    def _target(self, array: Any, x: str, inputs: Any, rng: str) -> str:
        """Targets like `array`, from a random linear map of the inputs `x`."""
        flat = x if inputs.ndim == 2 else f"{x}.reshape(len({x}), -1)"  # noqa: PLR2004 - a matrix
        features = int(np.prod(inputs.shape[1:]))
        kind = f".astype({_dtype(array)})"
        if array.dtype.kind in "iu":
            classes = max(int(array.max(initial=0)) + 1, 2)
            if array.ndim == 1:
                return f"({flat} @ {rng}.standard_normal(({features}, {classes}))).argmax(axis=1)"
            return drawn_text(array, rng, _ROWS, classes)
        width = int(np.prod(array.shape[1:]))
        score = f"{flat} @ {rng}.standard_normal(({features}, {width}))"
        shape = f".reshape({', '.join(map(str, (-1, *array.shape[1:])))})"
        shape = "" if array.ndim == 2 else shape  # noqa: PLR2004 - rows of scores as they are
        values = set(np.unique(array[np.isfinite(array)]).tolist())
        is_share = array.ndim > 1 and width > 1 and np.allclose(array.sum(axis=-1), 1, atol=1e-3)
        if is_share and array.min() >= 0:
            return f"np.eye({width})[({score}).argmax(axis=1)]{shape}{kind}"
        if values <= {0.0, 1.0}:
            return f"({score} > 0){shape}{kind}"
        if values <= {-1.0, 1.0}:
            return f"np.sign({score}){shape}{kind}"
        return f"np.tanh({score}){shape}{kind}"

    # --- the loop ------------------------------------------------------------------------

    def _train(self) -> list[str]:
        word, training = self.word, self.training
        head = f"{word['path']}=None, " if self.batch else ""
        head += f"{word['epochs']}={training.epochs}"
        head += f", {word['batch_size']}={training.batch_size}" if self.batch else ""
        body = self._before()
        inside = self._one_update() if not self._sampled() else self._batches()
        body += [f"for {word['epoch']} in range({word['epochs']}):", *(INDENT + r for r in inside)]
        body.append(f"return {word['losses']}")
        about = say("Train, and print the mean loss of each epoch; all losses are returned.")
        return self._function(f"{word['train']}({head})", about, body)

    def _before(self) -> list[str]:
        word, training = self.word, self.training
        body = []
        if self.batch:
            names = ", ".join(self.names[i] for i in self.batch)
            body.append(f"{names} = {word['load']}({word['path']})")
        kept = [word["values"]] if self.is_packed else [self.names[i] for i in self.kept]
        body += self._assigned(kept, f"{word['starting_values']}()")
        if self._sampled():
            body.append(f"{word['rng']} = np.random.default_rng(2)")
        for i, value in training.fixed.items():
            if i in self.names:
                body += layout.constant_lines(self.names[i], value)
        for i, rates in training.rates.items():
            name = self.names.get(i)
            if name and len(set(rates)) == 1:
                body.append(f"{name} = np.float64({rates[0]!r})")
            elif name:
                listed = ", ".join(f"{rate:.6g}" for rate in rates)
                body += layout.wrapped(f"{name}_of_epochs = [{listed}]")
        return [*body, f"{word['losses']} = []"]

    def _sampled(self) -> list[int]:
        """The arrays of the batch whose rows are samples."""
        return [i for i in self.batch if self._has_rows(self.training.batch[i])]

    def _batches(self) -> list[str]:
        word = self.word
        count = f"len({self.names[self._sampled()[0]]})"
        rows, first, size = word["rows"], word["first"], word["batch_size"]
        end = count if self.is_free else f"{count} - {size} + 1"
        loop = f"for {first} in range(0, {end}, {size}):"
        slice_ = f"{rows} = {word['order']}[{first}:{first} + {size}]"
        inside = [slice_, *self._call()]
        mean = f"np.mean({word['losses']}[-({count} // {size} or 1):])"
        return [
            *self._rates(),
            f"{word['order']} = {word['rng']}.permutation({count})",
            loop,
            *(INDENT + row for row in inside),
            self._report(mean),
        ]

    def _one_update(self) -> list[str]:
        return [*self._rates(), *self._call(), self._report(f"{self.word['losses']}[-1]")]

    def _report(self, value: str) -> str:
        epoch = self.word["epoch"]
        return f'print(f"epoch {{{epoch} + 1:3d}}   loss {{{value}:.4f}}")'

    def _rates(self) -> list[str]:
        epoch = self.word["epoch"]
        return [
            f"{self.names[i]} = np.float64({self.names[i]}_of_epochs[min({epoch}, {len(r) - 1})])"
            for i, r in self.training.rates.items()
            if i in self.names and len(set(r)) > 1
        ]

    def _call(self) -> list[str]:
        """One step: its results take the places of what went in."""
        word, training = self.word, self.training
        sampled = self._sampled()
        places = {o: self.names[i] for i, o in training.carried.items() if i in self.names}
        arguments = []
        for i, name in self.names.items():
            if self.is_packed and i in self.kept:
                arguments = [f"*{word['values']}"]
            elif i in sampled:
                arguments.append(f"{name}[{word['rows']}]")
            elif i in training.counts:
                arguments.append(f"np.{training.counts[i]}(len({word['losses']}))")
            else:
                arguments.append(name)
        targets = [word["loss"], *(places.get(o, "_") for o in range(1, self.outputs))]
        if self.is_packed:
            targets = [word["loss"], f"*{word['values']}"]
        found = self._assigned(targets, f"{self.step}({', '.join(arguments)})")
        return [*found, f"{word['losses']}.append(float({word['loss']}))"]

    def _assigned(self, targets: Sequence[str], call: str) -> list[str]:
        line = f"{', '.join(targets)} = {call}"
        if len(line) <= layout.WIDTH - 3 * len(INDENT):
            return [line]
        width = layout.WIDTH - 3 * len(INDENT)
        function, _, arguments = call.partition("(")
        left = layout.wrapped(f"({', '.join(targets)}) = {function}(", width)
        return [*left, *layout.wrapped(f"    {arguments}", width)]

    def _main(self) -> list[str]:
        call = f"{self.word['train']}(*sys.argv[1:2])" if self.batch else f"{self.word['train']}()"
        return ['if __name__ == "__main__":', INDENT + call]


# --- arrays as code ----------------------------------------------------------------------


def start_text(array: Any, rng: str) -> str:
    """Code for an array of such a shape: a pattern as it is, else normal numbers of its spread."""
    value = np.asarray(array)
    pattern = pattern_text(value, value.shape)
    if pattern is not None and value.ndim:
        return pattern
    if not value.ndim or value.dtype.kind != "f":
        return f"np.array({literal(value.tolist())}, dtype={_dtype(value)})"
    shape = repr(value.shape) if value.ndim > 1 else str(value.shape[0])
    text = f"{rng}.standard_normal({shape}) * {_spread_text(value)}"
    return text if value.dtype == np.float64 else f"({text}).astype({_dtype(value)})"


def _spread_text(value: Any) -> str:
    """The standard deviation, as the rule that it follows: √(2 / fan_in) and the like."""
    spread = float(np.std(value))
    if value.ndim > 1:
        field = int(np.prod(value.shape[2:]))
        fan_in, fan_out = value.shape[0], value.shape[1]
        if value.ndim > 2:  # noqa: PLR2004 - filters are (out, in, height, width)
            fan_in, fan_out = value.shape[1] * field, value.shape[0] * field
        rules = ((f"2 / {fan_in}", 2 / fan_in), (f"1 / {fan_in}", 1 / fan_in),
                 (f"2 / ({fan_in} + {fan_out})", 2 / (fan_in + fan_out)))  # fmt: skip
        text, variance = min(rules, key=lambda rule: abs(rule[1] ** 0.5 - spread))
        if abs(variance**0.5 - spread) < (0.05 + 2 / value.size**0.5) * spread:
            return f"np.sqrt({text})"
    return f"{spread:.2g}"


def drawn_text(array: Any, rng: str, rows: int, classes: int = 0) -> str:
    """Code that draws an array like this one with `rows` rows."""
    value = np.asarray(array)
    shape = repr((rows, *value.shape[1:])) if value.ndim > 1 else str(rows)
    if value.dtype.kind in "iu":
        return f"{rng}.integers(0, {classes or max(int(value.max(initial=0)) + 1, 2)}, {shape})"
    if value.dtype.kind == "b":
        return f"{rng}.random({shape}) < 0.5"
    kind = "" if value.dtype == np.float64 else f".astype({_dtype(value)})"
    is_share = value.size and value.min() >= 0 and value.max() <= 1
    return f"{rng}.{'random' if is_share else 'standard_normal'}({shape}){kind}"


def _dtype(value: Any) -> str:
    name = np.asarray(value).dtype.name
    return "bool" if name == "bool" else f"np.{name}"
