"""Native code: graphs become loops, loops become machine code in the process. Layer L6.

lower/               graph → loop IR: a `Program` (`program.py`) of kernels (`loops.py`)
functions/           exp, log, tanh … as loop IR
llvm/, module.py     the program as LLVM's text, which runs; `own_products.py`: products
c.py, c_*.py         the program as C99, which people read and take along
engine.py            LLVM's text → machine code; `cache.py`, `image.py`, `executable.py`
call.py, steps.py    one call, and many steps in one call; `callbacks.py`, `memory.py`
pool.py, waiting.py  workers; `cpus.py` says how many
blas*.py             the BLAS that NumPy brings, by pointer
report*.py           what became of a graph: `counting.py`, `timing.py`, `reasons.py`,
                     `labels.py`; `debug.py` shows the texts
"""
