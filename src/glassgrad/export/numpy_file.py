"""A trained network as one Python file that needs NumPy alone: raw rows -> predictions.

Layer L10. The file holds the run's table plan as literals, the reading and preparation of rows as
copies of the pieces, the forward graph as `source` prints it, and what the outputs mean. Up to
`FEW` numbers of weights stand in the file as text, all their digits; more go beside it into an
`.npz`, whose SHA-256 the file knows, so that neither is ever used with another one's half.
"""

from __future__ import annotations

import ast
import io
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any

import numpy as np

from glassgrad.backends.source.listing import listing
from glassgrad.backends.source.plain import made_by
from glassgrad.core.primitive import literal
from glassgrad.core.template import compile_functions
from glassgrad.errors import GraphError
from glassgrad.export.learning import learning_parts
from glassgrad.export.literals import array, assignment
from glassgrad.export.pieces import piece
from glassgrad.export.subject import Subject
from glassgrad.text import say, speaking

FEW = 1000  # numbers of weights that a person may want to read
_RULE = 84
_TRIED = (1, 5)  # batch sizes at which the printed network is compared with the model
_LINKS = {
    "softmax": "values = np.exp(values - values.max(axis=1, keepdims=True))",
    "logistic": "values = np.exp(-np.logaddexp(0, -values))",
    "exp": "values = np.exp(values)",
    "shares": "",
}


@dataclass(frozen=True)
class NumpyProgram:
    """The text of the `.py`, and the content of the `.npz` beside it where there is one."""

    text: str
    arrays: bytes | None = None


@dataclass
class Parts:
    """What a file is put together from, section by section."""

    sections: list[tuple[str, list[str]]] = field(default_factory=list)

    def add(self, title: str, texts: Sequence[str]) -> None:
        self.sections.append((title, [text for text in texts if text]))

    def text(self) -> str:
        lines = []
        for title, texts in self.sections:
            lines += ["", "", f"# --- {title} ".ljust(_RULE, "-"), ""]
            for before, text in zip([None, *texts], texts, strict=False):
                if before is not None and (_is_function(before) or _is_function(text)):
                    lines += ["", ""]
                lines.append(text)
        return "\n".join(lines)


def _is_function(text: str) -> bool:
    return text.startswith("def ") or "\ndef " in text


def numpy_program(subject: Subject, *, raw: bool = False) -> NumpyProgram:
    """The standalone program of a trained network, in English.

    raw:     leave the preparation of rows and the meaning of outputs out: the network alone
    Raises:  GraphError if the printed network does not give the model's own outputs
    """
    with speaking("en"):
        return _program(subject, raw)


def _program(subject: Subject, raw: bool) -> NumpyProgram:
    names, network = _network(subject)
    weights, arrays = _weights(subject, names)
    parts = Parts()
    parts.add("what rows mean", _sizes(subject) if raw else _meaning(subject))
    parts.add("weights", weights)
    parts.add("network", [network, *_outputs(names)])
    if not raw:
        parts.add("results", _results(subject))
    if subject.learning is not None:
        parts.add("training", learning_parts(subject, names, network, raw))
    if not raw:
        parts.add("rows to features", _preparation(subject))
        parts.add("reading files", _reading(subject))
    parts.add("command", _command(subject, raw))
    text = _head(subject, raw, arrays is not None) + parts.text() + "\n"
    _require_unique_names(text)
    return NumpyProgram(text, arrays)


# --- the parts ---------------------------------------------------------------------------


def _head(subject: Subject, raw: bool, has_file: bool) -> str:
    what = "a network without the preparation of its rows" if raw else "raw rows -> predictions"
    about = [
        f"A trained network as NumPy: {what}. Needs NumPy 2 alone.",
        f"    python FILE.py {'inputs.npy' if raw else 'rows.csv'}",
        _about_calls(subject, raw),
        made_by(),
    ]
    if has_file:
        about.insert(3, "The weights lie beside this file, under its name and in .npz.")
    listed = [textwrap.fill(text, 96) if text[:1] != " " else text for text in about]
    body = "\n\n".join(listed)
    modules = ["argparse", "csv", "sys"]
    modules += ["hashlib"] if has_file else []
    modules += ["io"] if has_file or not raw else []
    imports = "\n".join(f"import {name}" for name in sorted(modules))
    future = "from __future__ import annotations"
    tail = "from pathlib import Path\nfrom typing import Any\n\nimport numpy as np"
    return f'"""{body}\n"""\n\n{future}\n\n{imports}\n{tail}\n'


