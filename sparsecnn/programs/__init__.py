"""A network as a program: a short list of steps that a packed file holds, so that it needs no code of its author."""

from sparsecnn.programs.module import ProgramModule, check_program, compute, run
from sparsecnn.programs.step import Program, Step, parse_program
from sparsecnn.programs.trace import trace
from sparsecnn.programs.translations import UntraceableError
from sparsecnn.programs.values import other_sizes, weight_names

__all__ = [
    "Program",
    "ProgramModule",
    "Step",
    "UntraceableError",
    "check_program",
    "compute",
    "other_sizes",
    "parse_program",
    "run",
    "trace",
    "weight_names",
]
