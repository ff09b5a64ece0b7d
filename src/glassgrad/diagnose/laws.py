"""What each verdict says: its title, the claim with its numbers, the law behind it, the remedy.

Layer L9. One row a kind; every text is spoken when it is read. The rows about data stand here,
those about the network in `network_laws.py`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from glassgrad.text import say

Evidence = Mapping[str, Any]


def nothing() -> str:
    return ""


@dataclass(frozen=True)
class Kind:
    """The words of one kind of verdict; `claim` puts the evidence into a sentence."""

    title: Callable[[], str]
    claim: Callable[[Evidence], str]
    law: Callable[[], str] = nothing
    remedy: Callable[[], str] = nothing


DATA_KINDS: dict[str, Kind] = {
    "nan-inputs": Kind(
        lambda: say("inputs that are no numbers"),
        lambda e: say(
            "{count} input values are NaN or infinite, the first in row {row}, feature {feature}",
            **e,
        ),
        lambda: say("NaN times a weight is NaN: one step spreads it to every weight"),
        lambda: say("drop these rows, or fill in the missing values"),
    ),
    "nan-targets": Kind(
        lambda: say("targets that are no numbers"),
        lambda e: say("{count} targets are NaN or infinite, the first in row {row}", **e),
        lambda: say("a loss with NaN in it is NaN, and so is every gradient"),
        lambda: say("drop these rows"),
    ),
    "unscaled-inputs": Kind(
        lambda: say("unscaled inputs"),
        lambda e: say("the inputs are of size {size:.3g} (root mean square), not about 1", **e),
        lambda: say("dW = xᵀ·dz: weighted sums and gradients are as large or small as x"),
        lambda: say("standardise: (X - X.mean(axis=0)) / X.std(axis=0); pixels: X / 255"),
    ),
    "mixed-scales": Kind(
        lambda: say("features of unlike scale"),
        lambda e: say(
            "feature {feature} has standard deviation {std:.3g}, the others about {typical:.3g}",
            **e,
        ),
        lambda: say("one learning rate cannot suit directions that are curved so differently"),
        lambda: say("standardise: (X - X.mean(axis=0)) / X.std(axis=0)"),
    ),
    "constant-features": Kind(
        lambda: say("features that never change"),
        lambda e: say(
            "{count} of {features} features never change, such as number {feature} = {value:.3g}",
            **e,
        ),
        lambda: say("what does not vary tells nothing apart; it acts as a second bias"),
        lambda: say("leave these features out"),
    ),
    "class-imbalance": Kind(
        lambda: say("unequal classes"),
        lambda e: say("class {label} has {share:.1%} of the rows, class {rarest} {rare:.1%}", **e),
        lambda: say("who always answers with the commonest class is right that often"),
        lambda: say("class_weights=..., or draw rare classes more often; look at each class"),
    ),
    "one-class": Kind(
        lambda: say("one class only"),
        lambda e: say("all {count} labels are {label}", **e),
        lambda: say("a constant answer is right: there is nothing to learn"),
        lambda: say("is the target the right column, and are the rows of all classes there?"),
    ),
    "label-range": Kind(
        lambda: say("labels outside the classes"),
        lambda e: say(
            "{count} labels such as {label} lie outside {low:g} … {high:g}, which {loss} takes",
            **e,
        ),
        lambda: say("k outputs stand for the classes 0 … k - 1"),
        lambda: say("number the classes from 0: np.unique(y, return_inverse=True)[1]"),
    ),
    "label-fractions": Kind(
        lambda: say("labels that are no class numbers"),
        lambda e: say("{count} labels are fractions, such as {label:g}", **e),
        lambda: say("a loss over classes wants the number of the right class"),
        lambda: say("quantities are fitted with mse or huber"),
    ),
    "missing-classes": Kind(
        lambda: say("outputs without a class"),
        lambda e: say("the network has {outputs} outputs, the labels {classes} classes", **e),
        lambda: say("an output that is never right only learns to stay small"),
        lambda: say("give the network as many outputs as there are classes"),
    ),
    "labels-unrelated": Kind(
        lambda: say("labels that have nothing to do with the inputs"),
        lambda e: say(
            "neither the nearest row ({near:.0%}) nor a straight line ({line:.0%}) guesses a "
            "label better than chance ({chance:.0%})",
            **e,
        ),
        lambda: say("where inputs and labels were shuffled apart, only memorising is left"),
        lambda: say("shuffle X and y by one permutation: p = rng.permutation(n); X[p], y[p]"),
    ),
    "targets-unrelated": Kind(
        lambda: say("targets that have nothing to do with the inputs"),
        lambda e: say(
            "neither near rows (R² {near:.2f}) nor a straight line (R² {line:.2f}) guess a target",
            **e,
        ),
        lambda: say("where inputs and targets were shuffled apart, only memorising is left"),
        lambda: say("shuffle X and y by one permutation: p = rng.permutation(n); X[p], y[p]"),
    ),
    "contradictions": Kind(
        lambda: say("equal rows with unequal labels"),
        lambda e: say("{count} of {rows} rows have a twin with another label", **e),
        lambda: say("a function gives one answer for one input"),
        lambda: say("look for a feature that is missing, or for wrong labels"),
    ),
    "unscaled-targets": Kind(
        lambda: say("unscaled targets"),
        lambda e: say("the targets are of size {size:.3g} (root mean square), not about 1", **e),
        lambda: say("the gradient of a squared error is 2 (y - t): it is as large as the targets"),
        lambda: say("standardise the targets, and undo it in predictions"),
    ),
    "data": Kind(
        lambda: say("data"),
        lambda e: say("{rows} rows, inputs of size {size:.3g}, nothing missing", **e),
    ),
}
