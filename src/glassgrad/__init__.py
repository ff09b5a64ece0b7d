"""glassgrad: a deep-learning framework that you can see through.

Write NumPy-like Python; glassgrad records the computational graph while it runs, derives the
backward pass by the chain rule, and shows both: as a graph, as NumPy source, as numbers.
"""

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

__version__ = "0.1.0"

__all__ = [
    "Graph",
    "Tensor",
    "canon",
    "check_grads",
    "checkpoint",
    "cond",
    "config",
    "custom_gradient",
    "data",
    "errors",
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
    "stop_gradient",
    "tensor",
    "trace",
    "train_step",
    "value_and_grad",
    "vjp",
    "vmap",
]
