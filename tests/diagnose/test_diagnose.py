"""No false alarm on healthy networks, the right verdict on planted faults; nothing is changed."""

from __future__ import annotations

import json
import re
from typing import Any

import numpy as np
import pytest
from diagnose_setups import FAULTS, HEALTHY, QUICK_FAULTS, blobs, deep, digits, moons, net

import glassgrad as gg
from glassgrad import nn
from glassgrad.data import Batches
from glassgrad.diagnose import Diagnosis, diagnose
from glassgrad.diagnose.measure import Measured, measure
from glassgrad.diagnose.network_checks import network_verdicts
from glassgrad.diagnose.network_laws import KINDS
from glassgrad.diagnose.subject import Subject, prepare
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.text import speaking

pytestmark = pytest.mark.filterwarnings("ignore::glassgrad.errors.InitializerWarning")


def _kinds(found: Diagnosis) -> list[str]:
    return [verdict.kind for verdict in (*found.faults, *found.warnings)]


# --- the two lists -----------------------------------------------------------------------


def test_the_lists_are_long_enough() -> None:
    assert len(HEALTHY) >= 10
    assert len(FAULTS) >= 30


@pytest.mark.parametrize("name", HEALTHY)
def test_no_false_alarm(name: str) -> None:
    model, rows, options = HEALTHY[name]()
    found = diagnose(model, rows, **options)
    assert _kinds(found) == [], str(found)
    assert found
    assert "overfit" in [verdict.kind for verdict in found.verdicts]


@pytest.mark.parametrize(
    "name", [n if n in QUICK_FAULTS else pytest.param(n, marks=pytest.mark.full) for n in FAULTS]
)
def test_planted_fault(name: str) -> None:
    build, kind = FAULTS[name]
    model, rows, options = build()
    found = diagnose(model, rows, **options)
    assert kind in _kinds(found), str(found)


@pytest.mark.full
def test_every_kind_of_fault_is_planted() -> None:
    healthy = {"data", "loss-at-start", "gradient-flow", "activations", "overfit", "rate"}
    planted = {kind for _, kind in FAULTS.values()}
    assert planted == set(KINDS) - healthy - {"updates"}


# --- the table of CANON C19 and C14 ------------------------------------------------------


def _ten_layers(activation: str, spread: float, seed: int) -> nn.Module:
    """C19's network: no biases, weights of standard deviation √(spread / n)."""
    rng = np.random.RandomState(seed)
    x = 0.3 * rng.randn(100, 784)
    t = rng.randint(0, 10, 100)
    sizes = [784, *[100] * 10, 10]
    model = nn.MLP(sizes, activation, biases=False, init="he", dtype="float64")
    linear = [layer for layer in model.layers if isinstance(layer, nn.Linear)]
    for layer in linear:
        n, m = layer.W.shape
        std = spread if spread < 0.1 else np.sqrt(spread / n)
        layer.W.assign(std * rng.randn(n, m))
    model.example = (x, t)
    return model


def _measured(model: nn.Module) -> tuple[Subject, Measured]:
    subject = prepare(model, model.example, None, None)  # type: ignore[attr-defined]
    return subject, measure(subject, np.arange(100))


@pytest.mark.parametrize(
    ("activation", "spread", "printed", "ratio"),
    [
        ("sigmoid", 1.0, (1.6e-9, 2.4e-8, 2.1e-6, 2.4e-3, 3.1e-2), 7e-7),
        pytest.param(
            *("sigmoid", 0.01, (2.7e-19, 1.7e-17, 1.1e-12, 1.1e-4, 1.4e-2), 2e-15),
            marks=pytest.mark.full,
        ),
        pytest.param(
            *("tanh", 1.0, (1.8e-3, 1.8e-3, 1.8e-3, 1.6e-3, 5.1e-3), 1.1),
            marks=pytest.mark.full,
        ),
        ("relu", 2.0, (3.0e-3, 3.6e-3, 4.6e-3, 5.1e-3, 1.7e-2), 0.58),
    ],
)
def test_vanishing_gradients_of_ten_layers(
    activation: str, spread: float, printed: tuple[float, ...], ratio: float
) -> None:
    logarithms = []
    for seed in range(5):
        model = _ten_layers(activation, spread, seed)
        subject, found = _measured(model)
        sizes = [found.layers[i].gradient for i in (0, 1, 4, 9, 10)]
        logarithms.append(np.log(sizes))
        kinds = [verdict.kind for verdict in network_verdicts(subject, found)]
        assert ("vanishing" in kinds) is (ratio < 1e-3)
        assert "exploding" not in kinds
    means = np.exp(np.mean(logarithms, axis=0))
    np.testing.assert_allclose(means, printed, rtol=0.05)
    assert means[0] / means[3] == pytest.approx(ratio, rel=0.08)


