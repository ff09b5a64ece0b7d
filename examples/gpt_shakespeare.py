"""A small GPT learns to write like Shakespeare, character by character.

    python examples/gpt_shakespeare.py [--quick] [--steps N] [--folder FOLDER] [--prompt TEXT]

4 layers, 4 heads, 128 wide, 64 characters of context, 12 windows a step, no dropout: what nanoGPT
trains on a CPU, with its weight decay 0.1, beta2 0.99 and 100 steps of warm-up, and a cosine to
1e-4. The peak of the rate is twice nanoGPT's: in 2,000 steps 2e-3 comes to a validation loss of
1.826, 1e-3 to 1.908. The last tenth of the text, all of it, is for validation.

With a folder it keeps checkpoints there: a run that was stopped, or killed, goes on where it was,
bit for bit, when the same command is given again. At the end the model is saved beside them.

The text is Tiny Shakespeare where GLASSGRAD_DATA (or ../shared/data) has it.
"""

import argparse
import sys
import time
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.train import Checkpoint

CONTEXT, BATCH, STEPS, WARM_UP = 64, 12, 2000, 100
PEAK, FLOOR = 2e-3, 1e-4


def make_model(vocabulary, seed=0):
    """Scores of the next character at every place."""
    return nn.GPT(vocabulary, CONTEXT, width=128, heads=4, layers=4, bias=False, rng=seed)


def random_windows(codes, count, seed=0):
    """Inputs and next characters, (count, CONTEXT) each, from anywhere in the text."""
    starts = np.random.default_rng(seed).integers(0, len(codes) - CONTEXT, count)
    places = starts[:, None] + np.arange(CONTEXT)
    return codes[places], codes[places + 1]


def all_windows(codes):
    """The whole text in windows side by side."""
    count = (len(codes) - 1) // CONTEXT
    used = count * CONTEXT
    return codes[:used].reshape(count, CONTEXT), codes[1 : used + 1].reshape(count, CONTEXT)


def validation_loss(model, codes):
    """Nats a character, of all windows."""
    x, y = all_windows(codes)
    total = sum(
        float(nn.cross_entropy(model.predict(x[i : i + 64]), y[i : i + 64], reduction="sum"))
        for i in range(0, len(x), 64)
    )
    return total / y.size


def rate_of(steps):
    """Up to the peak in a straight line, then down in half a cosine."""
    rising = min(WARM_UP, max(1, steps // 10))
    return gg.optim.WarmUp(gg.optim.Cosine(PEAK, steps - rising, FLOOR), rising)


def find_text():
    """Tiny Shakespeare from one of the folders where data are kept."""
    folders = [*data.search_folders(), Path(__file__).resolve().parents[2] / "shared" / "data"]
    for place in (folder / "tinyshakespeare" / "input.txt" for folder in folders):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise SystemExit("Tiny Shakespeare is not here: set GLASSGRAD_DATA")


def main(*arguments):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="a few steps on a part of the text")
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--folder", help="where checkpoints and the model are kept")
    parser.add_argument("--prompt", default="ROMEO:\n")
    given = parser.parse_args(arguments)
    steps = 6 if given.quick else given.steps
    text = find_text()
    vocabulary = sorted(set(text))
    number = {character: i for i, character in enumerate(vocabulary)}
    codes = np.array([number[character] for character in text])
    train, held_out = codes[: len(codes) * 9 // 10], codes[len(codes) * 9 // 10 :]
    held_out = held_out[:1025] if given.quick else held_out
    model = make_model(len(vocabulary))
    optimizer = gg.optim.AdamW(
        model, lr=rate_of(steps), beta2=0.99, weight_decay=0.1, clip_norm=1.0
    )
    saver = None
    if given.folder:
        saver = Checkpoint(given.folder, every_steps=100)
    began = time.perf_counter()
    history = gg.fit(
        model,
        random_windows(train, steps * BATCH),
        loss="cross_entropy",
        optimizer=optimizer,
        batch_size=BATCH,
        epochs=1,
        checkpoint=saver,
        resume=saver is not None,
    )
    seconds = time.perf_counter() - began
    found = validation_loss(model, held_out)
    print(f"{steps} steps in {seconds:.1f} s: train {history['loss'][-1]:.4f} (mean), ", end="")
    print(f"validation {found:.4f} nats a character")
    if given.folder:
        gg.save(model, given.folder)
    prompt = [number[character] for character in given.prompt]
    written = model.generate(prompt, 20 if given.quick else 500, temperature=0.8, seed=1)
    print("".join(vocabulary[code] for code in written))
    return found


if __name__ == "__main__":
    main(*sys.argv[1:])
