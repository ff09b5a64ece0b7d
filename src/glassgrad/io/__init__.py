"""Files: weights, whole models, checkpoints, graphs. No code is ever read from one.

Layer L8.
"""

from glassgrad.graph.exchange import from_json as graph_from_json
from glassgrad.io.checkpoint import newest_checkpoint as newest_checkpoint
from glassgrad.io.checkpoint import read_checkpoint as read_checkpoint
from glassgrad.io.checkpoint import write_checkpoint as write_checkpoint
from glassgrad.io.lock import run_lock as run_lock
from glassgrad.io.model import load as load
from glassgrad.io.model import save as save
from glassgrad.io.torch_weights import load_torch as load_torch
from glassgrad.io.torch_weights import torch_arrays as torch_arrays
from glassgrad.io.weights import load_arrays as load_arrays
from glassgrad.io.weights import save_arrays as save_arrays

__all__ = [
    "graph_from_json",
    "load",
    "load_arrays",
    "load_torch",
    "newest_checkpoint",
    "read_checkpoint",
    "run_lock",
    "save",
    "save_arrays",
    "write_checkpoint",
]
