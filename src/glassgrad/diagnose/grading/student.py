"""A student's backward pass, run in the form that it was written in.

Layer L9. Four forms are known, told apart by what is handed over:

    backward(*args)                the function's own arguments, in any order that the names tell;
                                   returns gradients, or (loss, gradients)
    forward(...), backward(dout, cache)          CS231n's assignments
    a class or an object with forward and backward, or a method that returns gradients: the book's
    step(*args)                    returns or overwrites updated weights

What is called gets copies of the arguments, so nothing of the caller's is changed.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.binding import (
    CACHE,
    Task,
    bound,
    forms,
    key_of,
    names_of,
    parameters_of,
    rate_of,
)
from glassgrad.diagnose.grading.lesson import codes_of
from glassgrad.diagnose.grading.watch import Watch
from glassgrad.errors import OptionError
from glassgrad.text import say

_SIZES = {"input_size": 0, "input_dim": 0, "D_in": 0, "n_in": 0, "hidden_size": 1, "H": 1}
_SIZES |= {"hidden_dim": 1, "n_hidden": 1, "output_size": -1, "num_classes": -1, "D_out": -1}
_SIZES |= {"n_out": -1, "output_dim": -1}


@dataclass(eq=False)
class Submission:
    """What the student's program gave.

    result:     what it returned; of a class, what `backward` returned
    receiver:   the object that may hold gradients as attributes
    forward_names: the arguments of `forward`, in whose order gradients are returned
    before, after: the arguments by name as they were given, and as they were left
    out:        what `forward` returned, where that is known
    rate:       the learning rate, where the program names one
    """

    result: Any
    watch: Watch
    before: Mapping[str, Any]
    after: Mapping[str, Any]
    forward_names: Sequence[str] = ()
    receiver: Any = None
    out: Any = None
    rate: float | None = None
    again: Callable[[Mapping[str, Any]], Any] | None = field(default=None, repr=False)
    label: str = ""


def run_student(student: Any, task: Task) -> Submission:
    """Call the student's program on copies of the arguments, and watch it."""
    if isinstance(student, (tuple, list)):
        return _run_pair(*_two(student), task)
    if inspect.isclass(student):
        student = _built(student, task)
        if not hasattr(student, "backward") and hasattr(student, "gradient"):
            return _run_function(student.gradient, task, student)
    if hasattr(student, "forward") and hasattr(student, "backward"):
        return _run_layer(student, task)
    if not callable(student):
        raise OptionError(
            say("{found} cannot be called", found=type(student).__name__),
            operation="compare_backward",
            rule=forms(),
        )
    owner = getattr(student, "__self__", None)
    if owner is not None and not inspect.ismodule(owner):
        return _run_function(student, task, owner)
    names = names_of(student)
    if CACHE & set(names):
        return _run_pair(_partner(student), student, task)
    return _run_function(student, task, None)


# --- functions and methods ---------------------------------------------------------------


def _run_function(student: Any, task: Task, owner: Any) -> Submission:
    given = task.fresh()
    if owner is not None:
        _fill(owner, given)
    arguments, keywords = bound(student, given, task, partly=owner is not None)
    watch = Watch(codes_of(student))
    with watch.watching():
        result = student(*arguments, **keywords)

    def again(values: Mapping[str, Any]) -> Any:
        if owner is not None:
            _fill(owner, values)
        others, named = bound(student, values, task, partly=owner is not None)
        return student(*others, **named)

    after = {**given, **(_held(owner, given) if owner is not None else {})}
    return Submission(
        result,
        watch,
        task.fresh(),
        after,
        _names_of(student, task),
        receiver=owner,
        rate=rate_of(student, watch, keywords),
        again=again,
        label=getattr(student, "__name__", "backward"),
    )


def _names_of(student: Any, task: Task) -> list[str]:
    """The arguments in the order of the student's own parameters, else of the reference's."""
    own = [name for name in names_of(student) if name in task.leaves]
    return own if len(own) > 1 else list(task.leaves)


# --- forward and backward in two functions -----------------------------------------------


def _two(pair: Sequence[Any]) -> tuple[Any, Any]:
    if len(pair) != 2 or not all(map(callable, pair)):  # noqa: PLR2004 - forward and backward
        raise OptionError(
            say("a pair is (forward, backward), two functions"), operation="compare_backward"
        )
    return pair[0], pair[1]


def _partner(backward: Any) -> Any:
    """The `affine_forward` that stands beside an `affine_backward`."""
    inner = inspect.unwrap(backward)
    name = inner.__name__
    wanted = name.replace("backward", "forward") if "backward" in name else "forward"
    found = getattr(inner, "__globals__", {}).get(wanted)
    if found is None or found is backward:
        raise OptionError(
            say("{name} takes a cache, but there is no {wanted}", name=name, wanted=wanted),
            operation="compare_backward",
            hint=say("hand over both: compare_backward(f, (forward, backward), *args)"),
        )
    return found


