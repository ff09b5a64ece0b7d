"""Loops → LLVM IR: the printer whose text runs.

Layer L6. `ModulePrinter` collects kernels of the loop IR and gives the text of a module; the driver
that calls the kernels is `native/module.py`. One idea a file:

    printer.py      the module: its kernels, which share code where they do the same
    writing.py      one kernel while it is being written: lines, names, and what values are called
    operations.py   straight-line code: arithmetic, comparisons, calls of functions
    memory.py       loads and stores, of one element, of neighbours, or of elements far apart
    counted.py      serial loops and conditions
    lanes.py        loops in lanes: vectors, the masked rest, and their sums
    products.py     matrix products: loops of our own, or a call of BLAS
    turned.py       square blocks turned in registers, for products
    blocked.py      quick loops in blocks of registers, as functions of the module
    conversions.py  `astype`
    words.py        how LLVM says types, numbers and simple operations
"""

from glassgrad.backends.native.llvm.printer import ModulePrinter

__all__ = ["ModulePrinter"]
