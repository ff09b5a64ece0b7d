"""The training step of a run, made again from its settings: optimiser, rates, loss.

Layer L11. The state of the optimiser is that before its first step.
"""

from __future__ import annotations

from glassgrad.cli.settings import optimizer_spec
from glassgrad.cli.trained import Trained
from glassgrad.nn.losses import find_loss
from glassgrad.optim import make_optimizer, planned
from glassgrad.optim.lbfgs import require_update
from glassgrad.train.model_loss import loss_of
from glassgrad.train.step import TrainStep, train_step

EPOCHS = 10  # of a run that says none


def step_of_run(trained: Trained) -> TrainStep:
    """The step that the run was trained with."""
    settings = trained.folder.settings()
    name, given = optimizer_spec(settings.optimizer or "adam")
    common = {
        "lr": settings.lr,
        "weight_decay": settings.weight_decay or 0.0,
        "clip_norm": settings.clip_norm,
        **given,
    }
    used = {key: value for key, value in common.items() if value is not None}
    optimizer = make_optimizer(name, trained.model, **used)
    require_update(optimizer)
    if settings.schedule not in (None, "constant"):
        optimizer.lr = planned(settings.schedule, optimizer.rate, settings.epochs or EPOCHS)
    return train_step(loss_of(find_loss(trained.head.loss)), trained.model.train(), optimizer)
