"""What each verdict about the network says; the rows about data stand in `laws.py`.

Layer L9.
"""

from __future__ import annotations

from glassgrad.diagnose.laws import DATA_KINDS, Kind
from glassgrad.text import say

_OUTPUT_KINDS: dict[str, Kind] = {
    "double-softmax": Kind(
        lambda: say("softmax twice"),
        lambda e: say(
            "the outputs of every row are positive and sum to 1; {loss} takes their softmax again",
            **e,
        ),
        lambda: say(
            "the softmax of numbers between 0 and 1 stays below e / (e + k - 1): the loss never "
            "comes near 0"
        ),
        lambda: say("leave out the softmax behind the last layer; the loss takes logits"),
    ),
    "double-sigmoid": Kind(
        lambda: say("sigmoid twice"),
        lambda e: say("the outputs lie in {least:.3g} … {most:.3g}; {loss} wants logits", **e),
        lambda: say("sigmoid(sigmoid(z)) stays between 0.5 and 0.73: the loss never comes near 0"),
        lambda: say("leave out the sigmoid behind the last layer, or use binary_cross_entropy"),
    ),
    "clipped-logits": Kind(
        lambda: say("scores that are cut off"),
        lambda e: say("the last layer ends in {activation}; {loss} wants any real number", **e),
        lambda: say("a score that cannot be negative, or cannot grow, cannot say what it must"),
        lambda: say("no activation behind the last layer"),
    ),
    "unreachable-targets": Kind(
        lambda: say("targets out of reach"),
        lambda e: say(
            "the targets lie in {low:.3g} … {high:.3g}, the outputs behind {activation} in "
            "{least:.3g} … {most:.3g}",
            **e,
        ),
        lambda: say("no weights make an activation leave its range"),
        lambda: say("no activation behind the last layer, or scale the targets into its range"),
    ),
    "not-probabilities": Kind(
        lambda: say("outputs that are no probabilities"),
        lambda e: say("the outputs lie in {least:.3g} … {most:.3g}; {loss} wants {wanted}", **e),
        lambda: say("the logarithm of a number that is no probability is no likelihood"),
        lambda: say(
            "use the loss that takes logits: cross_entropy, binary_cross_entropy_with_logits"
        ),
    ),
    "one-output": Kind(
        lambda: say("one output for several classes"),
        lambda e: say("the network has one output; its {loss} is always {value:.3g}", **e),
        lambda: say("the softmax of one number is 1, whatever the number"),
        lambda: say("one output per class, or binary_cross_entropy_with_logits"),
    ),
    "loss-summed": Kind(
        lambda: say("a loss that grows with the batch"),
        lambda e: say("twice the rows give {ratio:.3g} times the loss", **e),
        lambda: say("the gradient of a sum grows with the batch, and with it every step"),
        lambda: 'reduction="mean"',
    ),
    "loss-high": Kind(
        lambda: say("scores that are too large"),
        lambda e: say("the loss is {loss:.3g}; guessing costs {chance:.3g}", **e),
        lambda: say("guessing among k classes costs ln k; more is being sure and wrong"),
        lambda: say("smaller weights in the last layer, scaled inputs"),
    ),
    "at-chance": Kind(
        lambda: say("nothing learned"),
        lambda e: say(
            "after training the loss is {loss:.4g}; guessing by the shares of the classes costs "
            "{chance:.4g}",
            **e,
        ),
        lambda: say("ln k for k equally frequent classes: the outputs ignore the inputs"),
        lambda: say("see the other verdicts: gradients, learning rate, data"),
    ),
    "loss-at-start": Kind(
        lambda: say("loss value"),
        lambda e: say("the loss is {loss:.4g}; guessing costs {chance:.4g}", **e),
    ),
    "non-finite": Kind(
        lambda: say("NaN or infinity"),
        lambda e: str(e["finding"]),
        lambda: say("NaN never goes away again: every step spreads it"),
        lambda: say("see the rewrite above; else scale the inputs, take a smaller learning rate"),
    ),
    "bad-weights": Kind(
        lambda: say("weights that are no numbers"),
        lambda e: say("{count} of {size} weights are NaN or infinite", **e),
        lambda: say("NaN never goes away again: every step spreads it"),
        lambda: say("start again from the last finite checkpoint, with a smaller learning rate"),
    ),
    "constant-output": Kind(
        lambda: say("outputs that ignore the inputs"),
        lambda e: say("over {rows} rows the outputs vary by {spread:.1e} of their size", **e),
        lambda: say("what does not depend on x cannot tell rows apart"),
        lambda: say("see the layer where the signal ends in the table below"),
    ),
}

