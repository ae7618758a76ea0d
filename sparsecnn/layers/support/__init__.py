"""Ordinary layers that compute on the support of their weights alone, while that stays as it is."""

from sparsecnn.layers.support.context import on_support

__all__ = ["on_support"]
