"""Loops made smaller: what need not be done in every step of a `scan` is done outside of it.

Layer L5. `outside_loops` goes through `order.py`'s list, inner graphs first. Results are those of
the loop as it was but for the order in which terms are added where a sum over the steps becomes one
product or one sum: within the bounds of products and sums. So only native code asks for it.
"""

from glassgrad.passes.loops.order import outside_loops as outside_loops
