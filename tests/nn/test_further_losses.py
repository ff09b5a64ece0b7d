"""Losses of pairs, of triples and of label sequences; what the newer losses refuse."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np
import pytest

from glassgrad import nn
from glassgrad.autodiff.api import grad, value_and_grad
from glassgrad.autodiff.check import check_grads
from glassgrad.errors import DataError, DtypeError, OptionError, ShapeError
from glassgrad.graph.trace import trace
from glassgrad.nn import losses
from glassgrad.tensor import parameter
from glassgrad.train import fit

RNG = np.random.default_rng(3)
X, Y, Z = RNG.normal(size=(3, 5, 4))
SIGNS = np.array([1, -1, -1, 1, -1])

# --- pairs and triples -------------------------------------------------------------------


def test_pairs_against_their_formulas() -> None:
    cos = (X * Y).sum(1) / np.linalg.norm(X, axis=1) / np.linalg.norm(Y, axis=1)
    np.testing.assert_allclose(losses.cosine(X, Y, reduction="none"), 1 - cos, rtol=1e-12)
    expected = np.where(SIGNS == 1, 1 - cos, np.maximum(cos - 0.1, 0))
    found = losses.cosine_embedding(X, Y, SIGNS, margin=0.1, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-12, atol=1e-15)
    distance = np.linalg.norm(X - Y, axis=1)
    expected = np.where(SIGNS == 1, distance**2, np.maximum(4 - distance, 0) ** 2) / 2
    found = losses.contrastive(X, Y, SIGNS == 1, margin=4.0, reduction="none")
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize("options", [{}, {"swap": True}, {"p": 1.0}, {"margin": 5.0}])
def test_triplet_against_its_formula(options: dict[str, Any]) -> None:
    order = options.get("p", 2.0)
    near, far, third = (np.linalg.norm(d, order, axis=1) for d in (X - Y, X - Z, Y - Z))
    far = np.minimum(far, third) if options.get("swap") else far
    expected = np.maximum(near - far + options.get("margin", 1.0), 0)
    found = losses.triplet(X, Y, Z, reduction="none", **options)
    np.testing.assert_allclose(found, expected, rtol=1e-12)


@pytest.mark.parametrize(
    ("loss", "others"),
    [
        (losses.cosine_embedding, (Y, SIGNS)),
        (losses.contrastive, (Y, SIGNS == 1)),
        (losses.triplet, (Y, Z)),
    ],
)
def test_pairs_have_right_gradients(loss: Any, others: tuple[Any, ...]) -> None:
    assert check_grads(lambda x: loss(x, *others, margin=0.7), X, order=2)


def test_small_angles_keep_their_digits() -> None:
    x, y = np.array([[1.0, 0.0]]), np.array([[1.0, 1e-9]])
    assert float(losses.cosine(x, y)) == pytest.approx(5e-19, rel=1e-9, abs=0)
    equal = parameter(np.ones((1, 3)))
    losses.triplet(equal, np.ones((1, 3)), np.ones((1, 3))).backward()
    np.testing.assert_array_equal(equal.grad, np.zeros((1, 3)))


@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64])
def test_a_zero_vector_has_a_distance(dtype: Any) -> None:
    zero, one = np.zeros((1, 2), dtype), np.array([[1, 0]], dtype)
    assert float(losses.cosine(zero, one)) == 0.5
    assert float(losses.cosine(zero, zero)) == 0


# --- likelihoods -------------------------------------------------------------------------


def test_focal_losses_in_their_tails() -> None:
    sure = np.array([[50.0, 0.0]])
    p_other = np.exp(-50.0)
    assert float(losses.focal(sure, np.array([0]))) == pytest.approx(p_other**3, rel=1e-12, abs=0)
    certain = np.array([[900.0, 0.0]])
    for gamma in (0.0, 0.5, 2.0):
        value, gradient = value_and_grad(
            lambda x, g=gamma: losses.focal(x, np.array([0]), gamma=g)
        )(certain)
        assert value == 0
        np.testing.assert_array_equal(gradient, [[0, 0]])
    plain = losses.cross_entropy(X, np.array([0, 1, 2, 3, 0]))
    assert losses.focal(X, np.array([0, 1, 2, 3, 0]), gamma=0) == plain
    one = losses.binary_focal(np.array([50.0]), np.array([1.0]))
    assert float(one) == pytest.approx(p_other**3, rel=1e-12, abs=0)


def test_gaussian_forms_agree() -> None:
    log_var = RNG.normal(size=(5, 4))
    packed = losses.gaussian_nll(np.concatenate([X, log_var], axis=1), Y)
    assert packed == pytest.approx(float(losses.gaussian_nll(X, Y, np.exp(log_var))), rel=1e-13)
    one = losses.gaussian_nll(X[:, :1], Y[:, :1], np.ones(5))
    assert one == pytest.approx(float(np.mean((X[:, 0] - Y[:, 0]) ** 2) / 2), rel=1e-13)
    lifted = losses.gaussian_nll(np.ones((1, 1)), np.ones((1, 1)), np.zeros((1, 1)))
    assert lifted == pytest.approx(0.5 * np.log(1e-6))


def test_a_learned_uncertainty_in_its_tails() -> None:
    """e^89 and its inverse are outside float32; the square of the quotient is not."""
    pred = np.array([[1e-20, -89.0], [1e20, 89.0]], np.float32)
    found = losses.gaussian_nll(pred, np.zeros((2, 1), np.float32), reduction="none")
    mean, log_var = pred.astype(np.float64).T[..., None]
    expected = 0.5 * (log_var + mean**2 * np.exp(-log_var))
    np.testing.assert_allclose(found, expected, rtol=1e-5)


def test_a_network_learns_its_own_uncertainty() -> None:
    x = np.linspace(-1, 1, 64)[:, None]
    y = 2 * x[:, 0] + 0.1 * np.random.default_rng(0).standard_normal(64)
    model = nn.Linear(1, 2, rng=0)
    fit(model, (x, y), loss="gaussian_nll", optimizer="adam", lr=0.05, epochs=150, progress=False)
    mean, log_var = model.predict(x.astype(np.float32)).T
    assert np.abs(mean - 2 * x[:, 0]).max() < 0.2
    assert 0.05 < np.exp(log_var / 2).mean() < 0.25


# --- label sequences ---------------------------------------------------------------------


def _reads_as(path: tuple[int, ...], blank: int) -> list[int]:
    """An alignment without repetitions and then without blanks."""
    kept = [c for i, c in enumerate(path) if i == 0 or c != path[i - 1]]
    return [c for c in kept if c != blank]


def _enumerated(log_p: np.ndarray, labels: list[int], blank: int) -> tuple[float, np.ndarray]:
    """The loss of one sequence and its gradient, by listing every alignment."""
    steps, k = log_p.shape
    total, counts = 0.0, np.zeros_like(log_p)
    for path in product(range(k), repeat=steps):
        if _reads_as(path, blank) == labels:
            weight = float(np.exp(log_p[np.arange(steps), path].sum()))
            total += weight
            counts[np.arange(steps), path] += weight
    return -np.log(total), -counts / total


@pytest.mark.parametrize("blank", [0, 2])
@pytest.mark.parametrize("labels", [[], [1], [1, 1], [1, 3], [3, 1, 3], [1, 1, 3]])
def test_ctc_against_all_alignments(labels: list[int], blank: int) -> None:
    """Six steps of four classes: 4096 alignments."""
    log_p = np.log(np.random.default_rng(1).dirichlet(np.ones(4), 6))
    expected, gradient = _enumerated(log_p, labels, blank)
    padded = np.array([labels + [-7] * (3 - len(labels))])
    lengths = np.array([len(labels)])

    def loss(x: Any) -> Any:
        return losses.ctc(x[None], padded, None, lengths, blank=blank, reduction="sum")

    value, found = value_and_grad(loss)(log_p)
    assert value == pytest.approx(expected, rel=1e-13)
    np.testing.assert_allclose(found, gradient, rtol=1e-10, atol=1e-14)


def test_ctc_of_a_batch_is_that_of_its_sequences() -> None:
    log_p = np.log(np.random.default_rng(2).dirichlet(np.ones(4), (3, 5)))
    labels, counts = np.array([[1, 2, 2], [3, 0, 0], [0, 0, 0]]), np.array([3, 1, 0])
    times = np.array([5, 3, 4])
    batch = losses.ctc(log_p, labels, times, counts, reduction="none")
    single = [
        _enumerated(log_p[i, : times[i]], list(labels[i, : counts[i]]), 0)[0] for i in range(3)
    ]
    np.testing.assert_allclose(batch, single, rtol=1e-13)
    mean = losses.ctc(log_p, labels, times, counts)
    assert mean == pytest.approx(np.mean(np.array(single) / [3, 1, 1]), rel=1e-13)
    gradient = grad(lambda x: losses.ctc(x, labels, times, counts, reduction="sum"))(log_p)
    np.testing.assert_array_equal(gradient[1, 3:], 0)


@pytest.mark.full
def test_second_order_of_ctc() -> None:
    log_p = np.log(np.random.default_rng(2).dirichlet(np.ones(2), (1, 3)))
    assert check_grads(lambda x: losses.ctc(x, np.array([[1]])), log_p, order=2)


def test_ctc_ends_labels_at_their_padding() -> None:
    log_p = np.log(np.random.default_rng(2).dirichlet(np.ones(4), (2, 5)))
    padded = losses.ctc(log_p, np.array([[1, 2, -1], [3, -1, -1]]))
    assert padded == losses.ctc(log_p, np.array([[1, 2, 9], [3, 9, 9]]), None, np.array([2, 1]))
    with pytest.raises(DataError, match="label -1 is the blank or outside"):
        losses.ctc(log_p, np.array([[-1, 1, -1], [3, 1, 1]]))


@pytest.mark.parametrize("backend", ["numpy", "native"])
def test_a_network_learns_where_labels_stand(backend: str) -> None:
    """Two of six steps carry a label; which ones is not told."""
    rng = np.random.default_rng(0)
    X = 0.1 * rng.standard_normal((40, 6, 3))
    labels = rng.integers(1, 3, (40, 2))
    labels[::4, 1] = -1  # one label only
    for x, row in zip(X, labels, strict=True):
        for place, label in zip(np.sort(rng.choice(6, 2, replace=False)), row, strict=True):
            x[place] += 3.0 * np.eye(3)[max(label, 0)]
    model = nn.Sequential(nn.Linear(3, 3, rng=0), nn.LogSoftmax())
    history = fit(model, (X, labels), loss="ctc", lr=0.1, epochs=30, batch_size=20, backend=backend)
    assert history["loss"][-1] < 0.25 * history["loss"][0]
    best = model.predict(X.astype(np.float32)).argmax(axis=-1)
    read = [_reads_as(tuple(row), 0) for row in best]
    wanted = [[label for label in row if label > 0] for row in labels.tolist()]
    assert np.mean([a == b for a, b in zip(read, wanted, strict=True)]) > 0.7


def test_ctc_of_impossible_labels() -> None:
    log_p = np.log(np.full((1, 2, 3), 1 / 3))
    value, gradient = value_and_grad(lambda x: losses.ctc(x, np.array([[1, 1]])))(log_p)
    assert value == np.inf  # equal labels need a blank between them: three steps
    np.testing.assert_array_equal(gradient, 0)


def test_ctc_of_what_is_no_number() -> None:
    log_p = np.log(np.full((2, 4, 3), 1 / 3))
    log_p[1, 1] = np.nan
    found = losses.ctc(log_p, np.array([[1, 2], [1, 2]]), reduction="none")
    np.testing.assert_array_equal(np.isnan(found), [False, True])
    assert np.isfinite(found[0])


def test_ctc_in_a_graph_and_in_float32() -> None:
    log_p = np.log(np.random.default_rng(4).dirichlet(np.ones(5), (2, 40)))
    labels = np.array([[1, 2, 3, 3, 4], [4, 4, 1, 2, 1]])
    graph = trace(losses.ctc, log_p, labels)
    value = float(losses.ctc(log_p, labels))
    assert float(graph.run(log_p, labels)) == pytest.approx(value, rel=1e-14)
    assert len(graph.eqns) < 60  # a loop, not forty steps
    small = losses.ctc(log_p.astype(np.float32), labels)
    assert small.dtype == np.float32
    assert float(small) == pytest.approx(value, rel=2e-6)
    native = graph.gradients().compile("native")(log_p, labels)
    np.testing.assert_allclose(native[0], value, rtol=1e-13)


def test_ctc_by_torch() -> None:
    torch = pytest.importorskip("torch")
    log_p = np.log(np.random.default_rng(6).dirichlet(np.ones(6), (4, 12)))
    labels = np.random.default_rng(7).integers(1, 6, (4, 5))
    times, counts = np.array([12, 10, 12, 11]), np.array([5, 3, 1, 4])
    leaf = torch.tensor(log_p.swapaxes(0, 1), requires_grad=True)
    theirs = torch.nn.functional.ctc_loss(
        leaf, torch.tensor(labels), torch.tensor(times), torch.tensor(counts)
    )
    ours, _ = value_and_grad(lambda x: losses.ctc(x, labels, times, counts))(log_p)
    assert float(ours) == pytest.approx(theirs.item(), rel=1e-12)
    # Theirs is the gradient by what stands before a softmax; ours goes through ours.
    theirs.backward()
    by_logits = grad(lambda z: losses.ctc(nn.log_softmax(z), labels, times, counts))(log_p)
    np.testing.assert_allclose(by_logits, leaf.grad.numpy().swapaxes(0, 1), rtol=1e-9, atol=1e-12)


# --- refusals ----------------------------------------------------------------------------

ROWS = np.log(np.full((2, 3, 4), 0.25))


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: losses.focal(X, np.zeros(5, int), gamma=-1), OptionError, "gamma >= 0"),
        (lambda: losses.focal(X, np.full(5, 4)), DataError, "label 4 is outside [0, 4)"),
        (
            lambda: losses.focal(X, np.zeros(5, int), class_weights=[1.0]),
            ShapeError,
            "(1,) class weights for 4 classes",
        ),
        (lambda: losses.binary_focal(X, X), DataError, "0 <= target <= 1"),
        (lambda: losses.poisson_nll(X, -np.ones((5, 4))), DataError, "target holds -1.0"),
        (
            lambda: losses.poisson_nll(-np.ones(2), np.ones(2), log_input=False),
            DataError,
            "hint: the logarithms of rates go with log_input=True",
        ),
        (
            lambda: losses.gaussian_nll(X, np.ones((5, 3))),
            ShapeError,
            "pred (..., 2 d), target (..., d)",
        ),
        (lambda: losses.gaussian_nll(X, Y, -np.ones((5, 4))), DataError, "var holds -1.0"),
        (lambda: losses.gaussian_nll(X, Y, np.ones((4, 1))), ShapeError, "(5, 4) and (4, 1)"),
        (lambda: losses.cosine(X, Y[:1]), ShapeError, "vectors of one shape"),
        (lambda: losses.triplet(X, Y, Z, p=-1), OptionError, "p > 0"),
        (lambda: losses.triplet(X, Y, Z, margin="1"), OptionError, "margin is '1'"),
        (lambda: losses.contrastive(X, Y, SIGNS == 1, margin=-1), OptionError, "margin >= 0"),
        (lambda: losses.cosine_embedding(X, Y, SIGNS, margin=np.nan), OptionError, "a finite"),
        (lambda: losses.triplet(X, Y, Z[:, :2]), ShapeError, "(5, 4) and (5, 2) differ"),
        (lambda: losses.contrastive(X, Y, SIGNS), DataError, "target = 0 | 1"),
        (lambda: losses.cosine_embedding(X, Y, SIGNS[:3]), ShapeError, "marks of shape (3,)"),
        (lambda: losses.ctc(ROWS, np.ones((2, 1))), DtypeError, "labels must be integers"),
        (lambda: losses.ctc(ROWS, np.ones((3, 1), int)), ShapeError, "labels of shape (3, 1)"),
        (lambda: losses.ctc(ROWS, np.zeros((2, 1), int)), DataError, "label 0 is the blank"),
        (lambda: losses.ctc(ROWS, np.full((2, 1), 4)), DataError, "label 4 is the blank or"),
        (lambda: losses.ctc(ROWS, np.ones((2, 1), int), blank=4), OptionError, "blank 4 is none"),
        (
            lambda: losses.ctc(ROWS, np.ones((2, 1), int), np.array([4, 1])),
            DataError,
            "input_lengths holds 4",
        ),
        (lambda: nn.TripletLoss(marign=2), OptionError, "did you mean `margin`"),
        (lambda: losses.find_loss("triplett"), OptionError, "did you mean `triplet`"),
    ],
)
def test_refusals(call: Any, error: type[Exception], words: str) -> None:
    with pytest.raises(error) as caught:
        call()
    assert words in str(caught.value)


@pytest.mark.parametrize(
    ("layer", "inputs"),
    [
        (nn.TripletLoss(margin=2.0), (X, Y, Z)),
        (nn.ContrastiveLoss(), (X, Y, SIGNS == 1)),
        (nn.CosineEmbeddingLoss(margin=0.2), (X, Y, SIGNS)),
        (nn.CosineLoss(), (X, Y)),
        (nn.CTCLoss(blank=3), (ROWS, np.ones((2, 2), int))),
        (nn.GaussianNLLLoss(full=True), (X, Y, np.ones((5, 4)))),
        (nn.PoissonNLLLoss(), (X, np.ones((5, 4)))),
        (nn.BinaryFocalLoss(alpha=0.25), (X, np.ones((5, 4)))),
    ],
    ids=lambda value: type(value).__name__,
)
def test_layers_are_their_functions(layer: nn.Loss, inputs: Any) -> None:
    built = nn.build(nn.describe(layer))
    assert built(*inputs) == losses.find_loss(layer.kind)(*inputs, **layer.options)


def test_other_losses_by_torch() -> None:
    torch = pytest.importorskip("torch")
    F = torch.nn.functional
    x, y, z = map(torch.tensor, (X, Y, Z))
    counts, signs = np.arange(20.0).reshape(5, 4) % 5, torch.tensor(SIGNS)
    for options in ({"margin": 2.0}, {"swap": True}, {"p": 1.0}):
        theirs = F.triplet_margin_loss(x, y, z, eps=1e-12, **options)
        assert losses.triplet(X, Y, Z, **options) == pytest.approx(theirs.item(), rel=1e-9)
    pairs = (
        (losses.cosine_embedding(X, Y, SIGNS), F.cosine_embedding_loss(x, y, signs)),
        (losses.gaussian_nll(X, Y, np.exp(Z)), F.gaussian_nll_loss(x, y, torch.exp(z))),
        (losses.poisson_nll(X, counts), F.poisson_nll_loss(x, torch.tensor(counts))),
    )
    for ours, expected in pairs:
        assert ours == pytest.approx(expected.item(), rel=1e-9)
