"""The report of a training run: one HTML file that says what was trained and what came of it.

Layer L10.
"""

from glassgrad.report.material import Layer, Material, Words
from glassgrad.report.report import report_html, write_report

__all__ = ["Layer", "Material", "Words", "report_html", "write_report"]
