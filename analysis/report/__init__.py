"""The report of one or several runs: one page that needs no network, and its figures and tables as files."""

from analysis.report.sections import SECTIONS, Section
from analysis.report.write import write_report

__all__ = ["SECTIONS", "Section", "write_report"]
