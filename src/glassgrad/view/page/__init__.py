"""The picture as an interactive page: one self-contained HTML file, or a part of one.

Layer L8. Python draws every picture and computes every number; the page only shows, hides, moves
and formats them. It asks nothing of a network.
"""

from glassgrad.view.page.document import assets, figure, page

__all__ = ["assets", "figure", "page"]
