"""Optimisers as pure updates, and schedules of their learning rate. Layer L8."""

from __future__ import annotations

from typing import Any

from glassgrad.errors import unknown_option
from glassgrad.optim.adaptive import Adadelta as Adadelta
from glassgrad.optim.adaptive import Adamax as Adamax
from glassgrad.optim.adaptive import NAdam as NAdam
from glassgrad.optim.adaptive import RAdam as RAdam
from glassgrad.optim.base import Common as Common
from glassgrad.optim.base import Optimizer as Optimizer
from glassgrad.optim.first_order import SGD as SGD
from glassgrad.optim.first_order import AdaGrad as AdaGrad
from glassgrad.optim.first_order import Adam as Adam
from glassgrad.optim.first_order import AdamW as AdamW
from glassgrad.optim.first_order import Momentum as Momentum
from glassgrad.optim.first_order import Nesterov as Nesterov
from glassgrad.optim.first_order import RMSprop as RMSprop
from glassgrad.optim.lbfgs import LBFGS as LBFGS
from glassgrad.optim.matrices import LAMB as LAMB
from glassgrad.optim.matrices import Lion as Lion
from glassgrad.optim.matrices import Muon as Muon
from glassgrad.optim.schedules import PLANS as PLANS
from glassgrad.optim.schedules import SCHEDULES as SCHEDULES
from glassgrad.optim.schedules import Chain as Chain
from glassgrad.optim.schedules import Constant as Constant
from glassgrad.optim.schedules import Cosine as Cosine
from glassgrad.optim.schedules import CosineRestarts as CosineRestarts
from glassgrad.optim.schedules import Exponential as Exponential
from glassgrad.optim.schedules import OneCycle as OneCycle
from glassgrad.optim.schedules import Scaled as Scaled
from glassgrad.optim.schedules import Schedule as Schedule
from glassgrad.optim.schedules import StepDecay as StepDecay
from glassgrad.optim.schedules import WarmUp as WarmUp
from glassgrad.optim.schedules import planned as planned
from glassgrad.optim.schedules import schedule_from_config as schedule_from_config

OPTIMIZERS: dict[str, type[Optimizer]] = {
    "sgd": SGD,
    "momentum": Momentum,
    "nesterov": Nesterov,
    "adagrad": AdaGrad,
    "rmsprop": RMSprop,
    "adam": Adam,
    "adamw": AdamW,
    "adadelta": Adadelta,
    "adamax": Adamax,
    "nadam": NAdam,
    "radam": RAdam,
    "lion": Lion,
    "lamb": LAMB,
    "muon": Muon,
    "lbfgs": LBFGS,
}


def make_optimizer(name: str, target: Any, **options: Any) -> Optimizer:
    """The optimiser called `name` for `target`; an option it lacks is refused by name."""
    kind = OPTIMIZERS.get(str(name).lower())
    if kind is None:
        raise unknown_option("optimizer", name, OPTIMIZERS)
    offered = [*(kind.__init__.__kwdefaults__ or ()), *Common.__annotations__]
    for option in options:
        if option != "lr" and option not in offered:
            raise unknown_option("option", option, {"lr", *offered})
    return kind(target, **options)


__all__ = [
    "LAMB",
    "LBFGS",
    "OPTIMIZERS",
    "PLANS",
    "SCHEDULES",
    "SGD",
    "AdaGrad",
    "Adadelta",
    "Adam",
    "AdamW",
    "Adamax",
    "Chain",
    "Common",
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "Lion",
    "Momentum",
    "Muon",
    "NAdam",
    "Nesterov",
    "OneCycle",
    "Optimizer",
    "RAdam",
    "RMSprop",
    "Scaled",
    "Schedule",
    "StepDecay",
    "WarmUp",
    "make_optimizer",
    "planned",
    "schedule_from_config",
]
