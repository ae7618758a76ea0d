"""Where a network computes, and how wide its numbers are."""

import contextlib
from dataclasses import dataclass

import torch

from sparsecnn.errors import ConfigError

DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Placement:
    """A device, and the type of mixed precision or None for plain float32."""

    device: torch.device
    mixed: torch.dtype | None = None

    def autocast(self) -> contextlib.AbstractContextManager[object]:
        """The context in which forward passes run; bfloat16 keeps float32's range, so no loss scaling is needed."""
        if self.mixed is None:
            return contextlib.nullcontext()
        return torch.autocast(self.device.type, dtype=self.mixed)


def place(device: str = "auto", precision: str = "auto", threads: int | None = None) -> Placement:
    """The placement by name, and the process set up for it.

    `auto` takes CUDA with bfloat16 where the processor has it, else the CPU with float32. `threads` bounds the CPU
    threads of this process; by default torch takes one a core. Kernels whose result depends on the order of
    execution are avoided.
    """
    if precision not in ("auto", *PRECISIONS):
        raise ConfigError(f"precision must be auto, {' or '.join(PRECISIONS)}, got {precision}")
    if threads is not None and threads < 1:
        raise ConfigError(f"threads must be at least 1, got {threads}")
    chosen = _device(device)
    if threads:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(True, warn_only=True)
    if precision == "auto":
        precision = "bfloat16" if chosen.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    return Placement(chosen, PRECISIONS[precision])


def _device(name: str) -> torch.device:
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has no numbers
    except (RuntimeError, AssertionError) as error:
        if name.partition(":")[0] not in DEVICES:
            raise ConfigError(f"device must be auto, {', '.join(DEVICES)}, or one like cuda:1, got {name}") from error
        raise ConfigError(f"device {name} cannot be used: {str(error).splitlines()[0]}") from error
    return device
