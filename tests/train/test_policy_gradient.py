"""The example of policy gradients: its worlds, its returns, and a short run."""

from __future__ import annotations

import runpy
from pathlib import Path
from typing import Any

import numpy as np
import pytest


@pytest.fixture(scope="module")
def example(root: Path) -> Any:
    return runpy.run_path(str(root / "examples" / "policy_gradient.py"))


def test_returns_by_hand(example: Any) -> None:
    found = example["returns"](np.array([[1.0], [0.0], [2.0]]), 0.5)
    np.testing.assert_allclose(found[:, 0], [1.5, 1.0, 2.0])


def test_the_grid_has_a_way_of_eight_steps(example: Any) -> None:
    world = example["GridWorld"]()
    world.start(np.random.default_rng(0), 1)
    for i, action in enumerate([0] * 4 + [2] * 4):  # down the side, then along the end
        rewards, ended = world.step(np.array([action]))
        assert rewards[0] == -1
        assert ended[0] == (i == 7)
    world.start(np.random.default_rng(0), 1)
    world.place[:] = 1, 0
    world.step(np.array([2]))
    np.testing.assert_array_equal(world.place, [[1, 0]])  # a wall


def test_the_pole_falls_the_way_it_is_not_held(example: Any) -> None:
    world = example["CartPole"]()
    world.start(np.random.default_rng(0), 1)
    world.state[:] = 0
    rewards, fallen = world.step(np.array([1]))
    assert (rewards[0], fallen[0]) == (1.0, False)
    # The first push from rest: x'' and theta'' of Barto, Sutton & Anderson (1983).
    swing = -(10 / 1.1) / (0.5 * (4 / 3 - 0.1 / 1.1))
    pull = 10 / 1.1 - 0.1 * 0.5 * swing / 1.1
    np.testing.assert_allclose(world.state[0], [0, 0.02 * pull, 0, 0.02 * swing], rtol=1e-12)
    steps = 1
    while not world.step(np.array([1]))[1][0]:
        steps += 1
    assert 5 < steps < 20


def test_a_short_run(example: Any, capsys: pytest.CaptureFixture[str]) -> None:
    found = example["main"]("grid", "--quick")
    assert set(found) == {"grid"}
    assert "of 1 seeds" in capsys.readouterr().out
