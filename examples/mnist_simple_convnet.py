"""The SimpleConvNet of "Deep Learning from Scratch", chapter 7: one convolution reads digits.

    python examples/mnist_simple_convnet.py [--quick] [EPOCHS]

convolution 30 of 5×5 – ReLU – pool 2×2 – 100 – ReLU – 10; Adam at 0.001, 20 epochs, batches of
100, weights from a normal distribution of 0.01, as in the book, which reports 98.96 % on the test
images; here the rate falls along a cosine, which steadies the last epochs. First the same kind of
network is built of gates, and its backward pass compared with numerical gradients.
`--quick` takes the small digits that come with the package.
"""

import sys

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.gates import *

FILTERS, HIDDEN, CLASSES = 30, 100, 10


def network(side):
    """For images of `side` × `side` pixels, given as flat rows."""
    start = nn.init.normal(0.01)
    pooled = (side - 5 + 1) // 2
    return nn.Sequential(
        nn.Unflatten((1, side, side)),
        nn.Conv2d(1, FILTERS, 5, init=start),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(FILTERS * pooled**2, HIDDEN, init=start),
        nn.ReLU(),
        nn.Linear(HIDDEN, CLASSES, init=start),
    )


def gradient_check(side=8, seed=0):
    """The largest |backward - numerical| of the filters, through the book's layers."""
    rng = np.random.default_rng(seed)
    x, t = rng.random((2, 1, side, side)), np.array([3, 7])
    W, b = 0.1 * rng.standard_normal((4, 1, 5, 5)), np.zeros(4)
    pooled = (side - 5 + 1) // 2
    layers = [
        Convolution(W, b),
        Relu(),
        Pooling(2, 2, stride=2),
        Affine(0.1 * rng.standard_normal((4 * pooled**2, CLASSES)), np.zeros(CLASSES)),
    ]
    last = SoftmaxWithLoss()

    def loss(_=None):
        out = x
        for layer in layers:
            out = layer.forward(out)
        return last.forward(out, t)

    loss()
    dout = last.backward(1)
    for layer in reversed(layers):
        dout = layer.backward(dout)
    return float(np.abs(layers[0].dW - numerical_gradient(loss, W)).max())


def main(*arguments):
    quick = "--quick" in arguments
    epochs = [int(word) for word in arguments if word.isdigit()] or [12 if quick else 20]
    print(f"gates: largest difference from numerical gradients {gradient_check():.1e}")
    digits = data.load_dataset("digits" if quick else "mnist")
    with nn.init.seeded(1):
        model = network(digits.image_shape[1])
    gg.fit(
        model, digits, loss="cross_entropy", optimizer="adam", lr=0.005 if quick else 0.001,
        schedule="cosine", epochs=epochs[0], batch_size=100, metrics="accuracy",
        validation=(digits.test_X, digits.test_y),
    )  # fmt: skip
    accuracy = model.evaluate(digits.test_X, digits.test_y)["accuracy"]
    print(f"{digits.name}: {accuracy:.4f} of {len(digits.test_y)} test images are read")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
