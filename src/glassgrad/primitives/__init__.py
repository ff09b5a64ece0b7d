"""The tables of primitives: one record an operation. Layer L2.

Importing the package fills `core.primitive.REGISTRY` with all of them.
"""

from glassgrad.primitives import activation as activation
from glassgrad.primitives import control as control
from glassgrad.primitives import convolution as convolution
from glassgrad.primitives import numpy_api as numpy_api
from glassgrad.primitives import operators as operators
from glassgrad.primitives import pooling as pooling
from glassgrad.primitives import random as random
from glassgrad.primitives import solve as solve