_LAYER_KINDS: dict[str, Kind] = {
    "vanishing": Kind(
        lambda: say("vanishing gradient"),
        lambda e: say(
            "RMS {what} falls from {last:.1e} in {last_layer} to {first:.1e}: "
            "a ratio of {ratio:.1e}",
            **e,
        ),
        lambda: say(
            "the chain rule multiplies by W and by the activation's slope in each layer; "
            "for the sigmoid σ′ ≤ ¼, so by at most ¼·‖W‖"
        ),
        lambda: say('ReLU with init="he", or tanh with init="xavier"; fewer layers; nn.Residual'),
    ),
    "exploding": Kind(
        lambda: say("exploding gradient"),
        lambda e: say(
            "RMS {what} grows from {last:.1e} in {last_layer} to {first:.1e}: "
            "a ratio of {ratio:.1e}",
            **e,
        ),
        lambda: say("each layer multiplies the gradient by up to ‖W‖: large weights, large powers"),
        lambda: say('init="he" or init="xavier"; clip_norm=1.0'),
    ),
    "gradient-flow": Kind(
        lambda: say("gradient flow"),
        lambda e: say(
            "RMS dW is {first:.1e} in {first_layer} and {last:.1e} in {last_layer}: "
            "a ratio of {ratio:.2g}",
            **e,
        ),
    ),
    "saturated": Kind(
        lambda: say("saturated units"),
        lambda e: say(
            "{share:.0%} of the outputs of {activation} lie where its slope is below a tenth of "
            "the steepest",
            **e,
        ),
        lambda: say("dz = f′(z)·da: where f is flat, no gradient passes"),
        lambda: say('smaller weights (init="xavier"), scaled inputs, or ReLU'),
    ),
    "dead": Kind(
        lambda: say("dead units"),
        lambda e: say(
            "{share:.0%} of the {units} units behind {activation} have slope 0 for each of "
            "{rows} rows",
            **e,
        ),
        lambda: say("relu′(z) = 0 for z ≤ 0: such a unit gets no gradient and stays as it is"),
        lambda: say('biases of 0, a smaller learning rate, init="he", or leaky_relu'),
    ),
    "activations": Kind(
        lambda: say("activations"),
        lambda e: say(
            "at most {saturated:.0%} saturated and {dead:.0%} dead in a layer; their standard "
            "deviation goes from {first:.2g} to {last:.2g}",
            **e,
        ),
    ),
    "initialiser": Kind(
        lambda: say("weights that do not fit the activation"),
        lambda e: say(
            "the standard deviation of the activations goes from {first:.2g} to {last:.2g} in "
            "{depth} layers; the weights of {layer} have {std:.2g}, {activation} wants "
            "{wanted:.2g}",
            **e,
        ),
        lambda: say(
            "Var z = n·Var W·E[x²]: only 2/n (ReLU, He) or 1/n (tanh, Xavier) keeps the size of "
            "the signals"
        ),
        lambda: say('init="he" for ReLU and its kin, init="xavier" for tanh and sigmoid'),
    ),
    "symmetric": Kind(
        lambda: say("units that are all alike"),
        lambda e: say(
            "all {units} units have equal weights ({value:.3g} …) and equal gradients", **e
        ),
        lambda: say("equal weights get equal gradients and stay equal: many units act as one"),
        lambda: say('random weights: init="auto"; only biases may start at 0'),
    ),
    "linear-stack": Kind(
        lambda: say("no activation between two layers"),
        lambda e: say("nothing but a weighted sum stands between {layer} and {next}", **e),
        lambda: say("(x·W1)·W2 = x·(W1·W2): two linear layers are one"),
        lambda: say("put an activation between them: nn.ReLU()"),
    ),
    "unreached": Kind(
        lambda: say("a parameter that no gradient reaches"),
        lambda e: say("no path leads from the loss to {name}, so {size} numbers never change", **e),
        lambda: say("gradients flow back along the operations that made the loss, and no others"),
        lambda: say("use the layer in forward(), without .detach() or stop_gradient on the way"),
    ),
    "frozen": Kind(
        lambda: say("everything is frozen"),
        lambda e: say("none of the {count} parameters asks for a gradient", **e),
        lambda: say("a frozen parameter is never updated"),
        lambda: "model.unfreeze()",
    ),
    "random-in-evaluation": Kind(
        lambda: say("chance in evaluation mode"),
        lambda e: say("two evaluations of the same rows differ by up to {gap:.2g}", **e),
        lambda: say("dropout belongs to training; a prediction must not depend on a draw"),
        lambda: say("nn.Dropout, or nn.dropout(x, p, training=self.training)"),
    ),
}

