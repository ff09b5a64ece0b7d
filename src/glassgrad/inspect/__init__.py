"""Why numbers went wrong: the first operation that left the finite ones, and what to write instead.

Layer L8. Training asks it when a step fails, diagnosis when it is asked to: one search for both.
"""

from glassgrad.inspect.finding import Finding
from glassgrad.inspect.search import evaluated, first_bad, is_finite

__all__ = ["Finding", "evaluated", "first_bad", "is_finite"]
