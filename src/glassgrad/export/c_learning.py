"""The training of an exported C file: the step as a graph, its memory, its call, targets of rows.

Layer L10. The step writes new weights and new state into the memory of the old ones, wherever each
reader of the old value has read it by then; where the loss is not finite it puts the old ones back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np

from glassgrad.autodiff.graphs import record
from glassgrad.export.c_words import array, c_type, call, declaration, double, filled, table
from glassgrad.export.subject import Subject
from glassgrad.graph.ir import Graph, Var

if TYPE_CHECKING:
    from glassgrad.backends.native.c import Argument, CProgram
    from glassgrad.backends.native.program import Program

# How a row's target stands in what the loss takes; `code` is the number of its class.
_FORMS = {
    "labels": "    t[i] = code;",
    "column": "    t[i] = ($T)code;",
    "column signs": "    t[i] = ($T)(2 * code - 1);",
    "one-hot": """\
    for (int k = 0; k < $P_CLASSES; k++) {
        t[i * $P_CLASSES + k] = ($T)(k == code);
    }""",
    "one-hot signs": """\
    for (int k = 0; k < $P_CLASSES; k++) {
        t[i * $P_CLASSES + k] = ($T)(k == code ? 1 : -1);
    }""",
}


@dataclass(frozen=True)
class Step:
    """The training step as a graph, and per output behind the loss the input that it replaces.

    Behind these, where gradients are clipped, an output says whether the update was left out.
    """

    graph: Graph
    replaced: Sequence[int]
    tells_skips: bool


def guarded_step(subject: Subject, rows: int) -> Step:
    """The step that changes nothing where its loss is not finite."""
    assert subject.learning is not None
    graph = subject.step_graph(rows)
    carried = subject.learning.step.carried(*subject.batch(rows))
    replaced = sorted(carried, key=carried.__getitem__)
    tells_skips = len(graph.outputs) > 1 + len(replaced)

    def step(*inputs: Any) -> list[Any]:
        loss, *found = graph.evaluate(*inputs)
        is_sound = np.isfinite(loss)
        new = [
            np.where(is_sound, value, inputs[number])
            for value, number in zip(found, replaced, strict=False)
        ]
        return [loss, *new, *([found[-1]] if tells_skips else [])]

    inputs = [Var(var.aval, var.name) for var in graph.inputs]
    recorded, captures = record(step, inputs, "train_step")
    assert not captures
    recorded = recorded.transform("exact")
    names = ["loss", *(f"new_{graph.inputs[number].name}" for number in replaced), "skipped"]
    for atom, name in zip(recorded.outputs, names, strict=False):
        if isinstance(atom, Var) and atom not in recorded.inputs:
            atom.name = name
    return Step(recorded, replaced, tells_skips)


@dataclass(frozen=True)
class Learning:
    """Writes the text; `weights` are the names of the network's arrays."""

    subject: Subject
    prefix: str
    weights: Sequence[str]
    step: Step
    program: Program
    printed: CProgram
    rows: int
    raw: bool

    @property
    def words(self) -> dict[str, str]:
        kind = c_type(self.subject.dtype)
        return {"p": self.prefix, "P": self.prefix.upper(), "T": kind, "TARGET": self.target}

    @cached_property
    def inputs(self) -> Sequence[Argument]:
        return self.printed.arguments[: self.program.inputs]

    @cached_property
    def outputs(self) -> Sequence[Argument]:
        return self.printed.arguments[self.program.inputs :]

    @property
    def state(self) -> Sequence[Argument]:
        """The arrays of the optimiser."""
        return self.inputs[len(self.weights) : -6]

    @property
    def target(self) -> str:
        return c_type(self.inputs[-5].dtype)

    @property
    def targets(self) -> int:
        """How many numbers the target of one row is."""
        return _size(self.inputs[-5]) // self.rows

    @cached_property
    def names(self) -> list[str]:
        """What is handed over for each input, in the words of `learn`."""
        state = [f"{self.prefix}_{argument.name}" for argument in self.state]
        return [*self.weights, *state, "x", "t", f"{self.prefix}_key", "&step", "&rate", "&updates"]

    @property
    def apart(self) -> list[int]:
        """The outputs that cannot be written over what they replace."""
        pairs = enumerate(self.step.replaced, start=1)
        return [o for o, i in pairs if (i, o) not in self.program.in_place]

    @property
    def memory_bytes(self) -> int:
        made = [*self.state, *(self.outputs[o] for o in self.apart)]
        return sum(_size(argument) * argument.dtype.itemsize for argument in made)

    def prototypes(self) -> list[str]:
        texts = [self._learn(), *([] if self.raw else [self._learn_rows()])]
        return [declaration(text) for text in texts]

    def parts(self) -> list[str]:
        """The texts, below the step."""
        assert self.subject.learning is not None
        words = self.words
        lines = [f"static {words['T']} {self.prefix}_{a.name}[{_size(a)}];" for a in self.state]
        for o in self.apart:
            lines.append(f"static {words['T']} {self._aside(o)}[{_size(self.outputs[o])}];")
        key = np.asarray(self.subject.learning.step.key)
        lines.append(array(f"static const uint32_t {self.prefix}_key", key))
        lines.append(f"static int64_t {self.prefix}_steps, {self.prefix}_updates;")
        texts = ["\n".join(lines), self._learn()]
        return texts if self.raw else [*texts, *self._targets(), self._learn_rows()]

    def _aside(self, output: int) -> str:
        return f"{self.prefix}_{self.outputs[output].name}"

    def _learn(self) -> str:
        given = ["&found"]
        for o, i in enumerate(self.step.replaced, start=1):
            given.append(self._aside(o) if o in self.apart else self.names[i])
        given += ["&skipped"] if self.step.tells_skips else []
        copies = "".join(
            f"    for (int i = 0; i < {_size(self.outputs[o])}; i++) {{\n"
            f"        {self.names[self.step.replaced[o - 1]]}[i] = {self._aside(o)}[i];\n    }}\n"
            for o in self.apart
        )
        skipped = "    unsigned char skipped = 0;\n" if self.step.tells_skips else ""
        counted = "!skipped" if self.step.tells_skips else "1"
        words = {
            **self.words,
            "DECLARED": skipped,
            "CALL": call(f"    {self.prefix}_step", [*self.names, *given]),
            "COPIES": copies,
            "COUNTED": counted,
        }
        return filled("learn", words)

    # --- targets ---------------------------------------------------------------------------

    def _targets(self) -> list[str]:
        subject, words = self.subject, self.words
        form = subject.head.encoding
        if form == "quantity":
            plan = subject.plan
            mean, scale = (0.0, 1.0) if plan is None else (plan.target_mean, plan.target_scale)
            scaling = {"TARGET_MEAN": double(mean), "TARGET_SCALE": double(scale)}
            return [filled("target_quantity", {**words, **scaling})]
        put = _FORMS[form]
        for name in ("T", "P"):
            put = put.replace(f"${name}", words[name])
        texts = [filled("target_class", {**words, "PUT": put})]
        if subject.plan is None:
            return texts
        if subject.plan.numeric_labels:
            head = f"static const double {self.prefix}_label_numbers"
            numbers = [double(float(label)) for label in subject.labels]
            return [*texts, table(head, numbers), filled("target_number", words)]
        return [*texts, filled("target_word", words)]

    def _learn_rows(self) -> str:
        name = "learn_numbers" if self.subject.plan is None else "learn_cells"
        return filled(name, self.words)


def _size(argument: Argument) -> int:
    return int(np.prod(argument.shape, dtype=np.int64))
