"""What each mistake is called, in a sentence that a learner can act on.

Layer L9. Spoken when it is read, in the language of the moment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from glassgrad.text import say

Facts = Mapping[str, Any]
_ONE = 1e-6


def sentence(kind: str, facts: Facts) -> str:
    """The mistake in words."""
    words = _WORDS[kind](facts)
    size = _size(facts)
    if kind in _SIZED and size:
        return f"{size}; {words}"
    return words


def _size(facts: Facts) -> str:
    """How the whole value is off, where that is one number."""
    k = facts.get("ratio")
    if k is None:
        return ""
    if abs(k + 1) < _ONE:
        return say("the sign is wrong")
    if k < 0:
        return say("{k} times what it should be", k=_number(k))
    if k > 1:
        return say("{k} times too large", k=_number(k))
    return say("{k} times too small", k=_number(1 / k))


def _number(k: float) -> str:
    return f"{k:.6g}".replace("e-0", "e-")


def _scaled(facts: Facts) -> str:
    whole = _size(facts)
    k = facts["k"]
    if whole:
        return whole
    if not facts["name"]:
        return say("{k} times what it should be", k=_number(k))
    return say("{name} is {k} times what it should be", name=facts["name"], k=_number(k))


def _branch(facts: Facts) -> str:
    if "weight" in facts:
        return say(
            "the part of the penalty on {weight} is missing: regularisation has a gradient too",
            weight=facts["weight"],
        )
    return say("a value used twice gets the sum of both gradients; one of them is missing")


def _scaled_branch(facts: Facts) -> str:
    if "weight" in facts:
        return say(
            "the penalty on {weight} counts {k} times (the derivative of ½ reg W² is reg W)",
            weight=facts["weight"],
            k=_number(facts["k"]),
        )
    return say("one of the gradients that meet here counts {k} times", k=_number(facts["k"]))


def _factor(facts: Facts) -> str:
    if not facts["name"]:
        return say("a factor of the local derivative is missing")
    return say("the factor {name} of the local derivative is missing", name=facts["name"])


def _square(facts: Facts) -> str:
    name = facts.get("weight") or "x"
    return say("the derivative of {name}·{name} is 2 {name}: the 2 is missing", name=name)


def _sum_missing(facts: Facts) -> str:
    found, wanted = facts["found_shape"], facts["wanted_shape"]
    words = say("the sum over axis {axis} is missing", axis=facts["axis"])
    if found != wanted:
        words += say(": shape {found} instead of {wanted}", found=found, wanted=wanted)
    return words


def _unexplained(facts: Facts) -> str:
    found, wanted = facts["found_shape"], facts["wanted_shape"]
    if found != wanted:
        return say("shape {found}, but the gradient has {wanted}", found=found, wanted=wanted)
    where = {"element": list(facts["element"])} if wanted else {}
    numbers = f"{facts['found']:.9g}", f"{facts['wanted']:.9g}"
    if not where:
        return say("{found} instead of {wanted}", found=numbers[0], wanted=numbers[1])
    return say(
        "no known mistake gives these numbers; worst at {element}: {found} instead of {wanted}",
        element=where["element"],
        found=numbers[0],
        wanted=numbers[1],
    )


def _wrong_operand(facts: Facts) -> str:
    if not facts["name"]:
        return say("{instead} stands where another value belongs", instead=facts["instead"])
    return say(
        "{instead} stands where {name} belongs", instead=facts["instead"], name=facts["name"]
    )


def _wrong_upstream(facts: Facts) -> str:
    if not facts["name"]:
        return say("computed from {instead}, which is not the upstream gradient here",
                   instead=facts["instead"])  # fmt: skip
    return say("computed from {instead} instead of {name}", instead=facts["instead"],
               name=facts["name"])  # fmt: skip


def _epsilon(facts: Facts) -> str:
    number, function = _number(facts["number"]), facts["inside"]
    if "error" not in facts:
        return say(
            "explained by the {number} inside {function}, which the gradient leaves out",
            number=number,
            function=function,
        )
    return say(
        "tiny mismatch {error} explained by the {number} inside {function}, which the gradient "
        "leaves out",
        error=f"{facts['error']:.1e}".replace("e-0", "e-"),
        number=number,
        function=function,
    )


def _last(facts: Facts) -> str:
    return say("only the last sample of the batch counts: the others were overwritten")


_WORDS: dict[str, Callable[[Facts], str]] = {
    # --- numbers ---
    "scaled": _scaled,
    "sign": lambda f: say("the sign is wrong: minus is missing, or there is one too many"),
    "uphill": lambda f: say(
        "the step goes uphill: subtract the gradient, or add it and start from target − output"
    ),
    "not-averaged": lambda f: say("the division by the batch size {n} is missing", n=f["n"]),
    "divisor-missing": lambda f: say(
        "the division by {number} is missing", number=_number(f["number"])
    ),
    "number-missing": lambda f: say(
        "the factor {number} is missing", number=_number(f["number"])
    ),
    "integers": lambda f: say("cut to whole numbers: the array has an integer dtype"),
    "zero": lambda f: say("0 everywhere: nothing was put in"),
    "not-finite": lambda f: say("holds NaN or infinity"),
    # --- shapes and sums ---
    "transposed": lambda f: say("transposed"),
    "operand-transposed": lambda f: say("{name} is not transposed", name=f["name"] or "W"),
    "sum-missing": _sum_missing,
    "mean-for-sum": lambda f: say("mean over axis {axis} instead of the sum", axis=f["axis"]),
    "wrong-axis": lambda f: say(
        "summed over axis {instead} instead of axis {axis}", instead=f["instead"], axis=f["axis"]
    ),
    "cross-terms": lambda f: say(
        "only the diagonal p(1 − p) of softmax's Jacobian: each output depends on all inputs"
    ),
    "last-sample": _last,
    "first-sample": lambda f: say("only the first sample of the batch counts"),
    # --- the chain rule ---
    "updated-weight": lambda f: say(
        "uses the updated {name}: gradients belong to the weights of the forward pass "
        "(the step was {k} times the gradient)",
        name=f["name"],
        k=_number(f["k"]),
    ),
    "upstream-missing": lambda f: say(
        "the upstream gradient is not multiplied in: only the local derivative is left"
    ),
    "factor-missing": _factor,
    "branch-missing": _branch,
    "branch-overwritten": lambda f: say(
        "the gradient that came first was overwritten: where a value is used twice, write += "
        "instead of ="
    ),
    "branch-scaled": _scaled_branch,
    "square-halved": _square,
    "operands-swapped": lambda f: say("the operands are swapped") + ": " + _wrong_operand(f),
    "wrong-operand": _wrong_operand,
    "wrong-upstream": _wrong_upstream,
    "overwritten": lambda f: say(
        "a gradient was overwritten in place before it was used a second time: write into a copy"
    ),
    # --- activations and losses ---
    "slope-missing": lambda f: say(
        "the derivative of {out} by {inner} is missing: the gradient went through unchanged",
        **_pair(f),
    ),
    "slope-of-input": lambda f: say(
        "the derivative is written for the output {out}, but {inner} was put in: "
        "it is {out} that belongs there",
        **_pair(f),
    ),
    "slope-of-output": lambda f: say(
        "the derivative is taken at {out} instead of at {inner}: the function was applied twice",
        **_pair(f),
    ),
    "slope-twice": lambda f: say(
        "the derivative of {out} by {inner} is multiplied in twice", **_pair(f)
    ),
    "value-for-slope": lambda f: say(
        "multiplied by {out} itself instead of by its derivative", out=_pair(f)["out"]
    ),
    "slope-halved": lambda f: say(
        "the factor {out} of the derivative is missing", out=_pair(f)["out"]
    ),
    "mask-missing": lambda f: say(
        "the mask is missing: where the input is not positive, the gradient is 0"
    ),
    "mask-inverted": lambda f: say("the mask is the wrong way round"),
    "mask-of-other": lambda f: say("the mask was taken of {instead}", instead=f["instead"]),
    "mask-of-gradient": lambda f: say(
        "the mask was taken of the sign of the gradient instead of the forward value"
    ),
    "dropout-missing": lambda f: say("the mask of the forward pass is not applied"),
    "dropout-mask": lambda f: say("another mask than in the forward pass: it must be reused"),
    "one-hot": lambda f: say(
        "the one-hot labels are not subtracted: softmax with cross-entropy gives p − t"
    ),
    # --- conventions and state ---
    "epsilon": _epsilon,
    "kink": lambda f: say("another convention exactly at a kink, such as relu at 0"),
    "accumulated": lambda f: say(
        "a second call adds to the gradient of the first: set it to zero, or write ="
    ),
    "stale": lambda f: say("a second call with other numbers returns the gradient of the first"),
    "changed-input": lambda f: say(
        "{name} was changed in place by the backward pass", name=f["name"]
    ),
    "forward": lambda f: say("the forward pass differs here already"),
    "unexplained": _unexplained,
}  # fmt: skip
_SIZED = {"not-averaged", "divisor-missing", "number-missing", "mean-for-sum", "sum-missing"}
_SIZED |= {"factor-missing", "last-sample"}
KINDS = tuple(_WORDS)


def _pair(facts: Facts) -> dict[str, str]:
    inner, out = facts["inner"] or say("the input"), facts["out"] or say("the output")
    return {"inner": inner, "out": out}


def verdict_word(verdict: str) -> str:
    """A verdict in one word or two."""
    return {
        "right": say("right"),
        "wrong": say("WRONG"),
        "follows": say("follows from it"),
        "other": say("another meaning"),
    }[verdict]
