"""Weights from PyTorch: names, axes, faults; and, where it is installed, the same numbers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.errors import FileFormatError, OptionError, ShapeError
from glassgrad.io import load_torch, save_arrays, torch_arrays
from glassgrad.io.torch_weights import Rule, torch_rules
from glassgrad.io.weights import decode_arrays
from glassgrad.tensor import parameter


class Network(nn.Module):
    """Fields, a list, a parameter of its own, a container inside."""

    def __init__(self) -> None:
        self.words = nn.Embedding(7, 4, rng=0)
        self.body = nn.Sequential(nn.Linear(4, 5, rng=1), nn.ReLU(), nn.Linear(5, 5, False, rng=2))
        self.heads = [nn.Linear(5, 2, rng=3), nn.Linear(5, 3, rng=4)]
        self.scale = parameter(np.ones((2, 3), np.float32))

    def forward(self, ids: Any) -> Any:
        return self.heads[1](self.body(self.words(ids)))


NAMES = {
    "words.W": ("words.weight", (7, 4)),
    "body.layers.0.W": ("body.0.weight", (5, 4)),
    "body.layers.0.b": ("body.0.bias", (5,)),
    "body.layers.2.W": ("body.2.weight", (5, 5)),
    "heads.0.W": ("heads.0.weight", (2, 5)),
    "heads.0.b": ("heads.0.bias", (2,)),
    "heads.1.W": ("heads.1.weight", (3, 5)),
    "heads.1.b": ("heads.1.bias", (3,)),
    "scale": ("scale", (2, 3)),
}


def theirs(model: Network) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(0)
    return {name: rng.normal(size=shape).astype(np.float32) for name, shape in NAMES.values()}


def test_names_and_axes() -> None:
    model = Network()
    assert {rule.ours: rule.theirs for rule in torch_rules(model)} == {
        ours: name for ours, (name, _) in NAMES.items()
    }
    tensors = theirs(model)
    assert load_torch(model, tensors) is model
    np.testing.assert_array_equal(model.heads[1].W.data, tensors["heads.1.weight"].T)
    np.testing.assert_array_equal(model.words.W.data, tensors["words.weight"])
    back = torch_arrays(model)
    assert back.keys() == tensors.keys()
    for name, array in tensors.items():
        np.testing.assert_array_equal(back[name], array)


def test_a_file_with_a_prefix_and_other_names(tmp_path) -> None:
    model, tensors = Network(), theirs(Network())
    renamed = {f"module.{n.replace('body', 'trunk')}": a for n, a in tensors.items()}
    renamed["module.trunk.0.num_batches_tracked"] = np.array(3)
    save_arrays(tmp_path / "m.safetensors", renamed)
    load_torch(model, tmp_path / "m.safetensors", prefix="module.", names={"body": "trunk"})
    np.testing.assert_array_equal(model.body[0].W.data, tensors["body.0.weight"].T)


def test_all_that_does_not_fit_is_listed() -> None:
    model, tensors = Network(), theirs(Network())
    before = model.state_dict()
    tensors["body.0.wieght"] = tensors.pop("body.0.weight")
    tensors["heads.0.weight"] = tensors["heads.0.weight"].T
    with pytest.raises(ShapeError) as caught:
        load_torch(model, tensors)
    text = str(caught.value)
    assert "missing body.0.weight" in text
    assert "unexpected body.0.wieght" in text
    assert "heads.0.weight -> heads.0.W has shape (5, 2), the model (2, 5)" in text
    assert "did you mean `body.0.weight`" in text
    for name, array in model.state_dict().items():
        np.testing.assert_array_equal(array, before[name])
    with pytest.raises(OptionError, match="no module 'boddy'"):
        load_torch(model, tensors, names={"boddy": "trunk"})


def test_a_part_of_a_tensor() -> None:
    tensor = np.arange(24.0).reshape(6, 4)
    rule = Rule("key.W", "in_proj_weight", (1, 0), (1, 3))
    np.testing.assert_array_equal(rule.ours_of(tensor), tensor[2:4].T)
    np.testing.assert_array_equal(rule.theirs_of(rule.ours_of(tensor)), tensor[2:4])
    assert rule.shape_of((4, 2)) == (6, 4)


def test_bfloat16_is_read_as_float32() -> None:
    numbers = np.array([1.0, -2.5, 3e38], np.float32)
    raw = (numbers.view(np.uint32) >> 16).astype("<u2").tobytes()
    header = b'{"a":{"dtype":"BF16","shape":[3],"data_offsets":[0,6]}}'
    arrays, _ = decode_arrays(len(header).to_bytes(8, "little") + header + raw, "here")
    np.testing.assert_allclose(arrays["a"], numbers, rtol=2**-7)
    assert arrays["a"].dtype == np.float32
    with pytest.raises(FileFormatError):
        decode_arrays(len(header).to_bytes(8, "little") + header + raw[:-1], "here")


# --- PyTorch itself ----------------------------------------------------------------------

IMAGES = (2, 4, 9, 8)
# Our layer, PyTorch's class and its arguments, and the shape of an input; those of our layers that
# this package does not have yet are left out.
PAIRS: dict[str, tuple[tuple[Any, ...], dict[str, Any], tuple[Any, ...], dict[str, Any], Any]] = {
    "Linear": ((4, 3), {}, (4, 3), {}, (5, 4)),
    "Embedding": ((6, 3), {}, (6, 3), {}, "ids"),
    "Conv1d": ((4, 6, 3), {"groups": 2}, (4, 6, 3), {"groups": 2}, (2, 4, 9)),
    "Conv2d": ((4, 6, 3), {"padding": 1}, (4, 6, 3), {"padding": 1}, IMAGES),
    "ConvTranspose2d": ((4, 6, 3), {"groups": 2, "stride": 2}, (4, 6, 3),
                        {"groups": 2, "stride": 2}, IMAGES),
    "BatchNorm1d": ((4,), {}, (4,), {}, (5, 4)),
    "BatchNorm2d": ((4,), {}, (4,), {}, IMAGES),
    "LayerNorm": ((4,), {}, (4,), {}, (5, 4)),
    "GroupNorm": ((2, 4), {}, (2, 4), {}, IMAGES),
    "PReLU": ((4,), {}, (4,), {}, IMAGES),
    "Bilinear": ((4, 3, 2), {}, (4, 3, 2), {}, "two"),
    "RNN": ((4, 3, 2), {}, (4, 3, 2), {"batch_first": True}, (2, 5, 4)),
    "GRU": ((4, 3, 2), {"bidirectional": True}, (4, 3, 2),
            {"bidirectional": True, "batch_first": True}, (2, 5, 4)),
    "LSTM": ((4, 3, 2), {"bidirectional": True}, (4, 3, 2),
             {"bidirectional": True, "batch_first": True}, (2, 5, 4)),
    "LSTMCell": ((4, 3), {}, (4, 3), {}, (5, 4)),
    "MultiHeadAttention": ((4, 2), {}, (4, 2), {"batch_first": True}, (2, 5, 4)),
    "TransformerEncoderBlock": ((4, 2), {"hidden": 6, "activation": "relu", "prenorm": True},
                                (4, 2, 6), {"dropout": 0.0, "norm_first": True,
                                            "batch_first": True}, (2, 5, 4)),
}  # fmt: skip
CALLED = {
    "MultiHeadAttention": "MultiheadAttention",
    "TransformerEncoderBlock": "TransformerEncoderLayer",
}


@pytest.mark.parametrize("change", [lambda w: np.concatenate([w, w[:2]]), lambda w: w[0, 0]])
def test_joint_matrices_of_another_size_are_refused(change: Any) -> None:
    """Two rows too many leave parts that would fit."""
    arrays = torch_arrays(nn.MultiHeadAttention(6, 2, rng=0))
    arrays["in_proj_weight"] = change(arrays["in_proj_weight"])
    with pytest.raises(ShapeError, match=r"in_proj_weight -> query\.W has shape .*\(18, 6\)"):
        load_torch(nn.MultiHeadAttention(6, 2, rng=1), arrays)


class Shared(nn.Module):
    def __init__(self) -> None:
        self.a, self.b = nn.Linear(3, 3, rng=0), nn.Linear(3, 3, rng=1)
        self.b.W = self.a.W


def test_a_shared_weight_stands_in_both_places() -> None:
    given = torch_arrays(Shared())
    assert list(given) == ["a.weight", "a.bias", "b.weight", "b.bias"]
    other = np.arange(9, dtype=np.float32).reshape(3, 3)
    changed = {**given, "a.weight": other, "b.weight": other}
    model = load_torch(Shared(), changed)
    assert model.b.W is model.a.W
    np.testing.assert_array_equal(model.a.W.data, other.T)
    del changed["b.weight"]  # safetensors files hold shared tensors once
    np.testing.assert_array_equal(load_torch(Shared(), changed).a.W.data, other.T)
    with pytest.raises(ShapeError, match=r"b\.weight -> a\.W is another tensor"):
        load_torch(Shared(), {**given, "b.weight": other})


@pytest.mark.parametrize("name", [name for name in PAIRS if hasattr(nn, name)])
def test_the_same_numbers_as_pytorch(name: str, tmp_path) -> None:
    torch = pytest.importorskip("torch")
    ours_at, ours_by, theirs_at, theirs_by, shape = PAIRS[name]
    ours = getattr(nn, name)(*ours_at, **ours_by)
    torch.manual_seed(0)
    module = getattr(torch.nn, CALLED.get(name, name))(*theirs_at, **theirs_by).eval()
    with torch.no_grad():
        for tensor in [*module.parameters(), *module.buffers()]:
            if tensor.dtype.is_floating_point:
                tensor.uniform_(0.1, 0.9)
    arrays = {n: t.numpy() for n, t in module.state_dict().items()}
    save_arrays(tmp_path / "m.safetensors", arrays)
    load_torch(ours, tmp_path / "m.safetensors").eval()
    inputs = _inputs(shape)
    with torch.no_grad():
        given = [torch.from_numpy(x) for x in inputs]
        expected = (
            module(*given, *given, *given) if name == "MultiHeadAttention" else module(*given)
        )
    found = ours(*inputs)
    expected = expected[0] if isinstance(expected, tuple) else expected
    found = found[0] if isinstance(found, tuple) else found
    np.testing.assert_allclose(np.asarray(found.data), expected.numpy(), rtol=2e-5, atol=2e-6)
    back = torch_arrays(ours)
    for key, array in arrays.items():
        if not key.endswith("num_batches_tracked"):
            np.testing.assert_array_equal(back[key], array)


def _inputs(shape: Any) -> list[np.ndarray]:
    rng = np.random.default_rng(0)
    if shape == "ids":
        return [np.array([[0, 5, 2]])]
    if shape == "two":
        return [rng.normal(size=(5, size)).astype(np.float32) for size in (4, 3)]
    return [rng.normal(size=shape).astype(np.float32)]
