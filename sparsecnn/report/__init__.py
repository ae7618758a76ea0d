"""A report: what runs were asked, what they found and how to redo them, as one page that needs nothing else."""

from sparsecnn.report.page import report_page
from sparsecnn.report.source import Source, read_source

__all__ = ["Source", "read_source", "report_page"]
