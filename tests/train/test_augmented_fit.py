"""`fit` on changed, streamed and windowed batches: the same on every run, resumed bit for bit."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.data import (
    Augmentation,
    Batches,
    Crop,
    Dataset,
    Flip,
    Mixup,
    Prefetch,
    RandomWindows,
    StatefulWindows,
    Streamed,
    augmented,
)
from glassgrad.data.augment import batch_key
from glassgrad.errors import OptionError
from glassgrad.train import Callback, Checkpoint, fit
from glassgrad.train.feed import stream_feed

RNG = np.random.default_rng(0)
X = RNG.random((30, 1, 6, 6)).astype(np.float32)
Y = RNG.integers(0, 3, 30)
CHANGES = [Crop(1), Flip()]


def network() -> nn.Module:
    return nn.Sequential(nn.Flatten(), nn.Linear(36, 8, rng=0), nn.ReLU(), nn.Linear(8, 3, rng=1))


def trained(train: Any = (X, Y), **options: Any) -> tuple[dict[str, np.ndarray], Any]:
    model = network()
    given = {"loss": "cross_entropy", "epochs": 3, "batch_size": 8, "seed": 5, **options}
    history = fit(model, train, **given)
    return model.state_dict(), history


def assert_same(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> None:
    for name, array in a.items():
        np.testing.assert_array_equal(array, b[name])


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_augmented_batches_are_those_by_hand(backend: str) -> None:
    if backend == "native":
        pytest.importorskip("llvmlite")

    class ByHand:
        """The same batches, made before."""

        def __init__(self) -> None:
            self.epoch = 0

        def __len__(self) -> int:
            return 4

        def __iter__(self) -> Any:
            epoch, self.epoch = self.epoch, self.epoch + 1
            for number, (images, y) in enumerate(Batches(X, Y, 8, seed=5).epoch(max(epoch, 0))):
                yield augmented(images, y, CHANGES, batch_key(5, epoch, number))

    by_hand = ByHand()
    one, _ = trained(augment=CHANGES, backend=backend)
    by_hand.epoch = -1  # `fit` looks at a batch before the first epoch
    two, _ = trained(by_hand, backend=backend)
    assert_same(one, two)
    plain, _ = trained(backend=backend)
    assert any((one[name] != plain[name]).any() for name in one)
    assert "glassgrad-prefetch" not in {thread.name for thread in threading.enumerate()}


@pytest.mark.parametrize("stop", [1, 4, 6, 10])
def test_a_resumed_run_sees_the_same_images(tmp_path: Path, stop: int) -> None:
    whole, history = trained(augment=CHANGES)
    folder = tmp_path / "run"
    trained(augment=CHANGES, steps=stop, checkpoint=Checkpoint(folder, every_steps=1))
    again, resumed = trained(augment=CHANGES, checkpoint=Checkpoint(folder), resume=True)
    assert_same(whole, again)
    assert list(history["loss"]) == list(resumed["loss"])
    with pytest.raises(OptionError, match=r"data.augment"):
        trained(augment=[Flip()], checkpoint=Checkpoint(folder), resume=True)


def test_mixed_labels_train_and_are_scored() -> None:
    _, history = trained(augment=Mixup(3), metrics="accuracy", validation=(X, Y))
    assert 0 <= history["accuracy"][-1] <= 1
    assert "val_accuracy" in history.columns


def test_flat_images_of_a_dataset() -> None:
    data = Dataset(name="d", train_X=X.reshape(30, -1), train_y=Y, class_names=tuple("abc"),
                   image_shape=(1, 6, 6))  # fmt: skip
    assert_same(trained(data, augment=CHANGES)[0], trained(augment=CHANGES)[0])


def test_a_fault_in_the_thread_stops_the_run() -> None:
    class Broken(Augmentation):
        def change(self, X: Any, y: Any, key: Any) -> tuple[Any, Any]:
            raise ZeroDivisionError("here")

    with pytest.raises(ZeroDivisionError, match="here"):
        trained(augment=Broken())
    with pytest.raises(OptionError, match="str is no augmentation"):
        trained(augment="flip")


def test_ctrl_c_leaves_the_last_whole_step_and_no_thread() -> None:
    class Interrupt(Callback):
        every_step = True

        def on_step(self, run: Any) -> None:
            if run.step == 3:
                raise KeyboardInterrupt

    model = network()
    options = {"loss": "cross_entropy", "batch_size": 8, "seed": 5, "augment": CHANGES}
    with pytest.raises(KeyboardInterrupt):
        fit(model, (X, Y), callbacks=Interrupt(), epochs=3, **options)
    assert "glassgrad-prefetch" not in {thread.name for thread in threading.enumerate()}
    assert_same(model.state_dict(), trained(augment=CHANGES, steps=3)[0])


def test_streams_train_as_arrays(tmp_path: Path) -> None:
    np.save(tmp_path / "x.npy", X)
    np.save(tmp_path / "y.npy", Y)
    streamed = Streamed(tmp_path / "x.npy", tmp_path / "y.npy")
    plain, _ = trained(backend="numpy")
    assert_same(plain, trained(streamed, backend="numpy")[0])
    ahead = Prefetch(streamed.batches(8, seed=5))
    assert_same(plain, trained(ahead, backend="numpy")[0])
    assert stream_feed(streamed, 8, seed=5).form["scale"] == 1


@pytest.mark.parametrize("kind", [RandomWindows, StatefulWindows])
def test_language_models_learn_from_windows(tmp_path: Path, kind: Any) -> None:
    ids = np.tile(np.arange(5), 60)

    def run(**options: Any) -> tuple[nn.Module, Any]:
        model = nn.Sequential(nn.Embedding(5, 8, rng=0), nn.Linear(8, 5, rng=1))
        history = fit(model, kind(ids, 7, 6), loss="cross_entropy", lr=0.05, **options)
        return model, history

    model, history = run(epochs=12)
    assert history["loss"][-1] < 0.2 < history["loss"][0]
    folder = tmp_path / "run"
    run(epochs=12, steps=30, checkpoint=folder)
    again, _ = run(epochs=12, checkpoint=folder, resume=True)
    assert_same(model.state_dict(), again.state_dict())
