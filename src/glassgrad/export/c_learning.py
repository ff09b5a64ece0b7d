"""The training of an exported C file: the step as a graph, its memory, its call, targets of rows.

Layer L10. The step writes new weights and new state into the memory of the old ones, wherever each
reader of the old value has read it by then; where the loss is not finite it stops before that.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from glassgrad.export.c_words import array, c_type, call, declaration, double, filled, table
from glassgrad.export.subject import Subject

if TYPE_CHECKING:
    from glassgrad.backends.native.c_head import Argument, CProgram

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
class Learning:
    """Writes the text; `weights` are the names of the network's arrays, `step` was printed."""

    subject: Subject
    prefix: str
    weights: Sequence[str]
    step: CProgram
    rows: int
    raw: bool

    @property
    def words(self) -> dict[str, str]:
        kind = c_type(self.subject.dtype)
        return {"p": self.prefix, "P": self.prefix.upper(), "T": kind, "TARGET": self.target}

    @cached_property
    def inputs(self) -> list[Argument]:
        """Weights, state of the optimiser, features, targets, key, step, rate, updates."""
        return [argument for argument in self.step.arguments if not argument.is_output]

    @cached_property
    def outputs(self) -> list[Argument]:
        """The loss, new weights and state, and of clipping the norm and whether it skipped."""
        return [argument for argument in self.step.arguments if argument.is_output]

    @property
    def state(self) -> list[Argument]:
        """The arrays of the optimiser."""
        return self.inputs[len(self.weights) : -6]

    @property
    def target(self) -> str:
        return c_type(self.inputs[-5].dtype)

    @cached_property
    def names(self) -> list[str]:
        """What is handed over for each input, in the words of `learn`."""
        state = [f"{self.prefix}_{argument.name}" for argument in self.state]
        return [*self.weights, *state, "x", "t", f"{self.prefix}_key", "&step", "&rate", "&updates"]

    @cached_property
    def replaced(self) -> list[int]:
        """Per output behind the loss the input that it takes the place of."""
        assert self.subject.learning is not None
        carried = self.subject.learning.step.carried(*self.subject.batch(self.rows))
        return sorted(carried, key=carried.__getitem__)

    @cached_property
    def apart(self) -> dict[int, str]:
        """The outputs that cannot be written over what they replace, and their own arrays."""
        pairs = enumerate(self.replaced, start=1)
        names = {o: (self.inputs[i].name, self.outputs[o].name) for o, i in pairs}
        return {
            o: f"{self.prefix}_{pair[1]}"
            for o, pair in names.items()
            if pair not in self.step.in_place
        }

    @property
    def reports(self) -> list[Argument]:
        return self.outputs[1 + len(self.replaced) :]

    def sizes(self) -> dict[str, int]:
        """Constants that the file declares: the rows of a step, and numbers of a row's target."""
        return {"BATCH": self.rows, "TARGETS": _size(self.inputs[-5]) // self.rows}

    def prototypes(self) -> list[str]:
        texts = [self._learn(), *([] if self.raw else [self._learn_rows()])]
        return [declaration(text) for text in texts]

    def parts(self) -> list[str]:
        """The texts, below the step."""
        assert self.subject.learning is not None
        made = [(f"{self.prefix}_{argument.name}", argument) for argument in self.state]
        made += [(name, self.outputs[o]) for o, name in self.apart.items()]
        lines = [f"static {c_type(a.dtype)} {name}[{_size(a)}];" for name, a in made]
        key = np.asarray(self.subject.learning.step.key)
        lines.append(array(f"static const uint32_t {self.prefix}_key", key))
        lines.append(f"static int64_t {self.prefix}_counts[2]; /* steps, and updates among them */")
        texts = ["\n".join(lines), self._learn()]
        return texts if self.raw else [*texts, *self._targets(), self._learn_rows()]

    def _learn(self) -> str:
        given = [self.apart.get(o, self.names[i]) for o, i in enumerate(self.replaced, start=1)]
        reports = [f"report_{number}" for number in range(len(self.reports))]
        declared = [
            f"    {c_type(a.dtype)} {name} = 0;\n"
            for a, name in zip(self.reports, reports, strict=True)
        ]
        copies = [
            f"    for (int i = 0; i < {_size(self.outputs[o])}; i++) {{\n"
            f"        {self.names[self.replaced[o - 1]]}[i] = {name}[i];\n    }}\n"
            for o, name in self.apart.items()
        ]
        arguments = [*self.names, "&found", *given, *(f"&{name}" for name in reports)]
        words = {
            **self.words,
            "DECLARED": "".join(declared),
            "CALL": call(f"    const int status = {self.prefix}_step", arguments),
            "COPIES": "".join(copies),
            "COUNTED": f"!{reports[-1]}" if reports else "1",
            "CHECK": filled("check_labels", self.words) + "\n" if self._has_labels else "",
        }
        return filled("learn", words)

    @property
    def _has_labels(self) -> bool:
        return self.subject.head.encoding == "labels"

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
