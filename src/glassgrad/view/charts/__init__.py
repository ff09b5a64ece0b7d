"""Small charts as SVG, each a plain function from data to markup; no library behind them.

Layer L8. What is told apart by colour is told apart by dash, marker or a label too. A chart carries
its own style sheet; a page that shows several gives `style=False` and puts `css()` once.
"""

from glassgrad.view.charts.attention import attention_chart
from glassgrad.view.charts.bars import Bar, bar_chart
from glassgrad.view.charts.heat import confusion_chart
from glassgrad.view.charts.histogram import Histogram, histogram, histograms
from glassgrad.view.charts.images import Picture, image_grid
from glassgrad.view.charts.line import Series, line_chart
from glassgrad.view.charts.paper import css
from glassgrad.view.charts.plane import Plane, plane_chart
from glassgrad.view.charts.png import data_uri, png
from glassgrad.view.charts.scatter import scatter_chart

__all__ = [
    "Bar",
    "Histogram",
    "Picture",
    "Plane",
    "Series",
    "attention_chart",
    "bar_chart",
    "confusion_chart",
    "css",
    "data_uri",
    "histogram",
    "histograms",
    "image_grid",
    "line_chart",
    "plane_chart",
    "png",
    "scatter_chart",
]
