"""What layers compute: compact operators, and (in `support`) ordinary layers on a fixed support."""

from sparsecnn.layers.bitwise import BitwiseConv2d
from sparsecnn.layers.deformable import DeformableConv2d, deform_conv2d
from sparsecnn.layers.implicit import ImexStep, implicit_solve
from sparsecnn.layers.lean import LeanConv2d
from sparsecnn.layers.ode import ODEBlock
from sparsecnn.layers.predefined import KernelSupports, PredefinedConv2d

__all__ = [
    "BitwiseConv2d",
    "DeformableConv2d",
    "ImexStep",
    "KernelSupports",
    "LeanConv2d",
    "ODEBlock",
    "PredefinedConv2d",
    "deform_conv2d",
    "implicit_solve",
]
