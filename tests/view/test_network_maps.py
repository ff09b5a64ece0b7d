"""Drawings of convolutional networks: stages found in the graph, and nothing touches."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest
from view.network_geometry import faults

import glassgrad as gg
from glassgrad import nn
from glassgrad.errors import GraphError, OptionError
from glassgrad.text import speaking
from glassgrad.view.network import network_of, network_svg
from glassgrad.view.network.maps import draw_maps

RNG = np.random.default_rng(2)


def _images(*shape: int) -> np.ndarray:
    return RNG.standard_normal(shape).astype(np.float32)


def classifier() -> nn.Sequential:
    with nn.init.seeded(0):
        return nn.Sequential(
            nn.Unflatten((1, 8, 8)),
            nn.Conv2d(1, 6, 3, padding="same"),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, padding=1, padding_mode="reflect"),
            nn.Tanh(),
            nn.AvgPool2d(2),
            nn.Flatten(),
            nn.Linear(32, 5),
        )


def decoder() -> nn.Sequential:
    with nn.init.seeded(0):
        return nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1),
            nn.ConvTranspose2d(4, 2, 2, stride=2),
            nn.Upsample(2, mode="bilinear"),
            nn.Sigmoid(),
        )


# --- stages ------------------------------------------------------------------------------


@pytest.mark.parametrize("has_sample", [False, True])
def test_stages_of_a_classifier(has_sample: bool) -> None:
    model, x = classifier(), _images(3, 64)
    network = network_of(model, x if has_sample else None, row=1)
    found = [(s.kind, s.shape, s.window, s.steps) for s in network.maps]
    assert found == [
        ("input", (1, 8, 8), (), ()),
        ("convolution", (6, 8, 8), (3, 3), ("ReLU",)),
        ("max", (6, 4, 4), (2, 2), ()),
        ("convolution", (8, 4, 4), (3, 3), ("Tanh",)),
        ("mean", (8, 2, 2), (2, 2), ()),
    ]
    assert [s.source for s in network.maps] == [-1, 0, 1, 2, 3]
    assert [layer.size for layer in network.layers] == [32, 5]
    if has_sample:
        hidden = x
        for layer in model[:4]:
            hidden = layer(hidden)
        np.testing.assert_array_equal(network.maps[2].values, np.asarray(hidden.data)[1])
        np.testing.assert_array_equal(network.maps[0].values, x[1].reshape(1, 8, 8))


def test_resizing_is_one_stage() -> None:
    network = network_of(decoder(), _images(1, 2, 6, 6))
    found = [(s.kind, s.shape[1:], s.steps) for s in network.maps]
    assert found == [
        ("input", (6, 6), ()),
        ("convolution", (3, 3), ()),
        ("transposed", (6, 6), ()),
        ("Upsample", (12, 12), ("Sigmoid",)),
    ]
    assert network.layers == ()


def test_functions_alone_are_read_too() -> None:
    x, w = _images(2, 1, 6, 6), _images(3, 1, 3, 3)
    graph = gg.trace(lambda x, w: nn.max_pool(np.tanh(nn.convolution(x, w)), 2), x, w)
    network = network_of(graph, (x, w), parameters=["w"])
    assert [s.kind for s in network.maps] == ["input", "convolution", "max"]
    assert network.maps[1].steps == ("tanh",)


# --- geometry and text -------------------------------------------------------------------


@pytest.mark.parametrize("language", ["en", "ko"])
@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (classifier(), (1, 64)),
        (decoder(), (1, 2, 6, 6)),
        (nn.Sequential(nn.Conv1d(2, 9, 5), nn.ReLU(), nn.MaxPool1d(4)), (1, 2, 40)),
        (nn.Sequential(nn.Conv3d(1, 2, 3), nn.GlobalAvgPool(), nn.Linear(2, 2)), (1, 1, 6, 5, 4)),
        (nn.Sequential(nn.Conv2d(1, 64, 7), nn.Conv2d(64, 128, 1)), (1, 1, 90, 7)),
    ],
)
def test_nothing_touches(model: Any, shape: tuple[int, ...], language: str) -> None:
    with speaking(language):
        assert faults(draw_maps(network_of(model, _images(*shape)).maps)) == []


def test_the_document_shows_maps_and_neurons() -> None:
    x = _images(2, 64)
    root = ET.fromstring(network_svg(classifier(), x))
    texts = ["".join(node.itertext()) for node in root.iter("{http://www.w3.org/2000/svg}text")]
    for words in ("convolution 3×3", "max pool 2×2", "ReLU", "6 maps", "8×8", "flattened"):
        assert words in texts
    images = list(root.iter("{http://www.w3.org/2000/svg}image"))
    assert len(images) == 1 + 5 + 5 + 5 + 5  # of many maps five are drawn
    assert all(node.get("href", "").startswith("data:image/png;base64,") for node in images)
    blank = network_svg(classifier())
    assert "<image" not in blank
    assert "8×8" in blank


def test_infinities_are_drawn() -> None:
    model, x = nn.Conv2d(1, 1, 1, rng=0), _images(1, 1, 4, 4)
    x[0, 0, 0, 0], x[0, 0, 1, 1] = np.inf, np.nan
    assert "<image" in network_svg(model, x)


def test_what_cannot_be_drawn_is_said() -> None:
    with pytest.raises(OptionError, match=r"without a sample|how many inputs"):
        network_svg(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten()))
    with pytest.raises(OptionError, match="an empty batch"):
        network_svg(nn.Conv2d(1, 2, 3), _images(0, 1, 4, 4))


def test_layers_of_one_name_in_two_parts_are_called_by_their_classes() -> None:
    with nn.init.seeded(0):
        first = nn.Sequential(nn.Conv2d(1, 2, 3), nn.ReLU())
        second = nn.Sequential(nn.Tanh(), nn.Flatten(), nn.Linear(72, 3), nn.Sigmoid())
    network = network_of(nn.Sequential(first, second), _images(1, 1, 8, 8))
    assert network.maps[1].steps == ("ReLU", "Tanh")
    assert network.layers[1].activation == "Sigmoid"


# --- maps on both sides ------------------------------------------------------------------


def autoencoder() -> nn.Sequential:
    with nn.init.seeded(0):
        return nn.Sequential(
            nn.Unflatten((1, 8, 8)),
            nn.Sequential(nn.Conv2d(1, 3, 4, stride=2, padding=1), nn.ReLU(), nn.Flatten()),
            nn.Sequential(nn.Linear(48, 2), nn.Linear(2, 48), nn.ReLU()),
            nn.Sequential(
                nn.Unflatten((3, 4, 4)), nn.ConvTranspose2d(3, 1, 4, stride=2, padding=1)
            ),
        )


def test_what_is_made_of_neurons_stands_behind_them() -> None:
    network = network_of(autoencoder(), _images(2, 64))
    assert [s.kind for s in network.maps] == ["input", "convolution"]
    assert [s.kind for s in network.maps_behind] == ["Unflatten", "transposed"]
    assert [s.source for s in network.maps_behind] == [-1, 0]
    svg = network_svg(autoencoder(), _images(2, 64))
    order = ["flattened", "hidden layer 1", "hidden layer 2", "Unflatten"]
    places = [_across(svg, words) for words in ("convolution 4×4", *order)]
    assert places == sorted(places)
    assert _across(svg, "transposed convolution 4×4") > places[-1]
    assert "output layer" not in svg
    alone = network_of(autoencoder()[3], _images(1, 48))
    assert [s.kind for s in alone.maps] == ["input", "transposed"]
    decoder_ = network_of(nn.Sequential(nn.Linear(2, 48), autoencoder()[3]), _images(1, 2))
    assert (decoder_.maps, len(decoder_.maps_behind)) == ((), 2)
    assert network_of(autoencoder()).layers[-1].activation == "ReLU"


def _across(svg: str, words: str) -> float:
    """The x of a label, with the shifts of the groups around it."""

    def found(node: Any, shift: float) -> float | None:
        moved = re.search(r"translate\(([-0-9.]+)", node.get("transform", ""))
        shift += float(moved[1]) if moved else 0.0
        if node.tag.endswith("text") and "".join(node.itertext()) == words:
            return shift + float(node.get("x", "0"))
        places = (found(child, shift) for child in node)
        return next((place for place in places if place is not None), None)

    place = found(ET.fromstring(svg), 0.0)
    assert place is not None, words
    return place


def test_maps_of_a_layer_in_the_middle_are_refused() -> None:
    with nn.init.seeded(0):
        model = nn.Sequential(
            nn.Linear(2, 16), nn.Unflatten((1, 4, 4)), nn.Conv2d(1, 1, 3, padding=1),
            nn.Flatten(), nn.Linear(16, 3),
        )  # fmt: skip
    with pytest.raises(GraphError, match="a layer that is not the last one"):
        network_svg(model, _images(1, 2))


def test_pixels_that_are_shuffled_are_a_stage() -> None:
    """On the way the array has six axes."""
    model = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1, rng=0), nn.PixelShuffle(2), nn.ReLU())
    last = network_of(model, _images(1, 1, 5, 4)).maps[-1]
    assert (last.kind, last.shape, last.steps) == ("PixelShuffle", (2, 10, 8), ("ReLU",))
