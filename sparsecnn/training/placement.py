"""Where a network computes, and how wide its numbers are."""

import contextlib
import ctypes
from dataclasses import dataclass

import torch
import torch.distributed as dist
from torch import nn

from sparsecnn.errors import ConfigError

# Numbers of malloc.h: sizes from which memory is taken from the system and returned to it.
M_MMAP_THRESHOLD, M_TRIM_THRESHOLD = -3, -1
DEVICES = ("cpu", "cuda", "mps")
PRECISIONS = {"float32": None, "bfloat16": torch.bfloat16}


@dataclass(frozen=True)
class Placement:
    """A device, and the type of mixed precision or None for plain float32.

    This process is number `rank` of `ranks` that train every network together, each with its part of a batch.
    """

    device: torch.device
    mixed: torch.dtype | None = None
    rank: int = 0
    ranks: int = 1

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
    if chosen.type == "cpu":
        _keep_freed_memory()
    torch.use_deterministic_algorithms(True, warn_only=True)
    if precision == "auto":
        precision = "bfloat16" if chosen.type == "cuda" and torch.cuda.is_bf16_supported() else "float32"
    rank, ranks = (dist.get_rank(), dist.get_world_size()) if dist.is_initialized() else (0, 1)
    return Placement(chosen, PRECISIONS[precision], rank, ranks)


def averaging(model: nn.Module, placement: Placement) -> nn.Module:
    """`model`, or what averages its gradients over the processes that train it together."""
    if placement.ranks == 1:
        return model
    devices = [placement.device] if placement.device.type == "cuda" else None
    return nn.parallel.DistributedDataParallel(model, device_ids=devices)


def _keep_freed_memory() -> None:
    """Lets the C library keep what is freed: fresh pages for each large tensor take a fifth of a step's time.

    Where the C library is not GNU's, it stays as it is.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_MMAP_THRESHOLD, 2**30)
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)


def _device(name: str) -> torch.device:
    if name == "auto":
        name = "cuda" if torch.cuda.is_available() else "cpu"
    if name == "cuda" and dist.is_initialized():
        name = f"cuda:{dist.get_node_local_rank()}"
    try:
        device = torch.device(name)
        torch.zeros(1, device=device).item()  # "meta" has no numbers
    except (RuntimeError, AssertionError) as error:
        if name.partition(":")[0] not in DEVICES:
            raise ConfigError(f"device must be auto, {', '.join(DEVICES)}, or one like cuda:1, got {name}") from error
        raise ConfigError(f"device {name} cannot be used: {str(error).splitlines()[0]}") from error
    return device
