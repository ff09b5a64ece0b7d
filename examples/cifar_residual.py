"""A small residual network on 10,000 colour photographs of CIFAR-10.

    python examples/cifar_residual.py [--quick] [EPOCHS]

A convolution and a pool, then residual blocks x + body(x) of 32, 64 and 128 channels with a pool
between them, the mean over the image, and 10 scores. The last convolution of each body starts
small, so that every block starts near x and the network is trained without normalisation. Images
are moved by up to four pixels and mirrored; Adam with decoupled weight decay, its rate falling
along a cosine.
`--quick` trains for one epoch on 200 images.
"""

import sys

import numpy as np

import glassgrad as gg
from glassgrad import data, nn

SMALL = nn.init.normal(0.01)


class Augmented:
    """Batches of images (n, c, h, w), moved and mirrored at random, others each time around."""

    def __init__(self, X, y, batch_size, shift=2, seed=0):
        self.X, self.y, self.batch_size, self.shift = X, y, batch_size, shift
        self.rng = np.random.default_rng(seed)
        room = ((0, 0), (0, 0), (shift, shift), (shift, shift))
        self.padded = np.pad(X, room)

    def __len__(self):
        return len(self.X) // self.batch_size

    def __iter__(self):
        order = self.rng.permutation(len(self.X))
        for start in range(0, len(self) * self.batch_size, self.batch_size):
            rows = order[start : start + self.batch_size]
            yield self.changed(rows), self.y[rows]

    def changed(self, rows):
        _, channels, height, width = self.X.shape
        down, right = self.rng.integers(0, 2 * self.shift + 1, (2, len(rows), 1, 1))
        i, j = down + np.arange(height)[:, None], right + np.arange(width)  # (n, h, 1), (n, 1, w)
        is_mirrored = self.rng.random((len(rows), 1, 1)) < 0.5
        j = np.where(is_mirrored, j[..., ::-1], j)
        planes = [self.padded[rows[:, None, None], c, i, j] for c in range(channels)]
        return np.stack(planes, axis=1)


def residual(channels):
    """x + body(x), the body two convolutions that keep the shape."""
    return nn.Residual(
        nn.Sequential(
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1),
            nn.ReLU(),
            nn.Conv2d(channels, channels, 3, padding=1, init=SMALL),
        )
    )


def network(width=32):
    return nn.Sequential(
        nn.Conv2d(3, width, 3, padding=1),
        nn.MaxPool2d(2),  # 16 × 16
        residual(width),
        nn.ReLU(),
        nn.Conv2d(width, 2 * width, 3, padding=1),
        nn.MaxPool2d(2),  # 8 × 8
        residual(2 * width),
        nn.ReLU(),
        nn.Conv2d(2 * width, 4 * width, 3, padding=1),
        nn.MaxPool2d(2),  # 4 × 4
        residual(4 * width),
        nn.ReLU(),
        nn.GlobalAvgPool(),
        nn.Dropout(0.2),
        nn.Linear(4 * width, 10),
    )


def main(*arguments):
    quick = "--quick" in arguments
    epochs = [int(word) for word in arguments if word.isdigit()] or [1 if quick else 60]
    photographs = data.load_dataset("cifar-10")
    rows = 200 if quick else 10_000
    middle = photographs.train_X.mean()
    train_X, test_X = (
        (X.reshape(-1, 3, 32, 32) - middle) / 0.25
        for X in (photographs.train_X, photographs.test_X)
    )
    test = test_X[:rows], photographs.test_y[:rows]
    with nn.init.seeded(1):
        model = network()
    print(f"{sum(p.size for p in model.parameters()):,} parameters")
    gg.fit(
        model, Augmented(train_X[:rows], photographs.train_y[:rows], 100, shift=4),
        loss="cross_entropy", optimizer=gg.optim.AdamW(model, lr=0.002, weight_decay=0.01),
        schedule="cosine", epochs=epochs[0], metrics="accuracy", validation=test,
    )  # fmt: skip
    accuracy = model.evaluate(*test)["accuracy"]
    print(f"{photographs.name}: {accuracy:.4f} of {len(test[1])} test images are told apart")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
