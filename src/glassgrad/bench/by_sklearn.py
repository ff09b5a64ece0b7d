"""The scikit-learn contestant: `MLPClassifier.partial_fit`, one call a batch.

Layer L10; scikit-learn is imported by `load`. It has classifiers with biases and without dropout,
SGD, momentum and Adam; what else a workload asks for it cannot express.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from glassgrad.bench.workloads import BETA1, BETA2, EPS, MOMENTUM, Network, Order


class SklearnNetwork:
    """A network as an MLPClassifier that is fitted batch by batch."""

    unit = 1

    def __init__(self, workload: Network) -> None:
        self.workload = workload

    @staticmethod
    def expresses(workload: Any) -> bool:
        """Whether its options say the same as the workload."""
        return (
            isinstance(workload, Network)
            and workload.output == "softmax"
            and workload.sizes[-1] > 2  # noqa: PLR2004 - of two classes it makes one output
            and workload.optimizer in ("sgd", "momentum", "adam")
            and not workload.dropout
        )

    def load(self) -> None:
        from sklearn import neural_network  # noqa: PLC0415 - an optional peer

        self.estimator = neural_network.MLPClassifier
        self.X, self.y = self.workload.data()
        self.order = Order(self.workload)

    def build(self) -> None:
        workload = self.workload
        model = self.estimator(
            workload.sizes[1:-1],
            activation=workload.activation,
            solver="adam" if workload.optimizer == "adam" else "sgd",
            alpha=0.0,
            batch_size=workload.batch,
            learning_rate_init=workload.lr,
            shuffle=False,
            momentum=MOMENTUM if workload.optimizer == "momentum" else 0.0,
            nesterovs_momentum=False,
            beta_1=BETA1,
            beta_2=BETA2,
            epsilon=EPS,
        )
        # It draws its weights in the first fit and takes none from outside: they are overwritten
        # then, and an optimiser that is gone is made anew.
        rows, classes = self.order.rows[0], np.arange(workload.sizes[-1])
        model.partial_fit(self.X[rows], self.y[rows], classes=classes)
        del model._optimizer
        for i, (W, b) in enumerate(workload.weights()):
            model.coefs_[i][...] = W
            model.intercepts_[i][...] = b
        self.model = model

    def run(self, steps: int) -> list[float]:
        losses: list[float] = []
        while len(losses) < steps:
            for rows in self.order.take(steps - len(losses)):
                self.model.partial_fit(self.X[rows], self.y[rows])
                losses.append(float(self.model.loss_))
        return losses