def test_deep_sigmoid_says_vanishing_with_its_numbers() -> None:
    model = _ten_layers("sigmoid", 1.0, 0)
    subject, found = _measured(model)
    verdict = next(v for v in network_verdicts(subject, found) if v.kind == "vanishing")
    assert 1e-7 < verdict.evidence["ratio"] < 5e-6
    assert verdict.where == "layers.0"
    assert "σ′ ≤ ¼" in verdict.law
    assert "ReLU" in verdict.remedy
    assert [layer.activation for layer in found.layers] == ["sigmoid"] * 10 + [None]


@pytest.mark.full
def test_spread_of_activations_of_ten_layers() -> None:
    """C14: 10 × 500 tanh with Xavier, and ReLU with He."""
    printed = {
        ("tanh", 1.0): ".627 .487 .407 .358 .320 .293 .273 .255 .239 .227",
        ("relu", 2.0): ".825 .819 .782 .763 .745 .767 .798 .765 .758 .764",
    }
    for (activation, spread), text in printed.items():
        rng = np.random.RandomState(0)
        x = rng.randn(1000, 500)
        model = nn.MLP([500] * 11, activation, biases=False, init="he", dtype="float64")
        model.layers.append(nn.activations.activation_layer(activation))
        for layer in model.layers:
            if isinstance(layer, nn.Linear):
                layer.W.assign(rng.randn(500, 500) * np.sqrt(spread / 500))
        subject = prepare(model, (x, np.zeros((1000, 500))), "mse", None)
        found = measure(subject, np.arange(1000))
        stds = [layer.std for layer in found.layers]
        np.testing.assert_allclose(stds, [float(word) for word in text.split()], atol=0.012)


# --- nothing is changed ------------------------------------------------------------------


def test_nothing_of_the_users_is_changed() -> None:
    model = net(4, 16, 3, dropout=0.2)
    optimizer = gg.optim.Adam(model, lr=1e-3)
    X, y = blobs()
    with gg.random_key(0):
        loss = nn.cross_entropy(model(X), y)
    loss.backward()
    optimizer.step()
    model.layers[0].eval()
    before = (model.state_dict(), [np.array(p.grad) for p in model.parameters()])
    rows = [np.array(row) for row in optimizer.rows]
    modes = [module.training for _, module in model.named_modules()]
    state = np.random.get_state()[1].copy()  # noqa: NPY002
    stream = nn.init.generator_of(None).bit_generator.state
    found = diagnose(model, (X, y), optimizer=optimizer)
    assert found
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[0][name])
    for parameter, gradient in zip(model.parameters(), before[1], strict=True):
        np.testing.assert_array_equal(parameter.grad, gradient)
    for row, old in zip(optimizer.rows, rows, strict=True):
        np.testing.assert_array_equal(row, old)
    assert optimizer.count == 1
    assert [module.training for _, module in model.named_modules()] == modes
    np.testing.assert_array_equal(np.random.get_state()[1], state)  # noqa: NPY002
    assert nn.init.generator_of(None).bit_generator.state == stream


def test_the_same_question_gets_the_same_answer() -> None:
    model = net(2, 16, 2, dropout=0.2)
    first, second = (str(diagnose(model, moons(), optimizer="adam")) for _ in range(2))
    assert first == second


# --- what is given -----------------------------------------------------------------------


def test_data_in_every_form() -> None:
    X, y = blobs()
    model = net(4, 16, 3)
    whole = diagnose(model, (X, y))
    batches = Batches(X, y, 32)
    listed = [(X[i : i + 50], y[i : i + 50]) for i in range(0, 200, 50)]
    assert str(diagnose(model, batches)) == str(whole)
    assert str(diagnose(model, listed)) == str(whole)
    one_hot = diagnose(model, (X, np.eye(3)[y]), loss="cross_entropy")
    assert one_hot
    assert diagnose(model, (X, y), loss=nn.CrossEntropyLoss())