def _run_pair(forward: Any, backward: Any, task: Task) -> Submission:
    given = task.fresh()
    watch = Watch(codes_of(forward, backward))

    def call(values: Mapping[str, Any]) -> tuple[Any, Any]:
        arguments, keywords = bound(forward, values, task)
        made = forward(*arguments, **keywords)
        out, cache = made if isinstance(made, tuple) and len(made) == 2 else (made, made)  # noqa: PLR2004
        return out, _backward_of(backward, cache, task)

    with watch.watching():
        out, result = call(given)
    names = _names_of(forward, task)
    return Submission(
        result, watch, task.fresh(), given, names, out=out, again=lambda v: call(v)[1],
        label=getattr(backward, "__name__", "backward"),
    )  # fmt: skip


def _backward_of(backward: Any, cache: Any, task: Task) -> Any:
    names = names_of(backward)
    if len(names) == 1:
        return backward(cache)
    first = names[0] in CACHE
    return backward(cache, task.upstream) if first else backward(task.upstream, cache)


# --- layers ------------------------------------------------------------------------------


def _built(student: Any, task: Task) -> Any:
    """An object of a class whose constructor takes arguments of the reference, or sizes."""
    given = task.fresh()
    parameters = [p for p in parameters_of(student, given) if p.default is p.empty]
    keywords = {}
    for parameter in parameters:
        name = parameter.name
        known = key_of(name, given)
        if known is not None:
            keywords[name] = given[known]
        elif name in _SIZES:
            keywords[name] = _size(name, task)
        elif len(parameters) == 1 and len(_matrices(task)) == 1:
            keywords[name] = given[_matrices(task)[0]]
        else:
            raise OptionError(
                say("the constructor's {name} is not known", name=name),
                operation=student.__name__,
                rule=forms(),
                hint=say("hand over an object instead of the class"),
            )
    return student(**keywords)


def _matrices(task: Task) -> list[str]:
    return [name for name, leaf in task.leaves.items() if name[:1] in "Ww" and np.ndim(leaf) > 0]


def _size(name: str, task: Task) -> int:
    names = sorted(_matrices(task))
    if not names:
        raise OptionError(say("the constructor's {name} is not known", name=name))
    place = _SIZES[name]
    shape = np.shape(task.leaves[names[-1 if place < 0 else 0]])
    return int(shape[place])


def _run_layer(layer: Any, task: Task) -> Submission:
    given = task.fresh()
    _fill(layer, given)
    methods = [getattr(layer, name) for name in ("forward", "backward")]
    watch = Watch(codes_of(*methods))

    def call(values: Mapping[str, Any]) -> tuple[Any, Any]:
        _fill(layer, values)
        arguments, keywords = _forward_call(layer, values, task)
        out = layer.forward(*arguments, **keywords)
        taken = parameters_of(layer.backward, {})
        return out, layer.backward(task.upstream) if taken else layer.backward()

    with watch.watching():
        out, result = call(given)
    names = [n for n in names_of(layer.forward) if n in task.leaves] or list(task.leaves)[:1]
    return Submission(
        result, watch, task.fresh(), given, names, receiver=layer, out=out,
        again=lambda v: call(v)[1], label=type(layer).__name__,
    )  # fmt: skip


def _forward_call(layer: Any, given: Mapping[str, Any], task: Task) -> tuple[list[Any], Any]:
    """Data by name; a name of the student's own stands for the arguments that the layer lacks."""
    parameters = parameters_of(layer.forward, given)
    if all(key_of(p.name, given) or p.default is not p.empty for p in parameters):
        return bound(layer.forward, given, task, partly=True)
    free = [name for name in task.leaves if not _holds(layer, name)]
    wanted = [p for p in parameters if p.default is p.empty]
    if len(free) != len(wanted):
        return bound(layer.forward, given, task, partly=True)
    return [given[name] for name in free], {}


def _holds(owner: Any, name: str) -> bool:
    params = getattr(owner, "params", None)
    held = params if isinstance(params, dict) else {}
    return key_of(name, held) is not None or key_of(name, _attributes(owner)) is not None


def _fill(owner: Any, given: Mapping[str, Any]) -> None:
    """Put the arguments into an object that keeps them: in `params`, or as attributes.

    Arrays are overwritten in place, because layers hold them by reference.
    """
    params = getattr(owner, "params", None)
    for name, value in given.items():
        for place in (params if isinstance(params, dict) else {}, _attributes(owner)):
            key = key_of(name, place)
            if key is None:
                continue
            held = place[key]
            same = isinstance(held, np.ndarray) and held.shape == np.shape(value)
            if same and held is not value and held.dtype.kind == "f":
                held[...] = value
            else:
                place[key] = value


def _held(owner: Any, given: Mapping[str, Any]) -> dict[str, Any]:
    """The arguments as an object holds them."""
    params = getattr(owner, "params", None)
    found = {}
    for place in (_attributes(owner), params if isinstance(params, dict) else {}):
        for name in given:
            key = key_of(name, place)
            if key is not None and isinstance(place[key], (np.ndarray, float)):
                found[name] = place[key]
    return found


def _attributes(owner: Any) -> dict[str, Any]:
    found = getattr(owner, "__dict__", {})
    return found if isinstance(found, dict) else {}
