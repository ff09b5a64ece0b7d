"""Trained networks as programs of their own, which need no glassgrad.

Layer L10.
"""

from glassgrad.export.c_file import CFile, c_file, c_prefix
from glassgrad.export.numpy_file import NumpyProgram, numpy_program
from glassgrad.export.subject import Learning, Subject, identifier

__all__ = [
    "CFile",
    "Learning",
    "NumpyProgram",
    "Subject",
    "c_file",
    "c_prefix",
    "identifier",
    "numpy_program",
]
