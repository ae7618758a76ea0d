"""Layers that compute on the support of their weights alone, while that stays as it is."""

from sparsecnn.layers.on_support import on_support

__all__ = ["on_support"]
