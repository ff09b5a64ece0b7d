"""Training: `fit`, `train_step`, and what belongs to them. Layer L9."""

from __future__ import annotations

from glassgrad.train.callbacks import Callback as Callback
from glassgrad.train.callbacks import Checkpoint as Checkpoint
from glassgrad.train.callbacks import CSVLogger as CSVLogger
from glassgrad.train.callbacks import EarlyStopping as EarlyStopping
from glassgrad.train.class_metrics import f1 as f1
from glassgrad.train.class_metrics import perplexity as perplexity
from glassgrad.train.class_metrics import precision as precision
from glassgrad.train.class_metrics import recall as recall
from glassgrad.train.class_metrics import roc_auc as roc_auc
from glassgrad.train.class_metrics import top_k_accuracy as top_k_accuracy
from glassgrad.train.fitting import fit as fit
from glassgrad.train.history import History as History
from glassgrad.train.loop import Run as Run
from glassgrad.train.metric import Metric as Metric
from glassgrad.train.metrics import METRICS as METRICS
from glassgrad.train.metrics import accuracy as accuracy
from glassgrad.train.metrics import confusion_matrix as confusion_matrix
from glassgrad.train.metrics import find_metrics as find_metrics
from glassgrad.train.metrics import mae as mae
from glassgrad.train.metrics import mse as mse
from glassgrad.train.metrics import r2 as r2
from glassgrad.train.metrics import rmse as rmse
from glassgrad.train.plateau import ReduceOnPlateau as ReduceOnPlateau
from glassgrad.train.predict import evaluate as evaluate
from glassgrad.train.predict import predict as predict
from glassgrad.train.rates import RateCurve as RateCurve
from glassgrad.train.rates import find_learning_rate as find_learning_rate
from glassgrad.train.recompute import checkpoint_regions as checkpoint_regions
from glassgrad.train.step import TrainStep as TrainStep
from glassgrad.train.step import train_step as train_step

__all__ = [
    "METRICS",
    "CSVLogger",
    "Callback",
    "Checkpoint",
    "EarlyStopping",
    "History",
    "Metric",
    "RateCurve",
    "ReduceOnPlateau",
    "Run",
    "TrainStep",
    "accuracy",
    "checkpoint_regions",
    "confusion_matrix",
    "evaluate",
    "f1",
    "find_learning_rate",
    "find_metrics",
    "fit",
    "mae",
    "mse",
    "perplexity",
    "precision",
    "predict",
    "r2",
    "recall",
    "rmse",
    "roc_auc",
    "top_k_accuracy",
    "train_step",
]
