"""What layers compute: compact operators, and (in `support`) ordinary layers on a fixed support."""

from sparsecnn.layers.bitwise import BitwiseConv2d, QuantisedConv2d
from sparsecnn.layers.deformable import DeformableConv2d, deform_conv2d
from sparsecnn.layers.full import FullConv2d
from sparsecnn.layers.implicit import ImexStep, implicit_solve
from sparsecnn.layers.lean import LeanConv2d
from sparsecnn.layers.ode import ODEBlock
from sparsecnn.layers.predefined import KernelSupports, PredefinedConv2d, Supported
from sparsecnn.layers.same import bitwise, bitwise_lean, deformable, predefined
from sparsecnn.layers.steps import ChannelNorm2d, Ode, Residual, Symmetric

__all__ = [
    "BitwiseConv2d",
    "ChannelNorm2d",
    "DeformableConv2d",
    "FullConv2d",
    "ImexStep",
    "KernelSupports",
    "LeanConv2d",
    "ODEBlock",
    "Ode",
    "PredefinedConv2d",
    "QuantisedConv2d",
    "Residual",
    "Supported",
    "Symmetric",
    "bitwise",
    "bitwise_lean",
    "deform_conv2d",
    "deformable",
    "implicit_solve",
    "predefined",
]
