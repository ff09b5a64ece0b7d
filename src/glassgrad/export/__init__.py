"""Trained networks as programs of their own, which need no glassgrad.

Layer L10.
"""

from glassgrad.export.numpy_file import NumpyProgram, numpy_program
from glassgrad.export.subject import Learning, Subject, identifier

__all__ = ["Learning", "NumpyProgram", "Subject", "identifier", "numpy_program"]
