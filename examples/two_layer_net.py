"""The two-layer network of "Deep Learning from Scratch", chapter 5, made of gates.

    python examples/two_layer_net.py [digits|mnist] [STEPS]

First the gradients of the backward pass are compared with numerical ones, then the network is
trained. The last function is the same loss in one piece, for `gg.grad` and `gg.trace`.
"""

import sys
from collections import OrderedDict

import numpy as np

from glassgrad import data, nn
from glassgrad.gates import *


class TwoLayerNet:
    """Affine, Relu, Affine, and softmax with the cross-entropy loss."""

    def __init__(self, input_size, hidden_size, output_size, weight_init_std=0.01, seed=1):
        rng = np.random.default_rng(seed)
        self.params = {
            "W1": weight_init_std * rng.standard_normal((input_size, hidden_size)),
            "b1": np.zeros(hidden_size),
            "W2": weight_init_std * rng.standard_normal((hidden_size, output_size)),
            "b2": np.zeros(output_size),
        }
        # The layers hold these very arrays: whoever changes a parameter in place changes the layer.
        self.layers = OrderedDict()
        self.layers["Affine1"] = Affine(self.params["W1"], self.params["b1"])
        self.layers["Relu1"] = Relu()
        self.layers["Affine2"] = Affine(self.params["W2"], self.params["b2"])
        self.last_layer = SoftmaxWithLoss()

    def predict(self, x):
        for layer in self.layers.values():
            x = layer.forward(x)
        return x

    def loss(self, x, t):
        return self.last_layer.forward(self.predict(x), t)

    def accuracy(self, x, t):
        labels = t if t.ndim == 1 else np.argmax(t, axis=1)
        return float(np.mean(np.argmax(self.predict(x), axis=1) == labels))

    def numerical_gradient(self, x, t):
        def loss_W(_):
            return self.loss(x, t)

        return {name: numerical_gradient(loss_W, param) for name, param in self.params.items()}

    def gradient(self, x, t):
        self.loss(x, t)
        dout = self.last_layer.backward(1)
        for layer in reversed(self.layers.values()):
            dout = layer.backward(dout)
        affine1, affine2 = self.layers["Affine1"], self.layers["Affine2"]
        return {"W1": affine1.dW, "b1": affine1.db, "W2": affine2.dW, "b2": affine2.db}


def loss(W1, b1, W2, b2, x, t):
    n = x.shape[0]
    rows = np.arange(n)
    a1 = x @ W1 + b1
    z1 = np.maximum(a1, 0)
    a2 = z1 @ W2 + b2
    log_y = nn.log_softmax(a2)
    loss = -log_y[rows, t].mean()
    return loss


def example_inputs():
    """Small parameters and three images, for `glassgrad gradcheck`, `source`, `show`, `explain`."""
    params = TwoLayerNet(784, hidden_size=50, output_size=10).params
    rng = np.random.default_rng(0)
    return *params.values(), rng.random((3, 784)), rng.integers(0, 10, 3)


def gradient_check(network, x, t):
    """Mean |backward - numerical| of each parameter.

    About 1e-10 or less. With seed 0 it is 8e-7 for b1: one neuron lies within h = 1e-4 of its ReLU
    kink, where the difference quotient, not the gradient, is wrong.
    """
    derived, numerical = network.gradient(x, t), network.numerical_gradient(x, t)
    return {name: float(np.mean(np.abs(derived[name] - numerical[name]))) for name in derived}


def train(network, dataset, steps, batch_size=100, learning_rate=0.1, seed=0):
    """Stochastic gradient descent on batches drawn with replacement, as in the book."""
    rng = np.random.default_rng(seed)
    x_train, t_train = dataset.train_X, dataset.train_y
    for step in range(steps + 1):
        if step % max(1, steps // 5) == 0:
            train_acc = network.accuracy(x_train, t_train)
            test_acc = network.accuracy(dataset.test_X, dataset.test_y)
            print(f"step {step:5d}   train {train_acc:.4f}   test {test_acc:.4f}")
        batch = rng.choice(len(x_train), batch_size)
        grad = network.gradient(x_train[batch], t_train[batch])
        for key in ("W1", "b1", "W2", "b2"):
            network.params[key] -= learning_rate * grad[key]
    return test_acc


def main(name="digits", steps="3000"):
    dataset = data.load_dataset(name, dtype=np.float64)
    network = TwoLayerNet(dataset.train_X.shape[1], hidden_size=50, output_size=10)
    x, t = dataset.train_X[:3], dataset.train_y[:3]
    for key, difference in gradient_check(network, x, t).items():
        print(f"{key}: {difference:.1e}")
    one_piece = loss(*network.params.values(), x, t)
    print(f"loss by gates {network.loss(x, t):.12f}, in one piece {one_piece:.12f}")
    return train(network, dataset, int(steps))


if __name__ == "__main__":
    main(*sys.argv[1:])
