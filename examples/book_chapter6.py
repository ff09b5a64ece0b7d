"""Chapter 6 of "Deep Learning from Scratch": what makes learning go well, in five experiments.

    python examples/book_chapter6.py [--quick] [FOLDER]

1. Four optimisers go down x²/20 + y² from (-7, 2) in 30 updates.
2. Starting weights: what 5 layers of 100 neurons make of 1,000 random inputs.
3. Batch normalisation: 16 scales of starting weights, with and without it, on 1,000 images.
4. Weight decay against over-fitting: 300 images, 7 layers.
5. Dropout against over-fitting: the same 300 images, the book's kind of dropout.

The pictures are written to FOLDER (chapter6), as SVG. MNIST is read from where `glassgrad` finds
data; `--quick` takes the small digits that come with the package, and fewer epochs.
"""

import sys
from contextlib import suppress
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.primitives.random import random_key
from glassgrad.view.charts import Histogram, Series, histograms, line_chart

# --- 1. optimisers -----------------------------------------------------------------------


class BookAdam(gg.optim.Optimizer):
    """Adam as the book writes it: 1e-7 is added to the root before the root is corrected.

    `gg.optim.Adam` corrects first, as the paper does, and ends 7e-6 beside it here.
    """

    def init(self, params):
        return {"m": [np.zeros(p.shape) for p in params], "v": [np.zeros(p.shape) for p in params]}

    def update(self, params, grads, state, lr, step):
        m = [0.9 * m + 0.1 * g for m, g in zip(state["m"], grads, strict=True)]
        v = [0.999 * v + 0.001 * g**2 for v, g in zip(state["v"], grads, strict=True)]
        rate = lr * np.sqrt(1 - 0.999**step) / (1 - 0.9**step)
        new = [p - rate * m / (np.sqrt(v) + 1e-7) for p, m, v in zip(params, m, v, strict=True)]
        return new, {"m": m, "v": v}


# The book's rates, and its small constant.
OPTIMISERS = {
    "SGD": lambda p: gg.optim.SGD([p], lr=0.95),
    "Momentum": lambda p: gg.optim.Momentum([p], lr=0.1),
    "AdaGrad": lambda p: gg.optim.AdaGrad([p], lr=1.5, eps=1e-7),
    "Adam": lambda p: BookAdam([p], 0.3, {}),
}


def path_of(make, updates=30):
    """Where an optimiser goes on the long valley x²/20 + y²: (updates + 1, 2)."""
    point = gg.parameter(np.array([-7.0, 2.0]))
    optimiser = make(point)
    path = [point.data.copy()]
    for _ in range(updates):
        x, y = point[0], point[1]
        loss = x**2 / 20 + y**2
        loss.backward()
        optimiser.step()
        optimiser.zero_grad()
        path.append(point.data.copy())
    return np.array(path)


def compare_optimisers(folder):
    paths = {name: path_of(make) for name, make in OPTIMISERS.items()}
    for name, path in paths.items():
        x, y = path[-1]
        print(f"{name:9s} ends at ({x:.7f}, {y:.7g})")
    series = [Series(name, path[:, 0], path[:, 1]) for name, path in paths.items()]
    chart = line_chart(series, title="Four optimisers on x²/20 + y²", x_label="x", y_label="y")
    save(folder, "optimisers", chart)
    return {name: tuple(path[-1]) for name, path in paths.items()}


# --- 2. starting weights -----------------------------------------------------------------

STARTS = {
    "sigmoid, std 1": ("sigmoid", nn.init.normal(1.0)),
    "sigmoid, std 0.01": ("sigmoid", nn.init.normal(0.01)),
    "sigmoid, Xavier 1/√n": ("sigmoid", nn.init.normal(0.1)),  # n is 100 in every layer
    "relu, std 0.01": ("relu", nn.init.normal(0.01)),
    "relu, Xavier 1/√n": ("relu", nn.init.normal(0.1)),
    "relu, He √(2/n)": ("relu", "he"),
}


def activations_of(activation, init, seed=0):
    """The activations of each of 5 layers of 100 neurons, for 1,000 random inputs."""
    x = np.random.default_rng(seed).standard_normal((1000, 100))
    found = []
    with nn.init.seeded(seed):
        for _ in range(5):
            layer = nn.Linear(100, 100, bias=False, init=init, dtype=np.float64)
            x = getattr(nn, activation)(x @ layer.W.data)
            found.append(x)
    return found


def compare_starts(folder):
    panels, spreads = [], {}
    for name, (activation, init) in STARTS.items():
        layers = activations_of(activation, init)
        spreads[name] = [float(z.std()) for z in layers]
        print(f"{name:22s} std of layers 1 to 5: " + " ".join(f"{s:.3f}" for s in spreads[name]))
        panels += [
            Histogram.of(f"{name}, layer {i}", z, note=f"std {z.std():.3g}")
            for i, z in enumerate(layers, start=1)
        ]
    chart = histograms(panels, title="Activations by starting weights", columns=5, width=1200)
    save(folder, "starting_weights", chart)
    return spreads


# --- networks ----------------------------------------------------------------------------


