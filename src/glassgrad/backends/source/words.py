"""The chain rule in words: what stands over a group of backward lines.

Layer L6. One sentence a primitive, said of the forward line; regions and laws have their own.
A comment names at most two rules: the rest can be seen in the line.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from glassgrad.backends.source.statements import function_path
from glassgrad.core.primitive import Primitive
from glassgrad.graph.ir import Atom, Eqn, Literal
from glassgrad.passes.rewrite import Law
from glassgrad.primitives import arithmetic, transcendental
from glassgrad.primitives.activation import log_softmax_p
from glassgrad.primitives.convolution import convolution_p
from glassgrad.primitives.index import gather_p, getitem_p
from glassgrad.primitives.layout import broadcast_to_p, permute_dims_p, reshape_p, sum_p
from glassgrad.primitives.linalg import matmul_p
from glassgrad.primitives.pooling import average_pool_p, max_pool_p
from glassgrad.primitives.reduce import max_p, min_p
from glassgrad.primitives.shape import concat_p, stack_p
from glassgrad.text import say

_MOST_RULES = 2
NameOf = Callable[[Atom], str]
Rule = Callable[[Eqn, NameOf], str]


def _fixed(speak: Callable[[], str]) -> Rule:
    return lambda eqn, name_of: speak()


def _formula(text: str) -> Rule:
    return lambda eqn, name_of: text


def _selection(symbol: str) -> Rule:
    """`maximum(x, 0)`: passes where x > 0."""

    def words(eqn: Eqn, name_of: NameOf) -> str:
        x, y = map(name_of, eqn.inputs)
        if not x or not y:
            return say("only the chosen side gets it")
        if isinstance(eqn.inputs[0], Literal):
            x, y = y, x
        return say("passes where {condition}", condition=f"{x} {symbol} {y}")

    return words


RULES: dict[Primitive, Rule] = {
    matmul_p: _fixed(lambda: say("each factor gets the other one, transposed")),
    convolution_p: _fixed(lambda: say("filters get what they met, images what each filter sent")),
    max_pool_p: _fixed(lambda: say("to the largest element of each window")),
    average_pool_p: _fixed(lambda: say("shared by the elements of each window")),
    arithmetic.multiply: _fixed(lambda: say("each factor gets the other one")),
    arithmetic.divide: _formula("d(a / b) = da / b - a / b² db"),
    arithmetic.power: _formula("d(xᵖ) = p xᵖ⁻¹ dx"),
    arithmetic.square: _formula("d(x²) = 2 x dx"),
    arithmetic.maximum: _selection(">"),
    arithmetic.minimum: _selection("<"),
    arithmetic.where: _fixed(lambda: say("only the chosen side gets it")),
    arithmetic.abs: _fixed(lambda: say("times the sign")),
    arithmetic.reciprocal: _formula("d(1 / x) = -1 / x² dx"),
    transcendental.exp: _fixed(lambda: say("eˣ is its own derivative")),
    transcendental.log: _formula("d log x = 1 / x dx"),
    transcendental.sqrt: _formula("d√x = 1 / (2 √x) dx"),
    transcendental.tanh: _formula("tanh' = 1 - tanh²"),
    transcendental.sigmoid: _formula("σ' = σ (1 - σ)"),
    transcendental.softplus: _formula("softplus' = σ"),
    transcendental.sin: _formula("sin' = cos"),
    transcendental.cos: _formula("cos' = -sin"),
    log_softmax_p: _fixed(lambda: say("its own gradient, less p times the sum of all")),
    max_p: _fixed(lambda: say("only the largest get it")),
    min_p: _fixed(lambda: say("only the smallest get it")),
    getitem_p: _fixed(lambda: say("goes back to the places that were read")),
    gather_p: _fixed(lambda: say("goes back to the places that were read")),
    concat_p: _fixed(lambda: say("each part gets its own piece")),
    stack_p: _fixed(lambda: say("each part gets its own piece")),
    sum_p: _fixed(lambda: say("every term of the sum gets the same")),
    broadcast_to_p: _fixed(lambda: say("summed over what was repeated")),
    reshape_p: _fixed(lambda: say("the same numbers in the old shape")),
    permute_dims_p: _fixed(lambda: say("turned back")),
}
_SUMS = (arithmetic.add, arithmetic.subtract)  # said only where there is nothing else to say
_REGIONS: dict[str, Callable[[], str]] = {
    "mean": lambda: say("every element gets its share 1/n"),
    "std": lambda: say("the distance from the mean, over n times the deviation"),
    "var": lambda: say("twice the distance from the mean, over n"),
}
_LAWS: dict[str, Callable[[], str]] = {
    "softmax with cross-entropy": lambda: say("probabilities minus one-hot, averaged"),
    "written-out softmax with cross-entropy": lambda: say("probabilities minus one-hot, averaged"),
    "sigmoid with cross-entropy": lambda: say("probability minus target, averaged"),
    "log-softmax": lambda: say("its own gradient, less p times the sum of all"),
    "written-out sigmoid": lambda: "σ' = σ (1 - σ)",
    "softmax": lambda: say("y times its own gradient less the mean of all, weighted by y"),
}
SPANNING = {
    "softmax with cross-entropy",
    "written-out softmax with cross-entropy",
}  # laws that differentiate two statements at once
_LAW_NAMES: dict[str, Callable[[], str]] = {
    "quotient": lambda: say("quotients"),
    "mean": lambda: say("means"),
    "softmax": lambda: say("softmax"),
    "log-softmax": lambda: say("log-softmax"),
    "softmax with cross-entropy": lambda: say("softmax with cross-entropy"),
    "sigmoid with cross-entropy": lambda: say("sigmoid with cross-entropy"),
    "tanh": lambda: "tanh'",
    "sigmoid": lambda: "σ'",
    "factors": lambda: "σ'",
    "written-out sigmoid": lambda: "σ'",
    "written-out softmax with cross-entropy": lambda: say("softmax with cross-entropy"),
    "shift": lambda: say("softmax with cross-entropy"),
    "fill": lambda: say("constants"),
    "one factor": lambda: say("constants"),
    "short log-softmax": lambda: say("log-softmax"),
}
# The weightiest rules come first where a statement has many.
_ORDER = {primitive: place for place, primitive in enumerate(RULES)}


def rule_in_words(derived: Sequence[Eqn], laws: Sequence[Law], name_of: NameOf) -> str:
    """What happened to the gradient of a statement's equations; empty if nothing needs saying."""
    found = [_LAWS[law.name]() for law in laws if law.name in _LAWS]
    if found:
        return "; ".join(dict.fromkeys(found))
    outside = [e for e in derived if function_path(e.region)[-1:] in ((), (e.primitive.name,))]
    regions = {name for eqn in derived for name in function_path(eqn.region) if name in _REGIONS}
    ranked = sorted(outside, key=lambda eqn: _ORDER.get(eqn.primitive, len(_ORDER)))
    if ranked and ranked[0].primitive is matmul_p:  # says it of products too
        ranked = [e for e in ranked if e.primitive is not arithmetic.multiply]
    found = [RULES[e.primitive](e, name_of) for e in ranked if e.primitive in RULES]
    found += [_REGIONS[name]() for name in sorted(regions)]
    if not found and any(eqn.primitive in _SUMS for eqn in outside):
        return say("a sum passes its gradient on")
    return "; ".join(list(dict.fromkeys(found))[:_MOST_RULES])


def laws_in_words(laws: Sequence[Law]) -> str:
    """The names of the laws by which a program was rewritten."""
    return ", ".join(dict.fromkeys(_LAW_NAMES[law.name]() for law in laws))


def broadcast_in_words(name: str, axes: Any, shape: Sequence[Any]) -> str:
    """Why a gradient is summed: `b1` was broadcast over the n rows."""
    if tuple(axes or ()) == (0,) and len(shape) > 1:
        return say("{name} was broadcast over the {n} rows", name=name, n=shape[0])
    listed = ", ".join(map(str, axes if axes is not None else range(len(shape))))
    return say("{name} was broadcast along axis {axis}", name=name, axis=listed)
