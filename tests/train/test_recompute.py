"""Regions that the backward pass computes again: the same numbers in less memory."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from train.small_networks import RunningMean, assert_same

from glassgrad import nn, optim, train_step
from glassgrad.errors import OptionError
from glassgrad.train import checkpoint_regions, fit
from glassgrad.train.recompute import planned_bytes

WIDTH, ROWS = 16, 64


class Blocks(nn.Module):
    """Residual blocks with dropout and a state in each, and a head."""

    def __init__(self, count: int = 4) -> None:
        self.blocks = [self._block(i) for i in range(count)]
        self.head = nn.Linear(WIDTH, 2, rng=99)

    def _block(self, i: int) -> nn.Module:
        body = [nn.Linear(WIDTH, 4 * WIDTH, rng=i), nn.GELU(), nn.Dropout(0.1)]
        return nn.Residual(
            nn.Sequential(RunningMean(WIDTH), *body, nn.Linear(4 * WIDTH, WIDTH, rng=50 + i))
        )

    def forward(self, x: Any) -> Any:
        for block in self.blocks:
            x = block(x)
        return self.head(x)


def _chain(count: int = 8) -> nn.Module:
    layers: list[nn.Module] = []
    for i in range(count):
        layers += [nn.Linear(WIDTH, WIDTH, rng=i), nn.Tanh()]
    return nn.Sequential(*layers, nn.Linear(WIDTH, 2, rng=99))


def _loss(m: Any, x: Any, t: Any) -> Any:
    return nn.losses.cross_entropy(m(x), t)


def _batch() -> Any:
    rng = np.random.default_rng(0)
    return rng.normal(size=(ROWS, WIDTH)).astype(np.float32), rng.integers(0, 2, ROWS)


def _step(model: nn.Module, recompute: Any) -> Any:
    return train_step(_loss, model, optim.Adam(model, 0.01), recompute=recompute)


@pytest.mark.full
@pytest.mark.parametrize("make", [Blocks, _chain])
@pytest.mark.parametrize("parts", [1, 2])
def test_the_same_bits_in_less_memory(make: Any, parts: int) -> None:
    models = [make(), make()]
    costs = []
    for model, wanted in zip(models, (None, "blocks"), strict=True):
        step = train_step(_loss, model, optim.Adam(model, 0.01), recompute=wanted,
                          accumulate=parts)  # fmt: skip
        losses = [step(*_batch()) for _ in range(3)]
        assert losses[2] < losses[0]
        costs.append(step.graph(*_batch()).cost())
    assert_same(*models)
    if parts == 1:
        assert costs[1].total.kept < 0.6 * costs[0].total.kept
        assert costs[0].native is not None
        assert costs[1].native is not None
        assert costs[1].native.arena < 0.7 * costs[0].native.arena


def test_a_budget_is_kept_with_as_little_as_it_takes() -> None:
    model = Blocks(3)
    free = planned_bytes(_step(model, None).graph(*_batch()))
    least = planned_bytes(_step(model, "blocks").graph(*_batch()))
    assert planned_bytes(_step(model, free).graph(*_batch())) == free
    middle = (free + least) // 2
    found = planned_bytes(_step(model, middle).graph(*_batch()))
    assert least <= found <= middle
    with pytest.raises(OptionError, match=r"recompute: the step needs .* KiB, more than 1 B"):
        _step(model, 1).graph(*_batch())


def test_regions_by_path() -> None:
    model = Blocks()
    paths = [str(region) for region in checkpoint_regions(model, ["blocks.[01]", "head"])]
    assert paths == ["blocks.0", "blocks.1", "head"]
    assert [str(r) for r in checkpoint_regions(model)] == [f"blocks.{i}" for i in range(4)]
    inner = checkpoint_regions(model, ["blocks.0", "blocks.0.body.layers.1"])
    assert [str(r) for r in inner] == ["blocks.0"]
    with pytest.raises(OptionError, match="no layer is called 'block'"):
        checkpoint_regions(model, "block")


@pytest.mark.parametrize("wanted", [True, 3.5, ["blocks.0", 1], b"blocks"])
def test_what_is_no_region_is_refused(wanted: Any) -> None:
    model, (X, y) = Blocks(2), _batch()
    before = model.state_dict()
    with pytest.raises(OptionError, match="recompute is "):
        fit(model, (X, y), loss="cross_entropy", epochs=1, recompute=wanted)
    for name, value in before.items():
        np.testing.assert_array_equal(model.state_dict()[name], value)


def test_what_is_computed_again_stands_where_it_belongs() -> None:
    graph = _step(Blocks(2), "blocks").graph(*_batch())
    regions = {eqn.region for eqn in graph.eqns if eqn.derives is None}
    assert ("backward", "blocks", "blocks.0", "body", "layers.1") in regions
    assert all(len(set(region)) == len(region) for region in regions)


def test_the_model_is_left_as_it_was() -> None:
    model = Blocks()
    before = [sorted(vars(m)) for _, m in model.named_modules()]
    _step(model, "blocks")(*_batch())
    assert [sorted(vars(m)) for _, m in model.named_modules()] == before


def test_fit_recomputes() -> None:
    models = [Blocks(2), Blocks(2)]
    X, y = _batch()
    for model, wanted in zip(models, (None, "blocks"), strict=True):
        fit(model, (X, y), loss="cross_entropy", epochs=2, batch_size=20, recompute=wanted)
    assert_same(*models)
