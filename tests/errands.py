"""What workers of executors do in tests; processes started afresh import it by name."""

import os
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor


class OddError(Exception):
    """An error that cannot be unpickled: it asks for more than its message."""

    def __init__(self, first: str, second: str) -> None:
        super().__init__(first + second)


@dataclass(frozen=True)
class Errand:
    """Returns what it did, and where; `kills` names a file that says how often the worker is still to be killed."""

    number: int
    kills: Path | None = None
    fails: bool = False

    def __str__(self) -> str:
        return f"errand {self.number}"


@dataclass(frozen=True)
class Prepared:
    """Runs errands over numbers that all workers share."""

    shared: Tensor

    def __call__(self) -> Callable[[Errand], dict[str, Any]]:
        return self.run

    def afresh(self) -> "Prepared":
        return Prepared(torch.zeros(8))

    def run(self, errand: Errand) -> dict[str, Any]:
        if errand.fails:
            raise OddError("it", " failed")
        if errand.kills is not None and (left := int(errand.kills.read_text())):
            errand.kills.write_text(str(left - 1))
            os.kill(os.getpid(), signal.SIGKILL)
        self.shared[errand.number] = 1.0
        time.sleep(0.05)
        return {
            "number": errand.number,
            "process": os.getpid(),
            "threads": torch.get_num_threads(),
            "gpus": os.environ.get("CUDA_VISIBLE_DEVICES"),
        }


class PoisonedLate:
    """A regularizer under which the loss stops being finite behind half of the steps."""

    def __init__(self, budgets: Mapping[str, int], every: int) -> None:
        self.support: Mapping[str, Tensor] = {}

    def begin_(self, weights: Mapping[str, Tensor], *, step: int, steps: int) -> None: ...

    def apply_(self, weights: Mapping[str, Tensor], *, step: int, steps: int, lr: float) -> None:
        if step > steps / 2:
            with torch.no_grad():
                for weight in weights.values():
                    weight.fill_(torch.nan)

    def settle_(self, weights: Mapping[str, Tensor]) -> None: ...
