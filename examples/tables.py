"""Tables of everyday sizes: house prices, survivors of the Titanic, tumours; five folds each.

    python examples/tables.py [--quick] [--seed 0] [housing] [titanic] [tumours]

Every fifth of the rows is held out once. What is learnt from a table to prepare it (means,
deviations, medians for gaps, categories) comes from the other four fifths each time, and so do the
weights of a small network; the figure is the mean over the five parts that were held out.

The tables lie where ../shared/data or GLASSGRAD_DATA has them. One alone, with a run folder and a
report: `glassgrad train titanic_train.csv --target Survived --missing impute`.
"""

import argparse
import time
import warnings
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

import glassgrad as gg
from glassgrad import data, nn
from glassgrad.errors import DataWarning

SHARED = Path(__file__).resolve().parents[2] / "shared" / "data"
NOT_TOLD = ("PassengerId", "Name", "Ticket", "Cabin")  # nearly as many values as passengers


@dataclass(frozen=True)
class Task:
    """A file, its target, how its columns are taken, and a network with its training."""

    file: str
    target: str
    table: dict = field(default_factory=dict)
    hidden: tuple = (32,)
    dropout: float = 0.0
    weight_decay: float = 0.0
    epochs: int = 60
    batch_size: int = 32


TASKS = {
    "housing": Task(
        "california_housing.csv", "median_house_value", {"missing": "impute"}, (64, 64),
        batch_size=128,
    ),
    "titanic": Task(
        "titanic_train.csv", "Survived",
        {"missing": "impute", "drop": NOT_TOLD, "categorical": ["Pclass"]},
        dropout=0.3, weight_decay=0.01,
    ),
    "tumours": Task(
        "breast_cancer_wdbc.csv", "diagnosis", {"drop": ["rownames"]},
        dropout=0.2, weight_decay=0.01, epochs=40,
    ),
}  # fmt: skip


def network(inputs, hidden, outputs, dropout, rng):
    layers = []
    for size in hidden:
        layers += [nn.Linear(inputs, size, rng=rng), nn.ReLU(), nn.Dropout(dropout)]
        inputs = size
    return nn.Sequential(*layers, nn.Linear(inputs, outputs, rng=rng))


def score(task, dataset, epochs, seed):
    """R² (regression) or accuracy on the part that is held out."""
    rng = np.random.default_rng(seed)
    inputs, outputs = dataset.train_X.shape[1], dataset.n_outputs
    model = network(inputs, task.hidden, outputs, task.dropout, rng)
    is_regression = dataset.task == "regression"
    gg.fit(
        model,
        dataset.train,
        loss="mse" if is_regression else "cross_entropy",
        optimizer=gg.optim.AdamW(model, lr=3e-3, weight_decay=task.weight_decay),
        schedule="cosine",
        epochs=epochs,
        batch_size=task.batch_size,
        seed=seed,
    )
    metric = "r2" if is_regression else "accuracy"
    return metric, model.evaluate(*dataset.test, metrics=metric)[metric]


def find(name):
    folders = [SHARED, *data.search_folders()]
    places = [folder / inner / name for folder in folders for inner in ("tabular", ".")]
    found = next((place for place in places if place.is_file()), None)
    if found is None:
        raise SystemExit(f"{name} lies in none of {', '.join(map(str, folders))}")
    return found


def main(arguments=None):
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--quick", action="store_true", help="two epochs of the first fold")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("tasks", nargs="*", help=", ".join(TASKS))
    options = parser.parse_args(arguments)
    if not set(options.tasks) <= set(TASKS):
        parser.error(f"the tasks are {', '.join(TASKS)}")
    figures = {}
    for name in options.tasks or TASKS:
        task, scores, began = TASKS[name], [], time.perf_counter()
        table = data.read_table(find(task.file))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DataWarning)  # such as a category of one row
            folds = data.table_folds(table, task.target, 5, seed=options.seed, **task.table)
            for fold in islice(folds, 1 if options.quick else 5):
                epochs = 2 if options.quick else task.epochs
                metric, figure = score(task, fold.dataset, epochs, options.seed)
                scores.append(figure)
        seconds = time.perf_counter() - began
        figures[name] = float(np.mean(scores))
        parts = " ".join(f"{figure:.4f}" for figure in scores)
        print(f"{name}: {metric} {figures[name]:.4f} ({parts}) in {seconds:.0f} s")
    return figures


if __name__ == "__main__":
    main()
