"""Models in files: the same network comes back, and no code is ever read."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.errors import FileAccessError, FileFormatError, OptionError, ShapeError
from glassgrad.io import load, load_arrays, save, save_arrays
from glassgrad.nn.module import Module
from glassgrad.tensor import parameter, state

X = np.arange(6, dtype=np.float32).reshape(2, 3) / 7


def network() -> nn.Sequential:
    layers = nn.Linear(3, 4), nn.Tanh(), nn.Dropout(0.5), nn.Linear(4, 2, bias=False)
    return nn.Sequential(*layers)


class Own(Module):
    """A layer that the library does not know."""

    def __init__(self, width: int = 3) -> None:
        self.W = parameter(np.arange(width, dtype=np.float64))
        self.seen = state(np.zeros(1))

    def forward(self, x: Any) -> Any:
        return x * self.W


# --- round trip --------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["model.safetensors", "run", "runs/digits.v2", ""])
def test_the_same_network_comes_back(tmp_path: Path, name: str) -> None:
    model = network().eval()
    path = tmp_path / name
    written = save(model, path)
    assert written.suffix == ".safetensors"
    for source in (path, written, str(written)):
        found = load(source)
        assert repr(found) == repr(model)
        ours, theirs = found.state_dict(), model.state_dict()
        assert ours.keys() == theirs.keys()
        assert all(ours[k].tobytes() == theirs[k].tobytes() for k in theirs)
        assert all(ours[k].dtype == theirs[k].dtype for k in theirs)
        np.testing.assert_array_equal(found.eval()(X).data, model(X).data)


def test_float64_stays_float64(tmp_path: Path) -> None:
    found = load(save(nn.Linear(3, 2, dtype=np.float64), tmp_path))
    assert found.state_dict()["W"].dtype == np.float64


def test_saving_again_replaces_the_file(tmp_path: Path) -> None:
    (tmp_path / "config.toml").write_text("mine")
    for width in (5, 2):
        save(nn.Linear(3, width), tmp_path)
    assert load(tmp_path).state_dict()["W"].shape == (3, 2)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["config.toml", "model.safetensors"]


def test_layers_of_ones_own_are_loaded_into_a_new_one(tmp_path: Path) -> None:
    model = Own()
    model.W.assign(np.array([1.0, -0.0, np.nan]))
    save(model, tmp_path)
    with pytest.raises(FileFormatError, match=r"layers of its own\n\nhint: .*into=model"):
        load(tmp_path)
    into = Own()
    assert load(tmp_path, into=into) is into
    assert into.W.data.tobytes() == model.W.data.tobytes()
    with pytest.raises(ShapeError, match=r"W has shape \(3,\), the model \(4,\)"):
        load(tmp_path, into=Own(4))


# --- what is refused ---------------------------------------------------------------------


def test_weights_alone_are_no_model(tmp_path: Path) -> None:
    path = tmp_path / "w.safetensors"
    save_arrays(path, {"W": np.zeros((3, 2), np.float32), "b": np.ones(2, np.float32)})
    with pytest.raises(FileFormatError, match="holds weights, but no model"):
        load(path)
    assert load(path, into=nn.Linear(3, 2)).state_dict()["b"].tolist() == [1, 1]


LINEAR: dict[str, Any] = {"inputs": 3, "outputs": 2}


@pytest.mark.parametrize(
    "description",
    [
        "{",
        "[" * 10**5,
        "[]",
        "null",
        '{"class": "Linear"}',
        json.dumps({"class": "os.system", "config": {"command": "true"}}),
        json.dumps({"class": "Module"}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "inputs": 4}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "inputs": -3}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "inputs": 10**9, "outputs": 10**9}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "dtype": "object"}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "dtype": "float64"}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "init": {"name": "__import__"}}}),
        json.dumps({"class": "Linear", "config": {**LINEAR, "forward": 1}}),
        json.dumps({"class": "Linear", "config": LINEAR, "tied": [["W", "x"]]}),
        json.dumps({"class": "Linear", "config": LINEAR, "tied": 5}),
        json.dumps({"class": "Sequential", "children": [{"ref": 0}]}),
        json.dumps({"class": "Sequential", "children": {"class": "Linear"}}),
    ],
)
def test_descriptions_that_do_not_fit(tmp_path: Path, description: str) -> None:
    path = save(nn.Linear(3, 2), tmp_path)
    arrays, metadata = load_arrays(path)
    save_arrays(path, arrays, {**metadata, "model": description})
    with pytest.raises(FileFormatError):
        load(path)


def test_other_versions_and_missing_weights(tmp_path: Path) -> None:
    path = save(nn.Linear(3, 2), tmp_path)
    arrays, metadata = load_arrays(path)
    save_arrays(path, arrays, {**metadata, "version": "2"})
    with pytest.raises(FileFormatError, match="no model of this program"):
        load(path)
    save_arrays(path, {"W": arrays["W"]}, metadata)
    with pytest.raises(FileFormatError, match=r"missing b|more weights"):
        load(path)
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(FileFormatError, match="is no intact safetensors file"):
        load(tmp_path)


def test_paths_that_mislead(tmp_path: Path) -> None:
    with pytest.raises(OptionError, match=r"(?s)another kind of file.*saved as model\.safetensors"):
        save(nn.Linear(3, 2), tmp_path / "model.pt")
    with pytest.raises(FileAccessError, match=r"absent.model\.safetensors cannot be read"):
        load(tmp_path / "absent")
    assert list(tmp_path.iterdir()) == []
