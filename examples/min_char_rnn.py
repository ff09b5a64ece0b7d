"""Karpathy's min-char-rnn: a recurrent network of 100 neurons that learns to spell, by gg.scan.

    python examples/min_char_rnn.py [--quick] [--text FILE] [STEPS]

Windows of 25 characters, one after the other; the state goes on from window to window as a
constant, which is truncated back-propagation through time. AdaGrad, rate 0.1, every gradient held
in [-5, 5]. Before any learning the loss of a window is 25 ln V, 104.36 for 65 characters.

The text is Tiny Shakespeare where GLASSGRAD_DATA (or ../shared/data) has it. Two small checks come
first: the gradients against finite differences, and a text that says "hello " again and again.
"""

import argparse
import math
import sys
import time
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.tensor import state

HIDDEN, WINDOW = 100, 25


class CharRNN(nn.Module):
    """h = tanh(Wxh[x] + h Whh + bh); scores = h Why + by, for one window of characters."""

    def __init__(self, vocabulary, seed=0, dtype=np.float32):
        rng = np.random.RandomState(seed)

        def small(rows, columns):
            """Drawn as Karpathy draws them, in his order; his matrices are (out, in)."""
            return gg.parameter(0.01 * rng.randn(columns, rows).T, dtype)

        self.Wxh = small(vocabulary, HIDDEN)
        self.Whh = small(HIDDEN, HIDDEN)
        self.Why = small(HIDDEN, vocabulary)
        self.bh = gg.parameter(np.zeros(HIDDEN), dtype)
        self.by = gg.parameter(np.zeros(vocabulary), dtype)
        self.reset()

    def reset(self):
        """The state at the beginning of the text."""
        self.h = state(np.zeros(HIDDEN), self.bh.dtype)

    def forward(self, characters):
        def step(h, x):
            h = np.tanh(x + h @ self.Whh + self.bh)
            return h, h

        rows = self.Wxh[characters]  # a one-hot vector times Wxh is a row of Wxh
        self.h, states = gg.scan(step, self.h, rows)
        return states @ self.Why + self.by


class AdaGrad(gg.optim.Optimizer):
    """AdaGrad as the program has it: the small number stands under the root."""

    def __init__(self, model, lr):
        super().__init__(model, lr, {}, clip_value=5.0)

    def init(self, params):
        return {"squares": [np.zeros(p.shape, p.dtype) for p in params]}

    def update(self, params, grads, state, lr, step):
        squares = [h + g * g for h, g in zip(state["squares"], grads, strict=True)]
        new = [
            p - lr.astype(p.dtype) * g / np.sqrt(h + 1e-8)
            for p, g, h in zip(params, grads, squares, strict=True)
        ]
        return new, {"squares": squares}


def loss_of(model, x, y):
    """The sum over a window of -log p(next character), in nats."""
    return nn.cross_entropy(model(x[0]), y[0], reduction="sum")


def windows(text):
    """The text as (vocabulary, windows of inputs, windows of the characters that follow)."""
    vocabulary = sorted(set(text))
    number = {character: i for i, character in enumerate(vocabulary)}
    codes = np.array([number[character] for character in text])
    count = (len(codes) - 1) // WINDOW
    x = codes[: count * WINDOW].reshape(count, WINDOW)
    y = codes[1 : count * WINDOW + 1].reshape(count, WINDOW)
    return vocabulary, x, y


def train(text, steps, every=0, seed=0, dtype=np.float32):
    """The model, the loss of each window before its update, and the smoothed loss of each."""
    vocabulary, x, y = windows(text)
    model = CharRNN(len(vocabulary), seed, dtype)
    step = gg.train_step(loss_of, model, AdaGrad(model, lr=0.1))
    smooth = -math.log(1 / len(vocabulary)) * WINDOW
    losses, smoothed = [], []
    while len(losses) < steps:
        start = len(losses) % len(x)
        if start == 0:
            model.reset()
        count = min(len(x) - start, every or steps, steps - len(losses))
        for loss in step.run(x, y, np.arange(start, start + count)[:, None]):
            smooth = 0.999 * smooth + 0.001 * loss
            losses.append(float(loss))
            smoothed.append(smooth)
        if every:
            print(f"----\n{sample(model, vocabulary, x[start, 0], 200, len(losses))}\n----")
            print(f"iter {len(losses)}, loss: {smooth:.4f}")
    return model, np.array(losses), np.array(smoothed)


def sample(model, vocabulary, first, length, seed=0):
    """Characters drawn one after the other from the model's own probabilities."""
    rng = np.random.default_rng(seed)
    h, code, drawn = model.h.numpy(), first, []
    for _ in range(length):
        h = np.tanh(model.Wxh.data[code] + h @ model.Whh.data + model.bh.data)
        p = nn.softmax((h @ model.Why.data + model.by.data).astype(np.float64))
        code = rng.choice(len(vocabulary), p=p)
        drawn.append(vocabulary[code])
    return "".join(drawn)


def gradient_check():
    """The gradients of one window against finite differences, some elements of each parameter."""
    model = CharRNN(5, dtype=np.float64)
    x, y = np.arange(WINDOW)[None] % 5, np.arange(1, WINDOW + 1)[None] % 5
    return gg.check_grads(lambda model: loss_of(model, x, y), model)


def find_text(path):
    """Tiny Shakespeare from one of the folders where data are kept."""
    if path is not None:
        return Path(path).read_text(encoding="utf-8")
    folders = [*data.search_folders(), Path(__file__).resolve().parents[2] / "shared" / "data"]
    for place in (folder / "tinyshakespeare" / "input.txt" for folder in folders):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    return None


def main(*arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("steps", nargs="?", type=int, default=100_000)
    parser.add_argument("--quick", action="store_true", help="a few hundred windows")
    parser.add_argument("--text", help="a text file to learn from")
    given = parser.parse_args(arguments)
    steps = 200 if given.quick else given.steps
    gradient_check()
    _, hello, _ = train("hello " * 200, 501 if given.quick else 2001, dtype=np.float64)
    print(
        f"'hello ': loss {hello[0]:.4f} at first (25 ln 5 = {25 * math.log(5):.4f}), then", end=""
    )
    print("".join(f" {hello[i]:.3f} at {i}" for i in (500, 2000) if i < len(hello)))
    text = find_text(given.text)
    if text is None:
        print("Tiny Shakespeare is not here: give --text FILE, or set GLASSGRAD_DATA")
        return hello
    began = time.perf_counter()
    print(f"25 ln {len(set(text))} = {25 * math.log(len(set(text))):.4f}")
    _, losses, smoothed = train(text, steps, every=steps if given.quick else max(steps // 10, 1))
    seconds = time.perf_counter() - began
    print(f"first loss {losses[0]:.4f}; smoothed loss {smoothed[-1]:.4f} after {steps} windows,")
    print(f"{smoothed[-1] / WINDOW:.4f} nats a character, in {seconds:.1f} s")
    return losses


if __name__ == "__main__":
    main(*sys.argv[1:])
