"""A trained network as one C99 file: raw rows -> predictions, without a library or an allocation.

Layer L10. The network is printed by the native back end's C printer; around it stand the weights,
the table plan, the reading of numbers, categories and labels, and a command for tests under
`GLASSGRAD_MAIN`. Texts of the run become escaped strings only; every identifier begins with a
prefix that passed the strict check.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from glassgrad.backends.source.plain import made_by
from glassgrad.data.features import Feature
from glassgrad.data.table import TablePlan
from glassgrad.export.c_network import NetworkText, network_text
from glassgrad.export.c_words import (
    WIDTH,
    commented,
    declaration,
    double,
    filled,
    heading,
    static_bytes,
    string,
    strings,
)
from glassgrad.export.pieces.files import MISSING_WORDS
from glassgrad.export.subject import Subject, identifier
from glassgrad.text import speaking

_ROW_BYTES = 65536  # of the command's longest row, at least
_KINDS = {"numeric": "NUMBER", "boolean": "PAIR", "categorical": "CATEGORY"}


@dataclass(frozen=True)
class CFile:
    """The text, the bytes of its constants, and those that it writes to; the command's aside."""

    text: str
    constant_bytes: int
    memory_bytes: int


def c_file(
    subject: Subject, prefix: str, *, raw: bool = False, freestanding: bool = False, batch: int = 1
) -> CFile:
    """The C99 program of a trained network, in English.

    prefix:       what all its names begin with: an identifier
    raw:          leave the preparation of rows and the meaning of outputs out
    freestanding: use no header of the C library; else math.h
    batch:        rows of a training step, where the subject learns
    Raises:       GraphError that names a primitive without a C form; DataError for a text that C
                  cannot hold
    """
    with speaking("en"):
        network = network_text(subject, prefix, raw=raw, freestanding=freestanding, batch=batch)
        return _Writer(subject, prefix, network, raw).file()


def c_prefix(name: str) -> str:
    """What the names of a C file may begin with, from any text.

    >>> c_prefix("iris"), c_prefix("gg"), c_prefix("int")
    ('iris', 'network_gg', 'network_int')
    """
    from glassgrad.backends.native.c_words import identifier as checked  # noqa: PLC0415

    plain = identifier(name)
    is_free = checked(plain) and checked(f"{plain}_forward")
    return plain if is_free else f"network_{plain}"


