"""Networks as people draw them: neurons and synapses in columns, loops, steps of time.

Layer L8. The structure is read from the graph that runs.
"""

from glassgrad.view.network.neuron import neuron_svg
from glassgrad.view.network.shape import Network, NetworkShape
from glassgrad.view.network.sources import network_of
from glassgrad.view.network.svg import network_svg

__all__ = ["Network", "NetworkShape", "network_of", "network_svg", "neuron_svg"]
