"""Networks as descriptions: there and back, and what a damaged description gets."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.errors import FileFormatError, OptionError

MODELS = [
    nn.MLP((4, 3, 2), "selu", dropout=0.1, biases=False, rng=0),
    nn.Sequential(
        nn.Flatten(),
        nn.Linear(4, 4, init={"name": "uniform", "low": -1}, dtype=np.float64),
        nn.LeakyReLU(0.2),
        nn.Residual(nn.Sequential(nn.Linear(4, 4), nn.GELU(approximate=True))),
        nn.Residual(nn.Linear(4, 2), nn.Linear(4, 2, bias=False)),
    ),
    nn.Embedding(5, 3),
    nn.CrossEntropyLoss(class_weights=np.array([1.0, 2.0]), label_smoothing=0.1),
]


@pytest.mark.parametrize("model", MODELS, ids=lambda m: type(m).__name__)
def test_there_and_back(model: nn.Module) -> None:
    description = nn.describe(model)
    stored = json.loads(json.dumps(description))
    built = nn.build(stored)
    assert repr(built) == repr(model)
    assert nn.describe(built) == description
    built.load_state_dict(model.state_dict())
    for (path, a), (_, b) in zip(model.named_parameters(), built.named_parameters(), strict=True):
        assert a.dtype == b.dtype, path
        np.testing.assert_array_equal(a.data, b.data)


def test_every_layer_can_be_described() -> None:
    arguments: dict[str, tuple[Any, ...]] = {
        "Linear": (2, 2), "Embedding": (2, 2), "MLP": ((2, 2),), "Residual": (nn.ReLU(),),
        "LayerNorm": (2,), "RMSNorm": (2,), "LearnedPositions": (2, 2), "SinusoidalPositions": (2,),
        "MultiHeadAttention": (2, 2), "FeedForward": (2,), "TransformerEncoderBlock": (2, 2),
        "TransformerDecoderBlock": (2, 2), "TransformerEncoder": (1,), "TransformerDecoder": (1,),
        "Transformer": (1,), "GPT": (3, 2, 2, 1, 1),
    }  # fmt: skip
    for name in ("RNN", "GRU", "LSTM"):
        arguments |= {name: (2, 3), f"{name}Cell": (2, 3)}
    for k in (1, 2, 3):
        arguments |= {f"Conv{k}d": (4, 2, 3, 2, (1,) * k), f"ConvTranspose{k}d": (2, 2, (3,) * k)}
        arguments |= {f"MaxPool{k}d": ((2,) * k,), f"AvgPool{k}d": (2,)}
    arguments |= {
        "Unflatten": ((2, 2),),
        "AdaptiveAvgPool": (2,),
        "AdaptiveMaxPool": ((2, None),),
        "Upsample": (2,),
    }
    for name, layer in nn.LAYERS.items():
        options = {"width": 2, "heads": 1} if arguments.get(name) == (1,) else {}
        module = layer(*arguments.get(name, ()), **options)
        assert repr(nn.build(nn.describe(module))) == repr(module)


def test_shared_layers_stay_shared() -> None:
    shared = nn.Linear(3, 3, rng=0)
    model = nn.Sequential(shared, nn.ReLU(), shared)
    built = nn.build(json.loads(json.dumps(nn.describe(model))))
    assert built[0] is built[2]
    assert len(built.parameters()) == 2


def test_tied_parameters_stay_tied() -> None:
    model = nn.Sequential(nn.Linear(3, 3), nn.ReLU(), nn.Linear(3, 3))
    model[2].W = model[0].W
    description = nn.describe(model)
    assert description["tied"] == [["layers.0.W", "layers.2.W"]]
    built = nn.build(description)
    assert built[0].W is built[2].W
    built.load_state_dict(model.state_dict())


def test_a_layer_of_the_users_own_is_refused() -> None:
    class Mine(nn.Module):
        pass

    with pytest.raises(OptionError, match="Mine is not a layer of the library"):
        nn.describe(nn.Sequential(Mine()))


LINEAR = {"class": "Linear", "config": {"inputs": 3, "outputs": 2}}


@pytest.mark.parametrize(
    ("description", "words"),
    [
        (None, "described by NoneType"),
        ([LINEAR], "described by list"),
        ({"class": "os.system", "config": {}}, "unknown layer 'os.system'"),
        ({"class": "Linaer"}, "did you mean `Linear`"),
        ({"class": ["Linear"]}, "unknown layer"),
        ({**LINEAR, "code": "x"}, "unexpected code"),
        ({"class": "Linear", "config": {"inputs": 3}}, "do not fit"),
        ({"class": "Linear", "config": {"inputs": 3, "outputs": 2, "x": 1}}, "do not fit"),
        ({"class": "Linear", "config": []}, "not an object"),
        ({"class": "Sequential", "children": {"a": LINEAR}}, "not a list"),
        ({"class": "Sequential", "children": [{"ref": 0}]}, "no layer number 0"),
        ({"class": "Sequential", "children": [{"ref": "x"}]}, "no layer number 'x'"),
        ({**LINEAR, "tied": [["W", "q"]]}, "parameters ['W', 'q'] cannot be tied"),
        ({**LINEAR, "tied": [["W", "b"]]}, "parameters ['W', 'b'] cannot be tied"),
        ({**LINEAR, "tied": [["W", {}]]}, "cannot be tied"),
        ({**LINEAR, "tied": 5}, "parameters 5 cannot be tied"),
    ],
)
def test_damaged_descriptions(description: Any, words: str) -> None:
    with pytest.raises(FileFormatError) as caught:
        nn.build(description)
    assert words in str(caught.value)


def test_values_out_of_range_say_so() -> None:
    with pytest.raises(OptionError, match="inputs must be at least 1"):
        nn.build({"class": "Linear", "config": {"inputs": 0, "outputs": 2}})


@pytest.mark.parametrize(
    "description",
    [
        {"class": "Linear", "config": {"inputs": 10**6, "outputs": 10**6}},
        {"class": "Sequential", "children": [LINEAR, {**LINEAR, "class": "Embedding"}] * 9},
        {"class": "MLP", "config": {"sizes": [10**6, 10**6, 1]}},
    ],
)
def test_sizes_are_checked_before_they_are_allocated(description: Any) -> None:
    with pytest.raises(FileFormatError, match="more weights than the 100"):
        nn.build(description, limit=100)
    assert nn.build(LINEAR, limit=6)
