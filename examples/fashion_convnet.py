"""Two convolutions and fewer than 100,000 parameters on Fashion-MNIST, with augmented images.

    python examples/fashion_convnet.py [--quick] [EPOCHS]

convolution 32 of 3×3 – pool – convolution 64 of 3×3 – pool – dropout – 10. Every epoch sees every
image moved by up to one pixel and mirrored half of the time; Adam, its rate falling along a
cosine. `--quick` trains for two epochs on 600 images.
"""

import sys

import numpy as np

import glassgrad as gg
from glassgrad import data, nn


class Augmented:
    """Batches of images (n, c, h, w), moved and mirrored at random, others each time around."""

    def __init__(self, X, y, batch_size, shift=1, seed=0):
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


def network():
    return nn.Sequential(
        nn.Conv2d(1, 32, 3, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(32, 64, 3, padding="same"),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Dropout(0.25),
        nn.Linear(64 * 7 * 7, 10),
    )


def main(*arguments):
    quick = "--quick" in arguments
    epochs = [int(word) for word in arguments if word.isdigit()] or [2 if quick else 30]
    clothes = data.load_dataset("fashion-mnist")
    rows = 600 if quick else len(clothes)
    train_X, test_X = (X.reshape(-1, 1, 28, 28) for X in (clothes.train_X, clothes.test_X))
    test = test_X[:rows], clothes.test_y[:rows]
    with nn.init.seeded(1):
        model = network()
    print(f"{sum(p.size for p in model.parameters()):,} parameters")
    gg.fit(
        model, Augmented(train_X[:rows], clothes.train_y[:rows], 100), loss="cross_entropy",
        optimizer="adam", lr=0.002, schedule="cosine", epochs=epochs[0], metrics="accuracy",
        validation=test,
    )  # fmt: skip
    accuracy = model.evaluate(*test)["accuracy"]
    print(f"{clothes.name}: {accuracy:.4f} of {len(test[1])} test images are told apart")
    return accuracy


if __name__ == "__main__":
    main(*sys.argv[1:])
