"""The training of an exported NumPy program: its step, state and targets.

Layer L10. The step is printed as any other graph, and checked. Weights go on from where training
ended; the state of the optimiser begins anew, as before its first step.
"""

from __future__ import annotations

import ast
import re
import textwrap
from collections.abc import Sequence
from itertools import count

import numpy as np

from glassgrad.backends.source.layout import WIDTH
from glassgrad.backends.source.listing import listing
from glassgrad.backends.source.script import start_text
from glassgrad.export.literals import array, assignment
from glassgrad.export.pieces import piece
from glassgrad.export.subject import Learning, Subject
from glassgrad.graph.ir import Graph

_ROWS = 8  # of the batch that the step is recorded with; its text takes any number
_FORMS = {
    "labels": "codes_of(targets)",
    "column": "codes_of(targets)[:, None].astype(DTYPE)",
    "one-hot": "np.eye(len(CLASSES))[codes_of(targets)].astype(DTYPE)",
    "column signs": "(2.0 * codes_of(targets)[:, None] - 1).astype(DTYPE)",
    "one-hot signs": "(2 * np.eye(len(CLASSES))[codes_of(targets)] - 1).astype(DTYPE)",
}


def learning_parts(subject: Subject, names: Sequence[str], network: str, raw: bool) -> list[str]:
    """The texts of the section, behind the text of the network with its arguments' names."""
    learning = subject.learning
    assert learning is not None
    graph = subject.step_graph(_ROWS)
    body = listing(graph, rewrite=False).text.partition("import numpy as np\n")[2].strip("\n")
    arguments = _arguments(body)
    leaves = len(names) - 1
    assert arguments[:leaves] == list(names[:-1])
    state = _state(learning, arguments, leaves)
    carried = _carried(learning, subject, arguments)
    fixed = [assignment("CARRIED", carried), array("KEY", learning.step.key)]
    counts = 'COUNTS = {"steps": 0, "updates": 0}'
    parts = [*_beside(network, body), *state, *fixed, counts]
    if not raw:
        parts += _targets(subject)
    return [*parts, _learn(subject, graph, arguments, raw)]


def _arguments(body: str) -> list[str]:
    functions = (node for node in ast.parse(body).body if isinstance(node, ast.FunctionDef))
    step = next(node for node in functions if node.name == "train_step")
    return [argument.arg for argument in step.args.args]


def _beside(network: str, body: str) -> list[str]:
    """The functions of a text less those that the network has; others of its names are renamed."""
    known = _definitions(network)
    found = _definitions(body)
    for name in [name for name in found if name in known]:
        if found[name] == known[name]:
            del found[name]
            continue
        new = next(n for i in count(2) if (n := f"{name}{i}") not in known and n not in found)
        found = {k: re.sub(rf"\b{name}\(", f"{new}(", text) for k, text in found.items()}
    return list(found.values())


def _definitions(body: str) -> dict[str, str]:
    """The text of each function, and of what stands between them, by name."""
    lines = body.splitlines()
    found: dict[str, str] = {}
    for node in ast.parse(body).body:
        text = "\n".join(lines[node.lineno - 1 : node.end_lineno])
        found[node.name if isinstance(node, ast.FunctionDef) else text] = text
    return found


def _state(learning: Learning, arguments: Sequence[str], leaves: int) -> list[str]:
    rows = [row for optimizer in learning.step.optimizers for row in optimizer.rows]
    named = zip(arguments[leaves:], rows, strict=False)
    lines = [f'    "{name}": {start_text(np.zeros_like(row), "rng")},' for name, row in named]
    return ["\n".join(["# of the optimiser", "STATE: dict[str, Any] = {", *lines, "}"])]


def _carried(learning: Learning, subject: Subject, arguments: Sequence[str]) -> list[str]:
    """What a step replaces, in the order of its results behind the loss."""
    found = learning.step.carried(*subject.batch(_ROWS))
    places = {output: arguments[number] for number, output in found.items()}
    assert sorted(places) == list(range(1, len(places) + 1))
    return [places[output] for output in sorted(places)]


def _targets(subject: Subject) -> list[str]:
    form = subject.head.encoding
    if form == "quantity":
        value = "np.asarray(targets, np.float64)"
        if subject.plan is not None:
            value = f"({value} - TARGET_MEAN) / TARGET_SCALE"
        lines = [f"    values = {value}", "    return values.astype(DTYPE).reshape(-1, 1)"]
        about = '    """Quantities as the loss takes them, (n, 1)."""'
        return ["\n".join(["def encoded_targets(targets: Any) -> Any:", about, *lines])]
    about = '    """Classes as the loss takes them."""'
    lines = ["def encoded_targets(targets: Any) -> Any:", about, f"    return {_FORMS[form]}"]
    by_name = subject.plan is not None
    codes = piece("learning", "codes_by_name" if by_name else "codes_by_number")
    codes = codes.replace("codes_by_name" if by_name else "codes_by_number", "codes_of")
    return [codes, "\n".join(lines)]


def _broken(line: str) -> list[str]:
    """A line of arguments, broken where it is too long for the page."""
    indent = line[: len(line) - len(line.lstrip())]
    return textwrap.wrap(line, WIDTH, subsequent_indent=indent)


def _learn(subject: Subject, graph: Graph, arguments: Sequence[str], raw: bool) -> str:
    learning = subject.learning
    assert learning is not None
    kept = len(subject.weights()) + sum(learning.step.places.sizes)
    x, t, key, step, rate, updates = arguments[kept:]
    values = {
        x: "X",
        t: "t",
        key: "KEY",
        step: 'np.int64(COUNTS["steps"])',
        rate: "np.float64(rate)",
        updates: 'np.float64(COUNTS["updates"])',
    }
    listed = ", ".join(f"{name}={value}" for name, value in values.items())
    call = ["    loss, *values = train_step(", f"        **WEIGHTS, **STATE, {listed},", "    )"]
    call = [row for line in call for row in _broken(line)]
    is_clipping = len(graph.outputs) > 1 + len(learning.step.carried(*subject.batch(_ROWS)))
    counted = "not values[-1]" if is_clipping else "1"
    taken = ["    X, t = X, targets"] if raw else []
    taken = taken or ["    X, t = features(rows), encoded_targets(targets)"]
    head = (
        f"def learn({'X' if raw else 'rows'}: Any, targets: Any, rate: float = {learning.rate!r})"
    )
    what = "features and encoded targets" if raw else "raw rows and their targets"
    return "\n".join(
        [
            f"{head} -> float:",
            f'    """One step of training on {what}; the loss before it.',
            "",
            "    Weights and the optimiser's state are replaced; predictions are made with the new",
            "    ones. Nothing has changed where a loss or a weight would not be finite.",
            '    """',
            *taken,
            *call,
            "    new = dict(zip(CARRIED, values))",
            "    if not all(np.isfinite(value).all() for value in (loss, *new.values())):",
            '        raise ValueError(f"the loss is {loss}: the weights were left as they are")',
            "    for name, value in new.items():",
            "        (WEIGHTS if name in WEIGHTS else STATE)[name] = value",
            '    COUNTS["steps"] += 1',
            f'    COUNTS["updates"] += {counted}',
            "    return float(loss)",
        ]
    )
