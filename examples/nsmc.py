"""Korean film reviews: is the writer pleased? A bag of character and letter n-grams.

    python examples/nsmc.py [--quick] [--epochs 6] [--seed 0] [REVIEW ...]

A review is the set of its n-grams: runs of 1 to 5 characters, and runs of 2 to 6 letters (jamo),
into which Korean syllables are taken apart, so that 재밌다 and 재밌어 share most of theirs. Each
n-gram is hashed to a row of a table of short vectors; the sum of the rows, by the root of their
number, goes to a linear layer. Dropout leaves out half of the n-grams in training.

One number of each row starts as the logarithm of how much more often its n-gram stands in praise
than in complaint (naive Bayes; Wang & Manning, 2012). Further arguments are reviews to be judged.

The subset of the Naver sentiment movie corpus lies where ../shared/data or GLASSGRAD_DATA has it.
"""

import argparse
import time
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
CHARACTERS, LETTERS = (1, 2, 3, 4, 5), (2, 3, 4, 5, 6)


class Bag(nn.Module):
    """Numbers of n-grams (n, length), filled up with 0 -> scores of two classes (n, 2)."""

    def __init__(self, buckets, width, rng):
        self.table = nn.Embedding(buckets, width, init=nn.init.normal(0.02), rng=rng)
        self.thinned = nn.Dropout(0.5)
        self.out = nn.Linear(width, 2, rng=rng)

    def forward(self, ids):
        present = (ids > 0).astype(np.float32)
        kept = self.thinned(present)[:, :, None]
        bag = (self.table(ids) * kept).sum(axis=1)  # (n, length, width) -> (n, width)
        return self.out(bag / np.sqrt(present.sum(axis=1, keepdims=True) + 1))

    def start_from(self, ids, y):
        """Let the first number of each row say how much more often its n-gram stands in praise."""
        count = [
            np.bincount(ids[y == label].ravel(), minlength=self.table.count) for label in (0, 1)
        ]
        share = [(c + 1) / (c + 1).sum() for c in count]
        rows, scores = np.array(self.table.W.data), np.array(self.out.W.data)
        rows[:, 0] = 0.1 * np.log(share[1] / share[0])
        scores[0] = -1, 1
        self.table.W.assign(rows)
        self.out.W.assign(scores)


def ngrams(texts, buckets):
    """(n, 620) numbers of n-grams; the longest of a very long review are left out."""
    letters = [data.to_jamo(text) for text in texts]
    return np.concatenate(
        [
            data.hashed_ngrams(texts, CHARACTERS, buckets=buckets, length=200),
            data.hashed_ngrams(letters, LETTERS, buckets=buckets, length=420),
        ],
        axis=1,
    )


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="one epoch on a part of the data")
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("reviews", nargs="*")
    options = parser.parse_args(arguments)
    began = time.perf_counter()
    reviews = data.nsmc(SHARED)
    train, test = (1000, 500) if options.quick else (None, None)
    buckets = 2**12 if options.quick else 2**20
    X, y = ngrams(reviews.train_texts[:train], buckets), reviews.train_y[:train]
    test_X, test_y = ngrams(reviews.test_texts[:test], buckets), reviews.test_y[:test]
    print(f"{reviews}: {(X > 0).sum(axis=1).mean():.0f} n-grams a review")

    model = Bag(buckets, width=2, rng=np.random.default_rng(options.seed))
    model.start_from(X, y)
    history = gg.fit(
        model,
        (X, y),
        loss="cross_entropy",
        optimizer="adam",
        lr=1e-3,
        schedule="cosine",
        epochs=1 if options.quick else options.epochs,
        batch_size=128,
        metrics="accuracy",
        seed=options.seed,
    )
    accuracy = model.evaluate(test_X, test_y)["accuracy"]
    print(f"training accuracy {history['accuracy'][-1]:.4f}, on {history.backend}")
    print(f"test accuracy {accuracy:.4f} in {time.perf_counter() - began:.0f} s")
    for review in options.reviews:
        score = model.predict(ngrams([review], buckets))[0]
        print(f"{review}: {reviews.class_names[int(score.argmax())]}")
    return accuracy


if __name__ == "__main__":
    main()