_TRIAL_KINDS: dict[str, Kind] = {
    "overfit-failed": Kind(
        lambda: say("cannot learn a few rows by heart"),
        lambda e: say(
            "a copy trained on {rows} rows for {steps} steps at rates {rates} comes down to loss "
            "{loss:.3g}; a constant answer costs {baseline:.3g}",
            **e,
        ),
        lambda: say("a sound network memorises a handful of rows; one that cannot has a fault"),
        lambda: say("see the other verdicts; more hidden units if there are none"),
    ),
    "overfit": Kind(
        lambda: say("learns a few rows by heart"),
        lambda e: say(
            "a copy trained on {rows} rows comes down to loss {loss:.2g} in {steps} steps", **e
        ),
    ),
    "rate-high": Kind(
        lambda: say("learning rate too high"),
        lambda e: say(
            "{steps} steps at {lr:g} take the loss from {before:.3g} to {after:.3g}, "
            "at {other:g} to {better:.3g}",
            **e,
        ),
        lambda: say("beyond 2 / curvature each step overshoots by more than the last"),
        lambda: say("a tenth of the rate, or clip_norm=1.0"),
    ),
    "rate-low": Kind(
        lambda: say("learning rate too low"),
        lambda e: say(
            "{steps} steps at {lr:g} take the loss from {before:.4g} to {after:.4g}, "
            "at {other:g} to {better:.4g}",
            **e,
        ),
        lambda: say("the loss falls by about lr·‖gradient‖² a step"),
        lambda: say("ten times the rate, as long as the loss still falls"),
    ),
    "rate": Kind(
        lambda: say("learning rate"),
        lambda e: say(
            "{steps} steps at {lr:g} take the loss from {before:.4g} to {after:.4g}", **e
        ),
    ),
    "update-ratio": Kind(
        lambda: say("updates as large as the weights"),
        lambda e: say("one step changes the weights by {ratio:.2g} of their size", **e),
        lambda: say("about 1/1000 a step is healthy: more forgets, far less learns nothing"),
        lambda: say("a smaller learning rate"),
    ),
    "updates": Kind(
        lambda: say("updates"),
        lambda e: say(
            "one step changes the weights by {least:.1e} to {most:.1e} of their size", **e
        ),
    ),
}

KINDS: dict[str, Kind] = {**DATA_KINDS, **_OUTPUT_KINDS, **_LAYER_KINDS, **_TRIAL_KINDS}
