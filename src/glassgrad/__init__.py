"""glassgrad: a deep-learning framework that you can see through.

Write NumPy-like Python; glassgrad records the computational graph while it runs, derives the
backward pass by the chain rule, and shows both: as a graph, as NumPy source, as numbers.

A name is loaded when it is first used, so `import glassgrad` itself costs next to nothing.
"""

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from glassgrad import canon as canon
    from glassgrad import data as data
    from glassgrad import errors as errors
    from glassgrad import extend as extend
    from glassgrad import gates as gates
    from glassgrad import io as io
    from glassgrad import nn as nn
    from glassgrad import optim as optim
    from glassgrad.autodiff.api import grad as grad
    from glassgrad.autodiff.api import hessian as hessian
    from glassgrad.autodiff.api import hvp as hvp
    from glassgrad.autodiff.api import jacobian as jacobian
    from glassgrad.autodiff.api import jvp as jvp
    from glassgrad.autodiff.api import value_and_grad as value_and_grad
    from glassgrad.autodiff.api import vjp as vjp
    from glassgrad.autodiff.api import vmap as vmap
    from glassgrad.autodiff.check import check_grads as check_grads
    from glassgrad.autodiff.check import numerical_gradient as numerical_gradient
    from glassgrad.autodiff.functions import checkpoint as checkpoint
    from glassgrad.autodiff.functions import cond as cond
    from glassgrad.autodiff.functions import custom_gradient as custom_gradient
    from glassgrad.autodiff.functions import scan as scan
    from glassgrad.backends.jit import jit as jit
    from glassgrad.config import config as config
    from glassgrad.core.region import region as region
    from glassgrad.diagnose import diagnose as diagnose
    from glassgrad.diagnose.grading.compare import compare_backward as compare_backward
    from glassgrad.graph.ir import Graph as Graph
    from glassgrad.graph.trace import trace as trace
    from glassgrad.io import load as load
    from glassgrad.io import save as save
    from glassgrad.primitives.arithmetic import stop_gradient as stop_gradient
    from glassgrad.primitives.random import random_key as random_key
    from glassgrad.tensor import Tensor as Tensor
    from glassgrad.tensor import no_grad as no_grad
    from glassgrad.tensor import parameter as parameter
    from glassgrad.tensor import tensor as tensor
    from glassgrad.train import fit as fit
    from glassgrad.train import train_step as train_step
    from glassgrad.train.source import source as source
    from glassgrad.view.explain import explain as explain
    from glassgrad.view.show import show as show

__version__ = "0.1.0"

__all__ = [
    "Graph",
    "Tensor",
    "canon",
    "check_grads",
    "checkpoint",
    "compare_backward",
    "cond",
    "config",
    "custom_gradient",
    "data",
    "diagnose",
    "errors",
    "explain",
    "extend",
    "fit",
    "gates",
    "grad",
    "hessian",
    "hvp",
    "io",
    "jacobian",
    "jit",
    "jvp",
    "load",
    "nn",
    "no_grad",
    "numerical_gradient",
    "optim",
    "parameter",
    "random_key",
    "region",
    "save",
    "scan",
    "show",
    "source",
    "stop_gradient",
    "tensor",
    "trace",
    "train_step",
    "value_and_grad",
    "vjp",
    "vmap",
]

_PLACES = {
    "Graph": "glassgrad.graph.ir:Graph",
    "Tensor": "glassgrad.tensor:Tensor",
    "canon": "glassgrad.canon",
    "check_grads": "glassgrad.autodiff.check:check_grads",
    "checkpoint": "glassgrad.autodiff.functions:checkpoint",
    "compare_backward": "glassgrad.diagnose.grading.compare:compare_backward",
    "cond": "glassgrad.autodiff.functions:cond",
    "config": "glassgrad.config:config",
    "custom_gradient": "glassgrad.autodiff.functions:custom_gradient",
    "data": "glassgrad.data",
    "diagnose": "glassgrad.diagnose:diagnose",
    "errors": "glassgrad.errors",
    "explain": "glassgrad.view.explain:explain",
    "extend": "glassgrad.extend",
    "fit": "glassgrad.train:fit",
    "gates": "glassgrad.gates",
    "grad": "glassgrad.autodiff.api:grad",
    "hessian": "glassgrad.autodiff.api:hessian",
    "hvp": "glassgrad.autodiff.api:hvp",
    "io": "glassgrad.io",
    "jacobian": "glassgrad.autodiff.api:jacobian",
    "jit": "glassgrad.backends.jit:jit",
    "jvp": "glassgrad.autodiff.api:jvp",
    "load": "glassgrad.io:load",
    "nn": "glassgrad.nn",
    "no_grad": "glassgrad.tensor:no_grad",
    "numerical_gradient": "glassgrad.autodiff.check:numerical_gradient",
    "optim": "glassgrad.optim",
    "parameter": "glassgrad.tensor:parameter",
    "random_key": "glassgrad.primitives.random:random_key",
    "region": "glassgrad.core.region:region",
    "save": "glassgrad.io:save",
    "scan": "glassgrad.autodiff.functions:scan",
    "show": "glassgrad.view.show:show",
    "source": "glassgrad.train.source:source",
    "stop_gradient": "glassgrad.primitives.arithmetic:stop_gradient",
    "tensor": "glassgrad.tensor:tensor",
    "trace": "glassgrad.graph.trace:trace",
    "train_step": "glassgrad.train:train_step",
    "value_and_grad": "glassgrad.autodiff.api:value_and_grad",
    "vjp": "glassgrad.autodiff.api:vjp",
    "vmap": "glassgrad.autodiff.api:vmap",
}


def __getattr__(name: str) -> Any:
    if name not in _PLACES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    module, _, attribute = _PLACES[name].partition(":")
    found = importlib.import_module(module)
    globals()[name] = getattr(found, attribute) if attribute else found
    return globals()[name]


def __dir__() -> list[str]:
    return [*__all__, "__version__"]


class _FrontDoor(ModuleType):
    """Keeps `gg.tensor` the function and `gg.config` the settings.

    The import system binds every submodule as an attribute of its package, so that the modules of
    the same names would otherwise stand in their place.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (isinstance(value, ModuleType) and _PLACES.get(name, "").endswith(f":{name}")):
            super().__setattr__(name, value)


sys.modules[__name__].__class__ = _FrontDoor