def network(inputs, hidden, init="he", batch_norm=False, dropout=0.0, seed=0):
    """Affine, batch normalisation, ReLU, dropout for each hidden layer; then 10 scores."""
    layers, width = [], inputs
    with nn.init.seeded(seed):
        for size in hidden:
            layers.append(nn.Linear(width, size, init=init))
            if batch_norm:
                layers.append(nn.BatchNorm1d(size))
            layers.append(nn.ReLU())
            if dropout:
                layers.append(nn.BookDropout(dropout))
            width = size
        return nn.Sequential(*layers, nn.Linear(width, 10, init=init))


def accuracy(model, X, y):
    return float(np.mean(model.predict(X).argmax(axis=1) == y))


def learn(model, train, test=None, *, epochs, weight_decay=0.0):
    """Gradient descent at 0.01 on batches of 100; accuracies on whole sets after each epoch."""
    curves = {"train": [], "test": []}

    def look(run):
        curves["train"].append(accuracy(run.model, *train))
        if test is not None:
            curves["test"].append(accuracy(run.model, *test))

    optimiser = gg.optim.SGD(model, lr=0.01, weight_decay=weight_decay)
    with suppress(gg.errors.NonFiniteError):  # large weights without normalisation blow up
        gg.fit(
            model, train, loss="cross_entropy", optimizer=optimiser, epochs=epochs,
            batch_size=100, callbacks=[look], progress=False,
        )  # fmt: skip
    return curves


# --- 3. batch normalisation --------------------------------------------------------------


def compare_batch_norm(folder, train, epochs, count=16):
    inputs, final, charts = train[0].shape[1], {}, []
    scales = np.logspace(0, -4, num=count)
    for scale in scales:
        lines = []
        for name in ("batch norm", "plain"):
            model = network(
                inputs, [100] * 5, nn.init.normal(scale), batch_norm=name == "batch norm"
            )
            curve = learn(model, train, epochs=epochs)["train"]
            final.setdefault(name, []).append(curve[-1] if curve else np.nan)
            lines.append(Series(name, range(1, len(curve) + 1), curve))
        title = f"starting weights of std {scale:.3g}"
        charts.append(
            line_chart(lines, title=title, y_label=f"std {scale:.3g}", y_range=(0, 1), width=420)
        )
        row = "  ".join(f"{name} {values[-1]:.3f}" for name, values in final.items())
        print(f"std {scale:8.5f}: accuracy after {epochs} epochs: {row}")
    save(folder, "batch_norm", side_by_side(charts, 420, 280, columns=4))
    return scales, final


# --- 4 and 5. over-fitting ---------------------------------------------------------------


def compare_decay(folder, train, test, epochs):
    return compare(
        folder, "weight_decay", train, test, epochs,
        {"none": {}, "weight decay 0.1": {"weight_decay": 0.1}},
    )  # fmt: skip


def compare_dropout(folder, train, test, epochs):
    return compare(
        folder, "dropout", train, test, epochs, {"none": {}, "dropout 0.2": {"dropout": 0.2}}
    )


def compare(folder, name, train, test, epochs, variants):
    """Accuracies on 300 training images and on the test images, without a remedy and with it."""
    last, charts = {}, []
    for words, options in variants.items():
        decay = options.get("weight_decay", 0.0)
        model = network(train[0].shape[1], [100] * 6, dropout=options.get("dropout", 0.0))
        with random_key(0):
            curves = learn(model, train, test, epochs=epochs, weight_decay=decay)
        last[words] = tuple(curve[-1] for curve in curves.values())
        print("{}: train {:.3f}, test {:.3f} after {} epochs".format(words, *last[words], epochs))
        lines = [Series(part, range(1, epochs + 1), curve) for part, curve in curves.items()]
        charts.append(
            line_chart(lines, title=words, x_label="epoch", y_label=words, y_range=(0, 1))
        )
    save(folder, name, side_by_side(charts, 640, 280, columns=1))
    return last


# --- pictures ----------------------------------------------------------------------------


def side_by_side(charts, width, height, columns):
    """Charts of one size in rows, as one SVG."""
    rows = -(-len(charts) // columns)
    size = f'width="{columns * width}" height="{rows * height}"'
    placed = [
        chart.replace("<svg ", f'<svg x="{i % columns * width}" y="{i // columns * height}" ', 1)
        for i, chart in enumerate(charts)
    ]
    return f'<svg xmlns="http://www.w3.org/2000/svg" {size}>{"".join(placed)}</svg>'


def save(folder, name, svg):
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{name}.svg"
    path.write_text(svg, encoding="utf-8")
    print(f"  {path}")


def main(*arguments):
    quick = "--quick" in arguments
    folder = Path(next((word for word in arguments if not word.startswith("-")), "chapter6"))
    images = data.load_dataset("digits" if quick else "mnist")
    test = images.test_X, images.test_y
    return {
        "optimisers": compare_optimisers(folder),
        "starts": compare_starts(folder),
        "batch_norm": compare_batch_norm(
            folder, (images.train_X[:1000], images.train_y[:1000]), *((3, 4) if quick else (20, 16))
        ),
        "decay": compare_decay(
            folder, (images.train_X[:300], images.train_y[:300]), test, 5 if quick else 201
        ),
        "dropout": compare_dropout(
            folder, (images.train_X[:300], images.train_y[:300]), test, 5 if quick else 301
        ),
    }


if __name__ == "__main__":
    main(*sys.argv[1:])
