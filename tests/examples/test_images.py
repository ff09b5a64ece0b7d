"""The programs about images, each run with `--quick`: they end, and learn something."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import pytest

from glassgrad.config import config


def _main(root: Path, name: str) -> Any:
    return runpy.run_path(str(root / "examples" / name))["main"]


@pytest.mark.full
def test_simple_convnet(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert _main(root, "mnist_simple_convnet.py")("--quick", "4") >= 0.8
    first = capsys.readouterr().out.splitlines()[0]
    assert float(first.split()[-1]) < 1e-8


@pytest.mark.full
def test_deep_convnet(root: Path) -> None:
    assert _main(root, "mnist_deep_convnet.py")("--quick", "4") >= 0.7


@pytest.mark.full
@pytest.mark.shared("data/fashion-mnist/train-images-idx3-ubyte.gz")
def test_fashion_convnet(root: Path, shared_data: Path) -> None:
    with config.using(data=shared_data):
        assert _main(root, "fashion_convnet.py")("--quick") >= 0.35


@pytest.mark.full
@pytest.mark.shared("data/cifar10-subset/train_10000.bin.gz")
def test_cifar_residual(root: Path, shared_data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with config.using(data=shared_data):
        assert _main(root, "cifar_residual.py")("--quick") >= 0.05  # a tenth by chance
    assert "told apart" in capsys.readouterr().out


def test_pixels_of_any_logits(root: Path) -> None:
    pixels = runpy.run_path(str(root / "examples" / "mnist_autoencoder.py"))["pixels"]
    logits = np.array([-200, 0, 200], np.float32)  # 1 / (1 + exp(200)) would overflow
    np.testing.assert_array_equal(pixels(logits), np.array([0, 0.5, 1], np.float32))


@pytest.mark.full
def test_autoencoders(root: Path, tmp_path: Path) -> None:
    squeezed, restored = _main(root, "mnist_autoencoder.py")("--quick", str(tmp_path / "new"))
    assert squeezed < 0.95  # of the error of the mean image
    assert restored < 0.5  # of the noise
    for name in ("latent_plane.svg", "denoised.svg"):
        assert ET.parse(tmp_path / "new" / name).getroot().tag.endswith("svg")
