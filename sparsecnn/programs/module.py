"""A program as a torch module, and the check that its steps fit together."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from sparsecnn.programs.operations import INPUTS, OPERATIONS, Values
from sparsecnn.programs.step import Program, Step
from sparsecnn.programs.values import Shape, other_sizes, weight_names


class ProgramModule(nn.Module):
    """Computes `program` in torch; `values` are tensors by name ("conv1.weight", "conv1.bias").

    Values become buffers: nothing here is trained.
    """

    def __init__(self, program: Program, values: Mapping[str, Tensor]) -> None:
        super().__init__()
        self.program = program
        self.names = {name: f"value_{number}" for number, name in enumerate(values)}
        for name, buffer in self.names.items():
            self.register_buffer(buffer, values[name])

    def forward(self, images: Tensor) -> Tensor:
        """[N, C, H, W] to [N, K]."""
        values = {name: self.get_buffer(buffer) for name, buffer in self.names.items()}
        return run(self.program, images, values)


def run(program: Program, images: Tensor, values: Values) -> Tensor:
    """The result of the last step."""
    results: list[Tensor | None] = [images]
    last_use = {source: number for number, step in enumerate(program.steps, start=1) for source in step.inputs}
    for number, step in enumerate(program.steps, start=1):
        results.append(compute(step, [_there(results[source]) for source in step.inputs], values))
        for source in step.inputs:
            if last_use[source] == number:
                results[source] = None
    return _there(results[-1])


def compute(step: Step, inputs: Sequence[Tensor], values: Values) -> Tensor:
    """The result of one step."""
    return OPERATIONS[step.operation](step, inputs, values)


def _there(result: Tensor | None) -> Tensor:
    assert result is not None
    return result


def check_program(program: Program, weights: Mapping[str, Shape], image_shape: tuple[int, ...]) -> list[Shape]:
    """The shapes of all results for one image, the image first; nothing is computed.

    Raises ValueError, which names the step, when an operation is unknown or its inputs, options and values do not fit.
    """
    missing = [name for name in weight_names(program) if name not in weights]
    if missing:
        raise ValueError(f"there is no layer {missing[0]}")
    unused = sorted(weights.keys() - set(weight_names(program)))
    if unused:
        raise ValueError(f"the program does not use layer {unused[0]}")
    sizes = {f"{name}.weight": shape for name, shape in weights.items()}
    sizes |= {name: (size,) for name, size in other_sizes(program, weights).items()}
    values = {name: torch.empty(shape, device="meta") for name, shape in sizes.items()}
    results = [torch.empty((1, *image_shape), device="meta")]
    for number, step in enumerate(program.steps, start=1):
        results.append(_checked(step, number, [results[source] for source in step.inputs], values))
    return [tuple(result.shape) for result in results]


def _checked(step: Step, number: int, inputs: Sequence[Tensor], values: Values) -> Tensor:
    if step.operation not in OPERATIONS:
        raise ValueError(f"step {number} is an unknown operation, {step.operation[:30]!r}")
    expected = INPUTS.get(step.operation, 1)
    if expected is not None and len(inputs) != expected:
        raise ValueError(f"step {number}, {step.operation}, takes {expected} inputs, not {len(inputs)}")
    try:
        with torch.no_grad():
            return compute(step, inputs, values)
    except Exception as error:  # what torch raises for sizes that do not fit has no common class
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ValueError(f"step {number}, {step.operation}, does not fit: {reason}") from error
