"""The DeepConvNet of "Deep Learning from Scratch", chapter 8, on MNIST.

    python examples/mnist_deep_convnet.py [--quick] [EPOCHS]

Six convolutions of 3×3 (16, 16, 32, 32, 64, 64) with a pool after each pair, then 50 and 10; He's
starting weights, dropout, Adam at 0.001 in batches of 100. The book reports 99.38 % on the test
images. Its dropout behind the last layer is left out here: it would throw class scores away; and
the learning rate falls along a cosine. `--quick` takes some of the digits of the package.
"""

import sys

import glassgrad as gg
from glassgrad import data, nn


def block(inputs, outputs, second_padding=1):
    """Two convolutions and a pool that halves the sides."""
    return [
        nn.Conv2d(inputs, outputs, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(outputs, outputs, 3, padding=second_padding),
        nn.ReLU(),
        nn.MaxPool2d(2),
    ]


def network(side):
    """For images of `side` × `side` pixels, given as flat rows."""
    last = (side // 2 + 2) // 2 // 2  # the fourth convolution pads by 2
    return nn.Sequential(
        nn.Unflatten((1, side, side)),
        *block(1, 16),
        *block(16, 32, second_padding=2),
        *block(32, 64),
        nn.Flatten(),
        nn.Linear(64 * last**2, 50),
        nn.ReLU(),
        nn.Dropout(0.5),
        nn.Linear(50, 10),
    )


def main(*arguments):
    quick = "--quick" in arguments
    epochs = [int(word) for word in arguments if word.isdigit()] or [6 if quick else 20]
    digits = data.load_dataset("digits" if quick else "mnist")
    rows = 1000 if quick else len(digits)
    with nn.init.seeded(1):
        model = network(digits.image_shape[1])
    print(f"{sum(p.size for p in model.parameters()):,} parameters")
    gg.fit(
        model, (digits.train_X[:rows], digits.train_y[:rows]), loss="cross_entropy",
        optimizer="adam", lr=0.003 if quick else 0.001, schedule="cosine", epochs=epochs[0],
        batch_size=100, metrics="accuracy", validation=(digits.test_X, digits.test_y),
    )  # fmt: skip
    accuracy = model.evaluate(digits.test_X, digits.test_y)["accuracy"]
    print(f"{digits.name}: {accuracy:.4f} of {len(digits.test_y)} test images are read")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
