"""Networks to draw, and what is read back from their drawings."""

from __future__ import annotations

from typing import Any
from xml.etree import ElementTree as ET

import numpy as np

from glassgrad import nn
from glassgrad.autodiff.functions import scan
from glassgrad.graph.trace import trace

SVG = "{http://www.w3.org/2000/svg}"


def root_of(picture: str) -> Any:
    return ET.fromstring(picture)


def synapses_in(picture: str) -> list[Any]:
    return [p for p in root_of(picture).iter(f"{SVG}path") if p.get("data-from")]


def neurons_in(picture: str) -> list[Any]:
    groups = root_of(picture).iter(f"{SVG}g")
    return [g for g in groups if "neuron" in (g.get("class") or "").split()]


def texts_in(picture: str) -> list[str]:
    return ["".join(t.itertext()) for t in root_of(picture).iter(f"{SVG}text")]


def small_model() -> Any:
    return nn.Sequential(nn.Linear(3, 4, rng=0), nn.Sigmoid(), nn.Linear(4, 2, rng=1), nn.Softmax())


def recurrent_graph() -> tuple[Any, list[Any]]:
    def rnn(Wxh: Any, Whh: Any, bh: Any, Why: Any, by: Any, xs: Any) -> Any:
        def step(h: Any, x: Any) -> Any:
            h = np.tanh(x @ Wxh + h @ Whh + bh)
            return h, h

        _, hs = scan(step, np.zeros(3), xs)
        return hs @ Why + by

    rng = np.random.default_rng(0)
    shapes = ((4, 3), (3, 3), (3,), (3, 2), (2,), (5, 4))
    arrays = [rng.normal(size=shape) for shape in shapes]
    return trace(rnn, *arrays), arrays
