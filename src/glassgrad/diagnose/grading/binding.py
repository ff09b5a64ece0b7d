"""How a student's function is called: which argument of the reference each parameter is.

Layer L9. Parameters are told by their names, else by their number and order. An upstream gradient,
a learning rate and a number of rounds have their customary names.
"""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from glassgrad.diagnose.grading.watch import Watch
from glassgrad.errors import OptionError
from glassgrad.text import say
from glassgrad.tree import map_leaves, named_leaves

RATES = ("lr", "learning_rate", "eta", "alpha", "rate", "step_size", "learningRate", "LR")
_NAMES_OF_RATES = {*RATES, "LEARNING_RATE"}
_UPSTREAM = {"dout", "dy", "dY", "dL", "dz", "dZ", "upstream", "upstream_grad", "grad_output"}
CACHE = {"cache", "caches", "ctx", "memory"}
_COUNTS = {"epochs", "epoch", "steps", "n_steps", "iterations", "num_iters", "n_iter", "max_iter"}
GIVEN_RATE = 0.1


@dataclass(frozen=True)
class Task:
    """The arguments that a student's program is called with.

    args:   as the reference takes them; `leaves` the arrays inside them by name
    """

    args: Mapping[str, Any]
    leaves: Mapping[str, Any]
    upstream: Any
    is_scalar: bool

    def fresh(self) -> dict[str, Any]:
        """Copies of the arguments, and of the arrays inside them."""
        args = {name: map_leaves(_copy, arg) for name, arg in self.args.items()}
        inner = {}
        for name, arg in args.items():
            if isinstance(arg, dict):
                inner.update({key: value for key, value in arg.items() if key in self.leaves})
            else:
                inner[name] = arg
        return {**inner, **args}


def _copy(leaf: Any) -> Any:
    return leaf.copy() if isinstance(leaf, np.ndarray) else leaf


def task_of(names: Sequence[str], args: Sequence[Any], seed: Any, is_scalar: bool) -> Task:
    """The arguments by name, the arrays inside dicts by their own."""
    named = dict(zip(names, args, strict=True))
    paths, _, leaves = named_leaves(named)
    short = {path.rpartition(".")[2]: leaf for path, leaf in zip(paths, leaves, strict=True)}
    upstream = 1.0 if is_scalar else np.asarray(seed, _dtype(leaves))
    return Task(named, short, upstream, is_scalar)


def _dtype(leaves: Sequence[Any]) -> Any:
    floats = [leaf.dtype for leaf in leaves if getattr(leaf, "dtype", np.dtype(int)).kind == "f"]
    return np.result_type(*floats) if floats else np.float64


# --- calls ---------------------------------------------------------------------------------


def bound(
    function: Any, given: Mapping[str, Any], task: Task, partly: bool = False
) -> tuple[list[Any], dict[str, Any]]:
    """The call of `function`, by the names of its parameters, else by position.

    partly: whether it may take only some of the arguments, as a method does
    """
    parameters = parameters_of(function, given)
    keywords: dict[str, Any] = {}
    missing = []
    for parameter in parameters:
        name = parameter.name
        special = _special(name, task)
        known = key_of(name, given)
        if known is not None:
            keywords[name] = given[known]
        elif (special is not None and parameter.default is parameter.empty) or (
            special is not None and name in _UPSTREAM
        ):
            keywords[name] = special
        elif parameter.default is parameter.empty:
            missing.append(name)
    if _takes_any_keyword(function):
        keywords.update({name: given[name] for name in task.args if name not in keywords})
    if not missing:
        arguments = _leading(parameters, keywords)
        return arguments, {k: v for k, v in keywords.items() if k not in _positional(parameters)}
    wanted = [p for p in parameters if p.default is p.empty]
    in_order = [given[name] for name in task.args]
    if len(in_order) == len(wanted) and not partly:
        return in_order, {}
    if len(in_order) + 1 == len(wanted) and not task.is_scalar and not partly:
        return [*in_order, task.upstream], {}
    if len(in_order) + 1 == len(wanted) and wanted[-1].name in _NAMES_OF_RATES | _COUNTS:
        return [*in_order, _special(wanted[-1].name, task)], {}
    raise OptionError(
        say(
            "takes ({own}), the reference takes ({wanted})",
            own=", ".join(p.name for p in parameters),
            wanted=", ".join(task.args),
        ),
        operation=getattr(function, "__name__", "backward"),
        rule=forms(),
        hint=say("give the parameters the names of the reference's, or their number and order"),
    )


def _takes_any_keyword(function: Any) -> bool:
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.kind is p.VAR_KEYWORD for p in parameters)


def key_of(name: str, given: Mapping[str, Any]) -> str | None:
    """The argument that a name stands for; w stands for W where there is no other."""
    if name in given:
        return name
    alike = [key for key in given if key.lower() == name.lower()]
    return alike[0] if len(alike) == 1 else None


def _leading(parameters: Sequence[inspect.Parameter], keywords: Mapping[str, Any]) -> list[Any]:
    return [keywords[name] for name in _positional(parameters) if name in keywords]


def _positional(parameters: Sequence[inspect.Parameter]) -> list[str]:
    return [p.name for p in parameters if p.kind is p.POSITIONAL_ONLY]


def parameters_of(function: Any, given: Mapping[str, Any]) -> list[inspect.Parameter]:
    try:
        parameters = list(inspect.signature(function).parameters.values())
    except (TypeError, ValueError):
        return [inspect.Parameter(n, inspect.Parameter.POSITIONAL_OR_KEYWORD) for n in given]
    if any(p.kind is p.VAR_POSITIONAL for p in parameters):
        kind = inspect.Parameter.POSITIONAL_ONLY
        return [inspect.Parameter(n, kind) for n in given]
    return [p for p in parameters if p.kind is not p.VAR_KEYWORD]


def names_of(function: Any) -> list[str]:
    return [p.name for p in parameters_of(function, {})]


def _special(name: str, task: Task) -> Any:
    if name in _UPSTREAM:
        return task.upstream
    if name in _NAMES_OF_RATES:
        return GIVEN_RATE
    return 1 if name in _COUNTS else None


def rate_of(student: Any, watch: Watch, keywords: Mapping[str, Any]) -> float | None:
    """The learning rate among the call's arguments, the function's variables and its globals."""
    inner = inspect.unwrap(student)
    outside = getattr(getattr(inner, "__func__", inner), "__globals__", {})
    for names in (watch.locals, keywords, outside):
        for name in _NAMES_OF_RATES:
            if isinstance(names.get(name), (int, float)):
                return float(names[name])
    return None


def forms() -> str:
    return "backward(*args) | (forward, backward) | class | step(*args)"