def _about_calls(subject: Subject, raw: bool) -> str:
    if raw:
        return f"outputs(X) takes rows of {subject.width} features."
    if subject.plan is not None:
        text = (
            "predict(rows) takes rows as the training file has them: lists of cells in the order "
            "of COLUMNS (the target may be absent), or dicts by column name. An empty cell is a "
            "missing one."
        )
    else:
        text = f"predict(rows) takes rows of {subject.width} raw numbers."
    if subject.head.link:
        text += " probabilities(rows) has one column a class."
    if subject.learning is not None:
        text += " learn(rows, targets) makes one step of training."
    return text


def _sizes(subject: Subject) -> list[str]:
    kind = f"DTYPE = {literal(np.dtype(subject.dtype))}"
    return [kind, assignment("WIDTH", subject.width)]


def _meaning(subject: Subject) -> list[str]:
    plan = subject.plan
    texts = _sizes(subject)
    if plan is None:
        texts.append(assignment("SCALE", float(subject.scale)))
    else:
        texts += [
            assignment("COLUMNS", list(plan.columns)),
            assignment("TARGET", plan.target),
            assignment("HAS_HEADER", plan.has_header),
            "# error: a row with a missing cell is refused; drop: left out; impute: filled in",
            assignment("MISSING", plan.missing),
            assignment("FEATURES", [_feature(feature) for feature in plan.features]),
        ]
        if plan.task == "regression":
            texts.append("# y = (target - TARGET_MEAN) / TARGET_SCALE")
            texts.append(assignment("TARGET_MEAN", plan.target_mean))
            texts.append(assignment("TARGET_SCALE", plan.target_scale))
    if subject.classes:
        texts.append(assignment("CLASSES", subject.labels))
    return texts


def _feature(feature: Any) -> dict[str, Any]:
    found = {"name": feature.name, "kind": feature.kind}
    if feature.kind == "numeric":
        found |= {"mean": feature.mean, "scale": feature.scale}
    else:
        found["categories"] = list(feature.categories)
    return found | {"fill": feature.fill, "indicator": feature.indicator}


def _reading(subject: Subject) -> list[str]:
    plan = subject.plan
    is_known = plan is not None and plan.has_header
    header = ["looks_like_header"] if is_known else ["looks_like_header", "is_number"]
    room = "known_header" if is_known else "guessed_header"
    first = ["MISSING_WORDS", "read_file", "npz_columns", "matrix_of", "decode", "split_rows"]
    cells = ["numbers_of", "number", "word"] + (["is_missing"] if plan is not None else [])
    return [
        *(piece("files", name) for name in [*first, "evenness"]),
        *(piece(room, name) for name in header),
        *(piece("files", name) for name in cells),
    ]


def _preparation(subject: Subject) -> list[str]:
    plan = subject.plan
    if plan is None:
        names = ["LABEL_NAMES", "features", "scaled", "features_in_file"]
        return [piece("plain", name) for name in names]
    kinds = list(dict.fromkeys(feature.kind for feature in plan.features))
    names = ["columns_of", "located", "incomplete", "features_of", "encoded"]
    names += [f"encode_{kind}" for kind in kinds]
    names += ["words_of"] if kinds != ["numeric"] else []
    table = ", ".join(f'"{kind}": encode_{kind}' for kind in kinds)
    return [
        *(piece("table", name) for name in names),
        f"ENCODERS = {{{table}}}",
        *(piece("table", name) for name in ("features", "features_in_file")),
    ]


# --- the network -------------------------------------------------------------------------


def _network(subject: Subject) -> tuple[list[str], str]:
    """The names of the network's arguments, and its text, which was compared with the model."""
    printed = listing(subject.graph(8), rewrite=False).text
    body = printed.partition("import numpy as np\n")[2].strip("\n")
    function = next(
        node
        for node in ast.parse(body).body
        if isinstance(node, ast.FunctionDef) and node.name == "forward"
    )
    names = [argument.arg for argument in function.args.args]
    _require_outputs(subject, body)
    return names, body


