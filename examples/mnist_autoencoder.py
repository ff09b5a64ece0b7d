"""Digits squeezed through two numbers, and digits cleaned of noise: two autoencoders of MNIST.

    python examples/mnist_autoencoder.py [--quick] [FOLDER]

The first encodes an image as a point of a plane and decodes it again; no label is used in training.
`latent_plane.svg` shows where the test digits lie, on images that the decoder makes of the plane.
The second has 32 hidden numbers and is given noisy images to restore; `denoised.svg` shows some.
Both are convolutions that halve the sides and transposed ones that double them. `--quick` takes the
small digits that come with the package.
"""

import sys
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.view.charts import Picture, data_uri, image_grid

NOISE = 0.5
COLOURS = "#1f77b4 #ff7f0e #2ca02c #d62728 #9467bd #8c564b #e377c2 #555555 #8a8a00 #17becf".split()


def encoder(side, hidden):
    """Rows of pixels to `hidden` numbers."""
    quarter = side // 4
    return nn.Sequential(
        nn.Unflatten((1, side, side)),
        nn.Conv2d(1, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 32, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.Flatten(),
        nn.Linear(32 * quarter**2, 128),
        nn.ReLU(),
        nn.Linear(128, hidden),
    )


def decoder(side, hidden):
    """`hidden` numbers to rows of logits, one a pixel."""
    quarter = side // 4
    return nn.Sequential(
        nn.Linear(hidden, 128),
        nn.ReLU(),
        nn.Linear(128, 32 * quarter**2),
        nn.ReLU(),
        nn.Unflatten((32, quarter, quarter)),
        nn.ConvTranspose2d(32, 16, 4, stride=2, padding=1),
        nn.ReLU(),
        nn.ConvTranspose2d(16, 1, 4, stride=2, padding=1),
        nn.Flatten(),
    )


def trained(inputs, targets, side, hidden, epochs):
    """Encoder and decoder, trained on the binary cross-entropy of pixels."""
    with nn.init.seeded(1):
        model = nn.Sequential(encoder(side, hidden), decoder(side, hidden))
    gg.fit(
        model, (inputs, targets), loss="binary_cross_entropy_with_logits", optimizer="adam",
        lr=0.002, schedule="cosine", epochs=epochs, batch_size=100,
    )  # fmt: skip
    return model


def pixels(logits):
    """Numbers between 0 and 1."""
    return nn.sigmoid(logits)


def squared_error(images, truth):
    """The mean over all pixels."""
    return float(np.mean((images - truth) ** 2))


# --- pictures ----------------------------------------------------------------------------


def as_bytes(rows, side):
    return (255 * np.clip(rows, 0, 1)).round().astype(np.uint8).reshape(-1, side, side)


def plane_svg(model, codes, labels, side, cells=15, size=40):
    """Test digits where the encoder puts them, over what the decoder makes of each place."""
    low, high = np.quantile(codes, 0.01, axis=0), np.quantile(codes, 0.99, axis=0)
    across, up = (np.linspace(a, b, cells) for a, b in zip(low, high, strict=True))
    places = np.stack(np.meshgrid(across, up[::-1]), axis=-1).reshape(-1, 2).astype(np.float32)
    tiles = as_bytes(pixels(model[1].predict(places)), side)
    width = cells * size
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {width}" width="{width}">'
    ]
    for k, tile in enumerate(255 - tiles):
        x, y = k % cells * size, k // cells * size
        image = f'<image x="{x}" y="{y}" width="{size}" height="{size}" opacity="0.35"'
        parts.append(f'{image} href="{data_uri(tile)}"/>')
    for code, label in zip((codes - low) / (high - low), labels, strict=True):
        if code.min() >= 0 and code.max() <= 1:
            x, y = size / 2 + (width - size) * np.array([code[0], 1 - code[1]])
            place = f'x="{x:.1f}" y="{y:.1f}" text-anchor="middle"'
            look = f'font-family="sans-serif" font-size="11" fill="{COLOURS[label]}"'
            parts.append(f"<text {place} {look}>{label}</text>")
    return "\n".join([*parts, "</svg>\n"])


def restored_svg(truth, noisy, restored, side, count=8):
    """Rows of true, noisy and restored digits."""
    kinds = [("true", truth), ("noisy", noisy), ("restored", restored)]
    pictures = [
        Picture(image, (name,))
        for name, images in kinds
        for image in as_bytes(images[:count], side)
    ]
    return image_grid(pictures, title="Digits cleaned of noise", width=count * 76.0)


# --- the program -------------------------------------------------------------------------


def main(*arguments):
    quick = "--quick" in arguments
    folder = Path(next((word for word in arguments if word != "--quick"), "."))
    folder.mkdir(parents=True, exist_ok=True)  # before the training, whose pictures go there
    digits = data.load_dataset("digits" if quick else "mnist")
    side, epochs = digits.image_shape[1], 3 if quick else 20
    train_X, test_X = digits.train_X, digits.test_X

    model = trained(train_X, train_X, side, 2, epochs)
    error = squared_error(pixels(model.predict(test_X)), test_X)
    mean_error = squared_error(train_X.mean(axis=0), test_X)
    print(f"two numbers: squared error {error:.4f}; the mean image has {mean_error:.4f}")
    shown = 1000
    codes = model[0].predict(test_X[:shown])
    plane = plane_svg(model, codes, digits.test_y[:shown], side)
    (folder / "latent_plane.svg").write_text(plane, encoding="utf-8")

    rng = np.random.default_rng(0)
    noisy_train, noisy_test = (
        (X + NOISE * rng.standard_normal(X.shape)).astype(np.float32) for X in (train_X, test_X)
    )
    cleaner = trained(noisy_train, train_X, side, 32, epochs)
    restored = pixels(cleaner.predict(noisy_test))
    before, after = squared_error(noisy_test, test_X), squared_error(restored, test_X)
    print(f"noise: squared error {before:.4f}, restored {after:.4f}")
    picture = restored_svg(test_X, noisy_test, restored, side)
    (folder / "denoised.svg").write_text(picture, encoding="utf-8")
    return error / mean_error, after / before


if __name__ == "__main__":
    main(*sys.argv[1:])
