"""Packed networks for places without PyTorch: C source for microcontrollers here, ONNX in `onnx_model`."""

from sparsecnn.export.c_source import CExport, export_c

__all__ = ["CExport", "export_c"]