def _require_outputs(subject: Subject, body: str) -> None:
    """Raise unless the text gives the graph's outputs, bit for bit, for any number of rows."""
    forward = compile_functions(body, "<export>")["forward"]
    rng = np.random.default_rng(0)
    for rows in _TRIED:
        X = rng.standard_normal((rows, subject.width)).astype(subject.dtype)
        (expected,) = subject.graph(rows).callable()(*subject.weights(), X)
        found = np.asarray(forward(*subject.weights(), X))
        if found.tobytes() != np.asarray(expected).tobytes():
            raise GraphError(say("the printed network differs from the model"), operation="export")


def _weights(subject: Subject, names: Sequence[str]) -> tuple[list[str], bytes | None]:
    """The dict WEIGHTS as text; where it is read from a file, the file's content."""
    found = dict(zip(names[:-1], subject.weights(), strict=True))
    if sum(value.size for value in found.values()) <= FEW:
        listed = "".join(f'    "{name}": {name},\n' for name in found)
        named = [array(name, value) for name, value in found.items()]
        return [*named, f"WEIGHTS = {{\n{listed}}}"], None
    stream = io.BytesIO()
    np.savez(stream, **found)
    content = stream.getvalue()
    digest = f'SHA256 = "{sha256(content).hexdigest()}"'
    return [digest, piece("weights", "load"), "WEIGHTS = load()"], content


def _outputs(names: Sequence[str]) -> list[str]:
    text = piece("weights", "outputs")
    return [text.replace("x=part", f"{names[-1]}=part")]


def _results(subject: Subject) -> list[str]:
    """What the outputs mean: labels or quantities, and probabilities."""
    head = subject.head
    lines = ["def decoded(values: Any) -> Any:"]
    if not head.classes:
        lines.append('    """What outputs mean, in the unit of the training file."""')
        number = "values.reshape(len(values)).astype(np.float64)"
        scaled = "" if subject.plan is None else " * TARGET_SCALE + TARGET_MEAN"
        lines.append(f"    return {number}{scaled}")
    elif head.outputs == 1:
        lines.append('    """The classes that outputs mean."""')
        lines.append(f"    codes = (values.reshape(-1) > {head.threshold!r}).astype(np.int64)")
        lines.append("    return np.array(CLASSES)[codes]")
    else:
        lines.append('    """The classes that outputs mean: those of the highest scores."""')
        lines.append("    return np.array(CLASSES)[values.argmax(axis=1)]")
    found = ["\n".join(lines)]
    if head.link:
        found.append(_probabilities(head.link, head.outputs == 1))
    found.append(piece("results", "predict"))
    return [*found, piece("results", "probabilities")] if head.link else found


def _probabilities(link: str, is_single: bool) -> str:
    lines = [
        "def probabilities_of(values: Any) -> Any:",
        '    """One probability a class, (n, k)."""',
        "    values = np.asarray(values, np.float64)",
    ]
    lines += [f"    {_LINKS[link]}"] if _LINKS[link] else []
    if is_single:
        lines.append("    return np.concatenate([1 - values, values], axis=1)")
    else:
        lines.append("    total = values.sum(axis=1, keepdims=True)")
        lines.append("    return values / np.where(total > 0, total, 1)")
    return "\n".join(lines)


def _command(subject: Subject, raw: bool) -> list[str]:
    of_rows = "main_with_probabilities" if subject.head.link else "main_of_predictions"
    chosen = "main_of_outputs" if raw else of_rows
    text = piece("command", chosen).replace(chosen, "main")
    return [text, piece("command", "write_csv"), 'if __name__ == "__main__":\n    main()']


def _require_unique_names(text: str) -> None:
    """Nothing of the network may take the name of something around it."""
    body = ast.parse(text).body
    names = [node.name for node in body if isinstance(node, ast.FunctionDef)]
    assigned = [node for node in body if isinstance(node, ast.Assign)]
    names += [t.id for node in assigned for t in node.targets if isinstance(t, ast.Name)]
    repeated = {name for name in names if names.count(name) > 1}
    if repeated:
        problem = say("the program has {names} twice", names=", ".join(sorted(repeated)))
        raise GraphError(problem, operation="export")