class _Writer:
    """One file in the making."""

    def __init__(self, subject: Subject, prefix: str, network: NetworkText, raw: bool) -> None:
        self.subject = subject
        self.prefix = prefix
        self.network = network
        self.raw = raw
        self.plan = None if raw else subject.plan
        self.type = {"float32": "float", "float64": "double"}[np.dtype(subject.dtype).name]
        self.has_shares = bool(subject.head.link) and not raw
        self.is_numeric = self.plan is None or all(
            feature.kind == "numeric" for feature in self.plan.features
        )

    @property
    def words(self) -> dict[str, str]:
        """What the words of the pieces stand for."""
        plan, subject = self.plan, self.subject
        cells = max(1024, 2 * len(plan.columns) if plan else subject.width + 2)
        shown = "[--probabilities]" if self.has_shares else ""
        return {
            "p": self.prefix,
            "P": self.prefix.upper(),
            "T": self.type,
            "MISSING": ", ".join(map(string, sorted(MISSING_WORDS))),
            "MISSING_COUNT": str(len(MISSING_WORDS)),
            "HAS_HEADER": str(int(plan is not None and plan.has_header)),
            "HAS_SHARES": str(int(self.has_shares)),
            "HAS_LABEL": str(int(not self.raw)),
            "DROPS": str(int(plan is not None and plan.missing == "drop")),
            "ROW_BYTES": str(max(_ROW_BYTES, 32 * cells)),
            "ROW_CELLS": str(cells),
            "SCALE": double(subject.scale),
            "USAGE": shown,
        }

    @cached_property
    def sizes(self) -> dict[str, int]:
        """The constants that the file declares."""
        subject, plan = self.subject, self.plan
        found = {"FEATURES": subject.width, "OUTPUTS": subject.head.outputs, **self.network.sizes}
        if not self.raw:
            found["USED"] = subject.width if plan is None else len(plan.features)
            if subject.classes:
                found["CLASSES"] = len(subject.classes)
        if plan is not None:
            found["COLUMNS"] = len(plan.columns)
            found["TARGET"] = plan.columns.index(plan.target)
            found["FILLS"] = int(plan.missing == "impute")
        return {f"{self.prefix.upper()}_{name}": value for name, value in found.items()}

    @cached_property
    def memory_bytes(self) -> int:
        """What is written to: values between steps, rows; and weights and state, if it learns."""
        own = [] if self.raw else self._results()
        total = self.network.arena_bytes
        total += static_bytes("\n\n".join([*own, *self.network.training]), self.sizes)
        return total + (self.network.weight_bytes if self.subject.learning else 0)

    @property
    def constant_bytes(self) -> int:
        """What is only read: tables of the network; and weights, unless it learns."""
        weights = 0 if self.subject.learning else self.network.weight_bytes
        return self.network.table_bytes + weights

    def file(self) -> CFile:
        upper = self.prefix.upper()
        parts = [
            self._head(),
            f"#ifndef {upper}_C\n#define {upper}_C\n",
            "\n".join(f"#include <{name}>" for name in self._headers()),
            heading("what it offers"),
            self._declarations(),
            f"#ifndef {upper}_DECLARATIONS_ONLY",
        ]
        if not self.raw:
            parts += [heading("names"), *self._names()]
        parts += [heading("network"), *self.network.parts]
        if not self.raw:
            if self.plan is not None:
                parts += [heading("numbers and texts"), *self._reading(), self._fill("missing")]
            parts += [heading("rows to features"), *self._preparation()]
            parts += [heading("results"), *self._results()]
        if self.network.training:
            parts += [heading("training"), *self.network.training]
        parts += [heading("command"), f"#ifdef GLASSGRAD_MAIN\n\n{self._command()}\n#endif"]
        parts += ["#endif\n#endif"]
        text = "\n\n".join(part.strip("\n") for part in parts if part) + "\n"
        return CFile(text, self.constant_bytes, self.memory_bytes)

    def _reading(self) -> list[str]:
        return [self._fill("number"), self._fill("text")]

    def _fill(self, name: str, **words: str) -> str:
        return filled(name, {**self.words, **words})

    def _headers(self) -> Sequence[str]:
        return sorted({"float.h", "stddef.h", *self.network.headers})

    @property
    def _uses_math(self) -> bool:
        return "math.h" in self.network.headers

    # --- what it is and offers -------------------------------------------------------------

    def _head(self) -> str:
        subject, prefix = self.subject, self.prefix
        what = "its own inputs -> its outputs" if self.raw else "raw rows -> predictions"
        math = " -lm" if self._uses_math else ""
        flags = f"-DGLASSGRAD_MAIN {prefix}.c -o {prefix}{math}"
        weights = "weights not among them" if subject.learning else "weights among them"
        paragraphs = [
            f"A trained network in C99: {what}.",
            self._about_calls(),
            f"It is compiled beside a program, which includes it behind "
            f"#define {prefix.upper()}_DECLARATIONS_ONLY. With GLASSGRAD_MAIN it is a command:",
            f"    gcc -std=c99 -O2 {flags}\n    ./{prefix} < rows.csv",
            f"Memory: {self.constant_bytes:,} bytes of constants, {weights}, and "
            f"{self.memory_bytes:,} bytes that are written to. All of it is static: nothing is "
            "allocated, and one call is made at a time. Names and categories come on top.",
            "It needs IEEE 754 floats of 4 and doubles of 8 bytes, and "
            + ("math.h." if self._uses_math else "no C library.")
            + " Compile with -std=c99 or -ffp-contract=off: each operation is rounded by itself.",
            made_by(),
        ]
        filled_in = [
            text if text[:1] == " " else textwrap.fill(text, WIDTH - 3, break_on_hyphens=False)
            for text in paragraphs
        ]
        body = "\n\n".join(filled_in).replace("\n", "\n   ").replace("\n   \n", "\n\n")
        return f"/* {body} */"

    def _about_calls(self) -> str:
        subject, p = self.subject, self.prefix
        if self.raw:
            text = f"{p}_network takes {subject.width} features and gives the outputs."
        elif self.plan is None:
            text = f"{p}_predict_rows takes rows of {subject.width} raw numbers."
        else:
            count = len(self.plan.columns)
            text = (
                f"{p}_predict_row takes the cells of a row as text, in the order of {p}_columns: "
                f"{count}, or {count - 1} without the target, or those {len(self.plan.features)} "
                "that are used. An empty cell, or a null pointer, is a missing one. Numbers are "
                "rounded to the nearest double."
            )
            if self.is_numeric:
                text += f" {p}_predict_rows takes the columns that are used as numbers."
        if subject.classes and not self.raw:
            text += f" A label is a place in {p}_labels."
        if subject.learning is not None:
            text += f" {p}_learn makes one step of training."
        return text

    def _declarations(self) -> str:
        subject, upper, plan = self.subject, self.prefix.upper(), self.plan
        texts = [_enum([f"{name} = {value}" for name, value in self.sizes.items()])]
        if not self.raw or subject.learning is not None:
            names = ("FINE", "MISSING", "NO_NUMBER", "NO_WORD", "WRONG_COUNT", "NOT_FINITE")
            about = "/* What a call returns; all but the first say what does not fit. */\n"
            texts.append(about + _enum([f"{upper}_{name}" for name in names]))
        if plan is not None:
            texts.append(f"extern const char *const {self.prefix}_columns[{upper}_COLUMNS];")
        if subject.classes and not self.raw:
            texts.append(f"extern const char *const {self.prefix}_labels[{upper}_CLASSES];")
        texts += self.network.prototypes
        if not self.raw:
            texts += [declaration(text) for text in self._functions()]
        return "\n\n".join(texts)

    # --- rows ------------------------------------------------------------------------------

    def _names(self) -> list[str]:
        texts = []
        if self.plan is not None:
            head = f"{self.prefix}_columns"
            texts.append(strings(head, self.plan.columns, is_public=True))
        if self.subject.classes:
            texts.append(strings(f"{self.prefix}_labels", self.subject.classes, is_public=True))
        return texts

    def _preparation(self) -> list[str]:
        if self.plan is None:
            return [self._fill("plain")]
        tables = "\n\n".join(self._tables(self.plan))
        text = self._fill("table", TABLES=tables)
        return [text, self._fill("numbers")] if self.is_numeric else [text]

    def _tables(self, plan: TablePlan) -> list[str]:
        texts, rows = [], []
        for number, feature in enumerate(plan.features):
            words = "0"
            if feature.categories:
                words = f"{self.prefix}_words_{number}"
                texts.append(strings(words, feature.categories))
            rows += [f"    /* {_about(feature)} */", self._row(plan, feature, words)]
        name = f"{self.prefix}_used[{self.prefix.upper()}_USED]"
        head = f"static const struct {self.prefix}_column {name} = {{"
        return [*texts, "\n".join([head, *rows, "};"])]

    def _row(self, plan: TablePlan, feature: Feature, words: str) -> str:
        is_number = feature.kind == "numeric"
        fill = double(float(feature.fill)) if is_number and feature.fill is not None else "0.0"
        word = string(str(feature.fill)) if not is_number and feature.fill is not None else "0"
        values = [
            f"{self.prefix.upper()}_{_KINDS[feature.kind]}",
            str(plan.columns.index(feature.name)),
            double(feature.mean),
            double(feature.scale),
            fill,
            words,
            str(len(feature.categories)),
            word,
            str(int(feature.indicator)),
        ]
        return f"    {{{', '.join(values)}}},"

    # --- results ---------------------------------------------------------------------------

    @property
    def _result(self) -> list[tuple[str, str, str]]:
        """Type, name and number of the values that a prediction has, one row a result."""
        if not self.subject.classes:
            return [("double", "value", "1")]
        found = [("int32_t", "label", "1")]
        shares = ("double", "probabilities", f"{self.prefix.upper()}_CLASSES")
        return [*found, shares] if self.has_shares else found

    def _functions(self) -> list[str]:
        """What takes rows."""
        found, texts = self._result, []
        optional = " `probabilities` may be a null pointer." if self.has_shares else ""
        if self.plan is not None:
            result = ", ".join(f"{kind} *{name}" for kind, name, _ in found)
            names = ", ".join(name for _, name, _ in found)
            texts.append(self._fill("predict_row", RESULT=result, NAMES=names, AND=optional))
        if self.is_numeric:
            plural = {"label": "labels", "value": "values"}
            named = [(kind, plural.get(name, name), size) for kind, name, size in found]
            result = ", ".join(f"{kind} *{name}" for kind, name, _ in named)
            places = ", ".join(
                f"{name} + i" if size == "1" else f"{name} ? {name} + (size_t)i * {size} : 0"
                for _, name, size in named
            )
            words = {"RESULTS": result, "PLACES": places, "AND": optional}
            texts.append(self._fill("predict_rows", **words))
        return texts

    def _results(self) -> list[str]:
        subject = self.subject
        if not subject.classes:
            mean, scale = (0.0, 1.0) if self.plan is None else _target(self.plan)
            decide = self._fill("quantity", TARGET_MEAN=double(mean), TARGET_SCALE=double(scale))
        else:
            choice = f"    *label = y[0] > {subject.head.threshold};"
            if subject.head.outputs > 1:
                choice = self._fill("choice_many")
            name = "classes_shares" if self.has_shares else "classes"
            decide = self._fill(name, CHOICE=choice)
        return [decide, *self._functions()]

    # --- the command -----------------------------------------------------------------------

    def _command(self) -> str:
        reading = self._reading() if self.plan is None else []  # else it stands above
        texts = [*reading, self._fill("csv")]
        if not self.raw and self.subject.classes:
            texts.append(self._fill("print"))
        elif not self.raw:
            texts.append(self._fill("print_number"))
        texts.append(self._printing())
        if self.plan is not None:
            return "\n\n".join([*texts, self._fill("main_table")])
        taken = self._fill("taken_raw" if self.raw else "taken_plain")
        return "\n\n".join([*texts, self._fill("main_numbers", TAKEN=taken.strip())])

    def _printing(self) -> str:
        """The two functions that print the head and a row."""
        if self.raw:
            return self._fill("print_outputs", FORMAT="%.9g" if self.type == "float" else "%.17g")
        if not self.subject.classes:
            return self._fill("print_quantity")
        return self._fill("print_shares" if self.has_shares else "print_label")


def _enum(names: Sequence[str]) -> str:
    """`enum { NAMES };`."""
    text = f"enum {{ {', '.join(names)} }};"
    return "\n".join(textwrap.wrap(text, WIDTH, subsequent_indent="    "))


def _about(feature: Feature) -> str:
    """A column in words, for a comment."""
    name = commented(feature.name)
    if feature.kind != "numeric":
        return name
    return f"{name}: (x - {feature.mean:.6g}) / {feature.scale:.6g}"


def _target(plan: TablePlan) -> tuple[float, float]:
    return plan.target_mean, plan.target_scale
