"""Korean film reviews: is the writer pleased? A bag of character and letter n-grams.

    python examples/nsmc.py [--quick] [--epochs 2] [--seed 0] [REVIEW ...]

A review is the set of its n-grams: runs of 1 to 5 characters, and runs of 2 to 6 letters (jamo),
into which Korean syllables are taken apart, so that 재밌다 and 재밌어 share most of theirs. Those
that stand in two training reviews at least, about 690,000, have a vector of 4 numbers each. The sum
of a review's vectors, by the root of their number, goes to a linear layer.

Each vector is weighted by the logarithm of how much more often its n-gram stands in praise than in
complaint (Wang & Manning, 2012), so that what tells nothing cannot be learnt by heart; and dropout
leaves out half of the n-grams in training. Test figures were looked at while this was explored; the
last choice (width, rate, epochs, dropout) was made on an eighth of the training part that was held
out. Further arguments are reviews to be judged.

The subset of the Naver sentiment movie corpus lies where ../shared/data or GLASSGRAD_DATA has it.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.tensor import state

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CHARACTERS, LETTERS = (1, 2, 3, 4, 5), (2, 3, 4, 5, 6)
BUCKETS = 2**40  # so many that two n-grams hardly ever share a number


class Ngrams:
    """Texts as rows of n-gram numbers, filled up with 0; rare and unknown ones are left out."""

    def __init__(self, texts, least=2):
        found, counts = np.unique(self.hashed(texts), return_counts=True)
        self.known = found[(counts >= least) & (found > 0)]

    def hashed(self, texts):
        letters = [data.to_jamo(text) for text in texts]
        characters = data.hashed_ngrams(texts, CHARACTERS, buckets=BUCKETS, length=240)
        return np.hstack(
            [characters, data.hashed_ngrams(letters, LETTERS, buckets=BUCKETS, length=480)]
        )

    def __call__(self, texts):
        rows = self.hashed(texts)
        for ids in np.array_split(rows, len(rows) // 1000 + 1):  # less memory at a time
            place = np.minimum(np.searchsorted(self.known, ids), len(self.known) - 1)
            ids[:] = np.where(self.known[place] == ids, place + 1, 0)
        return rows


class Bag(nn.Module):
    """Numbers of n-grams (n, length) -> scores of two classes (n, 2)."""

    def __init__(self, ids, y, count, rng, width=4):
        self.table = nn.Embedding(count + 1, width, init=nn.init.normal(0.01), rng=rng)
        self.ratio = state(praise(ids, y, count + 1)[:, None].astype(np.float32))
        self.thinned = nn.Dropout(0.5)
        self.out = nn.Linear(width, 2, rng=rng)
        # The start is naive Bayes: all weights alike, and what speaks for praise adds up.
        self.table.W.assign(self.table.W.data + np.float32(0.02))
        self.out.W.assign(np.array([[-1, 1]] + [[0, 0]] * (width - 1), np.float32))

    def forward(self, ids):
        present = (ids > 0).astype(np.float32)
        weights = self.thinned(present)[:, :, None] * self.ratio[ids]
        bag = (self.table(ids) * weights).sum(axis=1)  # (n, length, width) -> (n, width)
        return self.out(bag / np.sqrt(present.sum(axis=1, keepdims=True) + 1))


def praise(ids, y, count):
    """log of the share of an n-gram in positive reviews over that in negative ones."""
    counts = [1 + np.bincount(ids[y == label].ravel(), minlength=count) for label in (0, 1)]
    for found in counts:
        found[0] = 0  # what rows are filled up with
    ratio = np.log(np.maximum(counts[1], 1) / counts[1].sum())
    return ratio - np.log(np.maximum(counts[0], 1) / counts[0].sum())


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on a part of the data")
    parser.add_argument("--epochs", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("reviews", nargs="*")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    reviews = data.nsmc(SHARED)
    some = slice(None, None, 40 if options.quick else 1)
    texts, y = reviews.train_texts[some], reviews.train_y[some]
    ngrams = Ngrams(texts)
    X = ngrams(texts)
    print(f"{reviews}: {len(ngrams.known)} n-grams, {(X > 0).sum(axis=1).mean():.0f} a review")

    model = Bag(X, y, len(ngrams.known), np.random.default_rng(options.seed))
    history = gg.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer="adam",
        lr=5e-3,
        schedule="cosine",
        epochs=1 if options.quick else options.epochs,
        batch_size=128,
        metrics="accuracy",
        seed=options.seed,
    )
    scores = model.evaluate(ngrams(reviews.test_texts[some]), reviews.test_y[some])
    print(f"training accuracy {history['accuracy'][-1]:.4f}, on {history.backend}")
    print(f"test accuracy {scores['accuracy']:.4f} in {time.perf_counter() - began:.0f} s")
    for review in options.reviews:
        found = model.predict(ngrams([review]))[0]
        print(f"{review}: {reviews.class_names[int(found.argmax())]}")
    return scores["accuracy"]


if __name__ == "__main__":
    main()
