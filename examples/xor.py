"""XOR with a 2-2-1 sigmoid network without biases: by hand in NumPy, and with derived gradients.

    python examples/xor.py [STEPS]

Both loops start from the same weights. The outputs come near 0.12 0.82 0.82 0.23 and stay there:
without biases the input (0, 0) always gives the hidden values 0.5, 0.5.
"""

import sys

import numpy as np

import glassgrad as gg

X = np.array([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
T = np.array([[0.0], [1.0], [1.0], [0.0]])
LEARNING_RATE = 0.1


def by_hand(W1, W2, steps):
    """The backward pass that a textbook works out: error times derivative, layer by layer."""

    def sigmoid(x):
        return 1 / (1 + np.exp(-x))

    W1, W2 = W1.copy(), W2.copy()
    for _ in range(steps):
        hidden = sigmoid(X @ W1)
        output = sigmoid(hidden @ W2)
        d_output = (output - T) * output * (1 - output)
        d_hidden = (d_output @ W2.T) * hidden * (1 - hidden)
        W2 -= LEARNING_RATE * (hidden.T @ d_output)
        W1 -= LEARNING_RATE * (X.T @ d_hidden)
    return sigmoid(sigmoid(X @ W1) @ W2)


def derived(W1, W2, steps):
    """The same network with eager tensors: nothing but the forward pass is written."""
    W1, W2 = gg.parameter(W1), gg.parameter(W2)

    def network():
        hidden = gg.nn.sigmoid(X @ W1)
        return gg.nn.sigmoid(hidden @ W2)

    for _ in range(steps):
        loss = 0.5 * ((network() - T) ** 2).sum()
        loss.backward()
        W1 -= LEARNING_RATE * W1.grad
        W2 -= LEARNING_RATE * W2.grad
    return network().numpy()


def main(steps="20000"):
    rng = np.random.RandomState(0)
    W1, W2 = rng.rand(2, 2), rng.rand(2, 1)
    hand, ours = by_hand(W1, W2, int(steps)), derived(W1, W2, int(steps))
    for x, t, a, b in zip(X, T, hand, ours, strict=True):
        print(f"{x} -> {t[0]:.0f}   by hand {a[0]:.4f}   derived {b[0]:.4f}")
    difference = float(np.abs(hand - ours).max())
    print(f"largest difference {difference:.1e}")
    return difference


if __name__ == "__main__":
    main(*sys.argv[1:])