def test_the_loss_that_fit_left_is_used() -> None:
    X, y = blobs()
    model = net(4, 16, 3)
    gg.fit(model, (X, y), loss="hinge", epochs=1, progress=False)
    assert "loss-at-start" not in [v.kind for v in diagnose(model, (X, y)).verdicts]


@pytest.mark.parametrize(
    ("arguments", "options", "error", "text"),
    [
        ((lambda x: x, blobs()), {}, DtypeError, "function is no model"),
        ((nn.ReLU(), blobs()), {}, DataError, "no parameters"),
        ((net(4, 3), 5), {}, OptionError, "data of int"),
        ((net(4, 3), iter([])), {}, OptionError, "iterated again"),
        ((net(4, 3), []), {}, DataError, "no batches"),
        ((net(5, 3), blobs()), {}, ShapeError, "takes 5 features, got 4"),
        ((net(4, 3), (np.zeros((0, 4)), np.zeros(0, int))), {}, DataError, "no rows"),
        ((net(4, 3), (blobs()[0], blobs()[1][:9])), {}, ShapeError, "X has 200 rows"),
        ((net(4, 3), (blobs()[0], ["a"] * 200)), {}, DtypeError, "no array of numbers"),
        ((net(4, 3), blobs()), {"loss": "cross_entropie"}, OptionError, "`cross_entropy`"),
        ((net(4, 3), blobs()), {"loss": 3}, OptionError, "cannot be called"),
        ((net(4, 3), blobs()), {"optimizer": "adm"}, OptionError, "`adam`"),
        ((net(4, 3), blobs()), {"optimizer": 3}, OptionError, "int is no optimizer"),
        ((net(4, 3), blobs()), {"lr": -1.0}, OptionError, "lr"),
        ((net(4, 3), blobs()), {"loss": "mse"}, ShapeError, "differ"),
    ],
)
def test_bad_input(arguments: Any, options: Any, error: Any, text: str) -> None:
    with pytest.raises(error, match=re.escape(text)):
        diagnose(*arguments, **options)


# --- what is said ------------------------------------------------------------------------


def test_text_ranks_faults_first_and_ends_with_the_table() -> None:
    found = diagnose(deep("sigmoid", "xavier"), digits())
    text = str(found)
    assert text.index("FAULT") < text.index("\nOK  ")
    assert text.endswith(found.table())
    assert not found
    lines = found.table().splitlines()
    assert len(lines) == 12
    assert "layers.0" in lines[1]
    assert len({line.index("sigmoid") for line in lines[1:11]}) == 1


def test_words_follow_the_language() -> None:
    found = diagnose(net(64, 20, 10, init="zeros"), digits())
    verdict = found.faults[0]
    with speaking("ko"):
        korean = (verdict.title, verdict.claim, verdict.law, verdict.remedy, str(found))
    with speaking("en"):
        english = (verdict.title, verdict.claim, verdict.law, verdict.remedy, str(found))
    for one, two in zip(korean, english, strict=True):
        assert re.search("[가-힣]", one)
        assert not re.search("[가-힣]", two)


def test_json_and_html() -> None:
    found = diagnose(net(64, 20, 10, init="zeros"), digits())
    data = json.loads(json.dumps(found.to_dict()))
    assert data["healthy"] is False
    assert data["verdicts"][0]["kind"] == "symmetric"
    assert data["layers"][0]["path"] == "layers.0.W"
    markup = found.html()
    assert markup.count("<tr>") == 1 + len(found.layers)
    assert "FAULT" in markup
    assert "<style>" in found._repr_html_()


def test_a_loop_is_no_stack_of_linear_layers() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(32, 5, 3)).astype(np.float32)
    y = (X[:, :, 0].sum(axis=1) > 0).astype(np.int64)
    model = nn.Sequential(nn.LSTM(3, 6, output="last", rng=0), nn.Linear(6, 2, rng=1))
    assert "no activation between" not in str(gg.diagnose(model, (X, y)))
