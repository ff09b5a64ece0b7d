"""Who can run what: contestants by name, and the package that each needs.

Layer L10.
"""

from __future__ import annotations

from importlib.util import find_spec

from glassgrad.bench.by_jax import JaxChain, JaxNetwork
from glassgrad.bench.by_jax_models import JaxModel
from glassgrad.bench.by_numpy import NumpyChain, NumpyNetwork
from glassgrad.bench.by_sklearn import SklearnNetwork
from glassgrad.bench.by_torch import TorchChain, TorchNetwork
from glassgrad.bench.by_torch_models import TorchModel
from glassgrad.bench.contestant import Contestant, Settings
from glassgrad.bench.floor import Functions, Memory, Products
from glassgrad.bench.workloads import Chain, Model, Workload

OWN, PREDICTION = "glassgrad", "prediction"
PRODUCTS, SPLIT, MEMORY, FUNCTIONS = "products", "split products", "memory", "functions"
FLOORS = (PRODUCTS, SPLIT, MEMORY, FUNCTIONS)
MANY_STEPS = ("jax-scan",)  # peers that take many steps in one call, as glassgrad does
PEERS = {
    "numpy": "numpy",
    "torch": "torch",
    "torch-compile": "torch",
    "jax": "jax",
    "jax-scan": "jax",
    "sklearn": "sklearn",
}
# Every package that a peer stands for, as it is called where it is installed from.
PACKAGES = {"numpy": "numpy", "torch": "torch", "jax": "jax", "sklearn": "scikit-learn"}


def is_installed(peer: str) -> bool:
    """Whether the package of a peer is there; it is not imported."""
    return find_spec(PEERS[peer]) is not None


def make(name: str, workload: Workload, settings: Settings) -> Contestant | None:
    """A contestant by name; None where it cannot express the workload."""
    if name in FLOORS:
        return _floor(name, workload, settings)
    if name in (OWN, PREDICTION):
        return _own(name, workload, settings)
    if isinstance(workload, Chain):
        return _chain(name, workload, settings)
    if isinstance(workload, Model):
        return _model(name, workload, settings)
    match name:
        case "numpy":
            return NumpyNetwork(workload)
        case "torch" | "torch-compile":
            return TorchNetwork(workload, settings, compiled=name == "torch-compile")
        case "jax" | "jax-scan":
            return JaxNetwork(workload, scans=name == "jax-scan")
        case "sklearn":
            return SklearnNetwork(workload) if SklearnNetwork.expresses(workload) else None
    raise AssertionError(name)


def _own(name: str, workload: Workload, settings: Settings) -> Contestant:
    # The process of a peer holds nothing of glassgrad's but this room.
    from glassgrad.bench import by_glassgrad  # noqa: PLC0415

    if isinstance(workload, Model):
        from glassgrad.bench import own_models  # noqa: PLC0415

        return own_models.GlassgradModel(workload, settings)
    if isinstance(workload, Chain):
        return by_glassgrad.GlassgradChain(workload, settings)
    if name == PREDICTION:
        return by_glassgrad.GlassgradPrediction(workload, settings)
    return by_glassgrad.GlassgradNetwork(workload, settings)


def _chain(name: str, workload: Chain, settings: Settings) -> Contestant | None:
    match name:
        case "numpy":
            return NumpyChain(workload)
        case "torch" | "torch-compile":
            return TorchChain(workload, settings, compiled=name == "torch-compile")
        case "jax":
            return JaxChain(workload)
    return None  # no step leads to the next, so there is nothing to scan, and nothing is fitted


def _model(name: str, workload: Model, settings: Settings) -> Contestant | None:
    match name:
        case "torch" | "torch-compile":
            return TorchModel(workload, settings, compiled=name == "torch-compile")
        case "jax" | "jax-scan":
            return JaxModel(workload, scans=name == "jax-scan")
    return None  # nobody writes these backward passes by hand for speed, and scikit-learn has none


def _floor(name: str, workload: Workload, settings: Settings) -> Contestant | None:
    if name == MEMORY:
        return Memory(workload, settings.threads)
    if isinstance(workload, Chain):
        return Functions(workload, settings.threads) if name == FUNCTIONS else None
    if name == FUNCTIONS or (name == SPLIT and settings.threads == 1):
        return None
    return Products(workload, settings.threads if name == SPLIT else 1)


def blas_threads(name: str, settings: Settings) -> int:
    """Threads that libraries may use on their own: what is split by hand must not split again."""
    return 1 if name == SPLIT else settings.threads
