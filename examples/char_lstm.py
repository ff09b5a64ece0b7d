"""An LSTM of 128 cells reads Shakespeare character by character, and writes on by itself.

    python examples/char_lstm.py [--quick] [STEPS]

Embedding 64, LSTM 128, 65 characters; 32 rows of 50 characters a step, Adam. The rows are 32 places
of the text that are read on from batch to batch (`stateful=32`), so the memory reaches further back
than the 50 steps through which gradients flow. The last tenth of the text is for validation.

The text is Tiny Shakespeare where GLASSGRAD_DATA (or ../shared/data) has it.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn

ROWS, WINDOW = 32, 50
EMBEDDING, HIDDEN = 64, 128


def make_model(vocabulary, seed=0):
    """Characters as vectors, an LSTM over them, scores for the next character."""
    return nn.Sequential(
        nn.Embedding(vocabulary, EMBEDDING, rng=seed),
        nn.LSTM(EMBEDDING, HIDDEN, stateful=ROWS, forget_bias=1.0, rng=seed + 1),
        nn.Linear(HIDDEN, vocabulary, rng=seed + 2),
    )


def windows(codes, rows=ROWS, window=WINDOW):
    """Inputs and next characters (count · rows, window): batch after batch reads the rows on."""
    count = (len(codes) - 1) // (rows * window)
    used = rows * count * window

    def cut(part):
        blocks = part.reshape(rows, count, window).swapaxes(0, 1)  # (rows, n, t) -> (n, rows, t)
        return np.ascontiguousarray(blocks.reshape(count * rows, window))

    return cut(codes[:used]), cut(codes[1 : used + 1])


def validation_loss(model, codes):
    """Nats a character on a text that is read once, in one go, 8 places side by side."""
    x, y = windows(codes, rows=8, window=(len(codes) - 1) // 8)
    scores = np.asarray(model.predict(x), np.float64)
    return float(nn.cross_entropy(scores, y))


def sample(model, vocabulary, beginning, length, temperature=0.8, seed=0):
    """The beginning, and characters drawn one after the other from the model's probabilities."""
    rng = np.random.default_rng(seed)
    embedding, lstm, head = model
    codes = [vocabulary.index(character) for character in beginning]
    with gg.no_grad():
        _, memory = lstm(embedding(np.array([codes[:-1]])), np_state(lstm), return_state=True)
        for _ in range(length):
            out, memory = lstm(embedding(np.array([codes[-1:]])), memory, return_state=True)
            scores = head(out).data[0, -1].astype(np.float64)
            codes.append(int(rng.choice(len(vocabulary), p=nn.softmax(scores / temperature))))
    return "".join(vocabulary[code] for code in codes)


def np_state(lstm):
    """No memory yet: h and c of one row."""
    zeros = np.zeros((lstm.rows, 1, lstm.hidden), np.float32)
    return zeros, zeros


def find_text():
    """Tiny Shakespeare from one of the folders where data are kept."""
    folders = [*data.search_folders(), Path(__file__).resolve().parents[2] / "shared" / "data"]
    for place in (folder / "tinyshakespeare" / "input.txt" for folder in folders):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise SystemExit("Tiny Shakespeare is not here: set GLASSGRAD_DATA")


def main(*arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("steps", nargs="?", type=int, default=4000)
    parser.add_argument("--quick", action="store_true", help="a few steps on a part of the text")
    given = parser.parse_args(arguments)
    steps = 20 if given.quick else given.steps
    text = find_text()
    vocabulary = sorted(set(text))
    number = {character: i for i, character in enumerate(vocabulary)}
    codes = np.array([number[character] for character in text])
    train, held_out = codes[: len(codes) * 9 // 10], codes[len(codes) * 9 // 10 :]
    if given.quick:
        train, held_out = train[: 40 * ROWS * WINDOW + 1], held_out[:4001]
    x, y = windows(train)
    model = make_model(len(vocabulary))
    # The rate falls to a tenth over the run.
    rate = gg.optim.Cosine(0.004, steps, 0.0004)
    step = gg.train_step(loss_of, model, gg.optim.Adam(model, lr=rate, clip_norm=1.0))
    began, done = time.perf_counter(), 0
    batches = len(x) // ROWS
    while done < steps:
        model[1].reset()  # an epoch begins at the beginnings of the rows
        count = min(batches, steps - done)
        losses = step.run(x, y, np.arange(count * ROWS), ROWS)
        done += count
        found = validation_loss(model.eval(), held_out)
        model.train()
        seconds = time.perf_counter() - began
        print(f"step {done:5d}  train {losses[-100:].mean():.4f}  validation {found:.4f}"
              f"  {seconds:6.1f} s")  # fmt: skip
    print(sample(model.eval(), vocabulary, "ROMEO:\n", 60 if given.quick else 500))
    return found


def loss_of(model, x, y):
    """Nats a character."""
    return nn.cross_entropy(model(x), y)


if __name__ == "__main__":
    main(*sys.argv[1:])
