"""Sections on the machine itself: network, graph, source, diagnosis, cost, and how to repeat it.

Layer L10.
"""

from __future__ import annotations

import numpy as np

from glassgrad.diagnose import diagnose
from glassgrad.report.material import Material
from glassgrad.report.prose import code, figure, pairs, paragraph, percent
from glassgrad.text import byte_size, say
from glassgrad.train.source import source as source_text
from glassgrad.view import page as view
from glassgrad.view.cost import Cost
from glassgrad.view.markup import element
from glassgrad.view.network import network_svg

_REPEATS = 5
_MOST_DIAGNOSED = 1000  # training rows; more take seconds and say the same
_LARGEST = 1_800_000  # characters of the graph that can be stepped through
_MOST_NEURONS, _MOST_NAMED = 12, 16
_DEAREST = 16  # equations in the table


def network(material: Material) -> str:
    """Neurons and synapses, with one row passing through."""
    names = list(material.features)
    x = material.inputs[1][:1]
    picture = network_svg(
        material.model,
        x,
        most=_MOST_NEURONS,
        input_names=names if len(names) <= _MOST_NAMED else (),
        output_names=material.classes if len(material.classes) == _outputs(material) else (),
    )
    words = say(
        "The first of the {rows} passes through the network from left to right; the fuller a "
        "neuron, the larger what it passes on.",
        rows=material.train_name,
    )
    if max([x.shape[1], *(layer.output[-1] for layer in material.layers)]) > _MOST_NEURONS:
        words += " " + say(
            "Of a long layer the first and last neurons are drawn, and dots for those between."
        )
    return figure(picture, words, wide=True)


def _outputs(material: Material) -> int:
    return material.layers[-1].output[-1] if material.layers else 0


def graph(material: Material) -> str:
    """The graph of the loss of a few rows, with numbers."""
    n = material.inputs[1].shape[0]
    total = len(material.graph.eqns)
    words = say(
        "The {count} operations from {n} training rows to their loss, folded by layer, with the "
        "values of the trained network in blue and the gradients in vermilion.",
        count=total,
        n=n,
    )
    picture = view.figure(
        material.graph,
        *material.inputs,
        level="layers",
        title="loss",
        precisions=(),
        with_assets=False,
    )
    if len(picture) > _LARGEST:  # of many layers: one picture, which stays a letter's size
        picture = material.graph.svg(*material.inputs, level="layers", title="loss")
    return figure(picture, words, wide=True)


def source(material: Material) -> str:
    """The training as a NumPy program."""
    optimizer = None if material.optimizer is None else material.optimizer(material.model)
    model, *batch = material.inputs
    text = source_text(model, *batch, loss=material.loss, optimizer=optimizer, style="script")
    intro = say(
        "The whole training as a script that needs nothing but NumPy: forward pass, backward pass, "
        "update and loop. It was run and compared with the graph before it was printed."
    )
    return paragraph(intro) + code(text, say("Training script"), wide=True)


def _parameters(material: Material) -> list[str]:
    """The inputs of the graph that are trained."""
    count = len(material.model.parameters())
    return [var.name for var in material.graph.inputs[:count]]


def diagnosis(material: Material) -> str:
    """What evidence says is wrong with the network."""
    assert material.train is not None
    X, y = material.train
    kept = np.linspace(0, len(X) - 1, min(len(X), _MOST_DIAGNOSED)).astype(int)
    target = material.encode(np.asarray(y)[kept])
    found = diagnose(
        material.model, (X[kept], target), loss=material.loss, trained=True, trials=False
    )
    intro = say("What the numbers say of the network and {n:,} of its training rows:", n=len(kept))
    more = say("`glassgrad diagnose` also tries out whether it learns a few rows by heart.")
    return paragraph(intro) + str(found.html()) + paragraph(more, "note")


def cost(material: Material) -> str:
    """Operations, bytes and times of one forward and backward pass."""
    traced, inputs = material.whole_batch
    found: Cost = traced.cost(*inputs, wrt=_parameters(material), repeats=_REPEATS)
    total = found.total
    forward, backward = total.operations["forward"], total.operations["backward"]
    heaviest = max(found.layers, key=lambda layer: layer.all_operations)
    words = say(
        "For {n} rows the forward pass takes {a:,} operations and the backward pass {b:,}, {ratio} "
        "times as many; {layer} alone takes {share} of both. Until the backward pass has read "
        "them, {kept} of results are kept.",
        n=inputs[1].shape[0],
        a=forward,
        b=backward,
        ratio=f"{backward / max(forward, 1):.1f}",
        layer=heaviest.layer,
        share=percent(heaviest.all_operations / max(total.all_operations, 1), 0),
        kept=byte_size(total.kept) or "0 B",
    )
    return paragraph(words) + element("div", {"class": "scroll"}, found.html(_DEAREST))


def reproduce(material: Material) -> str:
    """The command, the seed and the versions."""
    intro = say(
        "The same command on the same versions gives the same numbers bit for bit: rows, starting "
        "weights and dropout are drawn from the seed {seed}.",
        seed=material.seed,
    )
    parts = [paragraph(intro), code(material.command, say("Command"))]
    parts.append(pairs(material.versions))
    origin = " ".join(filter(None, (material.citation, material.licence)))
    if origin:
        parts.append(paragraph(say("Data: {origin}", origin=origin), "note"))
    return "".join(parts)
