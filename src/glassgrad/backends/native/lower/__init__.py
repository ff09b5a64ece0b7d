"""Graph → loop IR: from equations to loops over memory.

Layer L6. `build.lower` goes through the files in this order, when `passes/loops` has taken out of
loops what need not happen in them:

    expand.py      composite primitives become basic ones (`contract.py` does einsum)
    nodes.py       equations become nodes: what each computes row by row, and what it needs whole
    views.py       equations that only say where elements lie make no node
    schedule.py    phases, regions of rows, tiles
    items.py       what a tile does in order: nests of fused nodes, and the rest
    layout.py      what memory each value gets; `offsets.py` says at which byte, `in_place.py` what
                   may be written over what
    kernels.py     loops for every item

What nodes become:

    nests/         fused elementwise work and the reductions that go with it
    products.py    matrix products
    windows/       convolutions, pooling
    table.py       all other primitives, each by an entry of LOWERINGS: indexing, joining,
                   reductions, running, sorting, random, algebra, control, copies
    control.py     `scan` and `cond`: their inner graphs are nodes, regions and items too
                   (`fused.py`); what steps multiply by lies in panels (`panels.py`)
    inline.py      whole graphs, equation after equation, in which nothing is fused and
                   `elements.py` does the elementwise ones: what fused code is compared with

What all of them write with: `access.py` (strides), `scalar.py` and `division.py` (NumPy's
arithmetic), `combinations.py` and `trees.py` (sums), `site.py` (one equation alone), `names.py`.
"""
