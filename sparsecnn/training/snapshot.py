"""A training stopped between two steps, kept so that it goes on with the same numbers."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from sparsecnn.errors import SparsecnnError
from sparsecnn.whole_files import replacing

# A snapshot that lacks one of these is of another version.
CONTENT = {"model", "optimizer", "global_generator", "cuda_generators", "progress"}


@dataclass(frozen=True)
class Snapshots:
    """One file that holds the latest snapshot of one training; it is replaced whole, and removed at the end."""

    path: Path

    def save(self, model: nn.Module, optimizer: Optimizer, progress: dict[str, Any]) -> None:
        """Keeps everything that the next step depends on; `progress` is plain values and tensors."""
        state = {
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "global_generator": torch.get_rng_state(),
            "cuda_generators": torch.cuda.get_rng_state_all() if torch.cuda.is_available() else [],
            "progress": progress,
        }
        try:
            with replacing(self.path) as part:
                torch.save(state, part)
        except (OSError, RuntimeError) as error:  # torch's own writer says nothing of a full disk
            raise SparsecnnError(f"{self.path} cannot be written: is the disk full?") from error

    def restore_(self, model: nn.Module, optimizer: Optimizer) -> dict[str, Any] | None:
        """Puts the latest snapshot back and returns its progress; None when there is none.

        A file that cannot be read (the disk was full, say), of another version, or of another network, counts as none:
        the training starts afresh.
        """
        state = self._read()
        if state is None or _shapes(state["model"]) != _shapes(model.state_dict()):
            return None
        try:
            optimizer.load_state_dict(state["optimizer"])
        except (KeyError, TypeError, ValueError):  # it was another optimizer's, and is refused before it is taken over
            return None
        model.load_state_dict(state["model"])
        torch.set_rng_state(state["global_generator"])
        if state["cuda_generators"]:
            torch.cuda.set_rng_state_all(state["cuda_generators"])
        progress: dict[str, Any] = state["progress"]
        return progress

    def clear(self) -> None:
        """Removes the snapshot, if there is one."""
        self.path.unlink(missing_ok=True)

    def _read(self) -> dict[str, Any] | None:
        try:
            state: dict[str, Any] = torch.load(self.path, map_location="cpu", weights_only=True)
        except Exception:  # what a damaged pickle raises has no common class
            return None
        return state if isinstance(state, dict) and state.keys() >= CONTENT else None


def _shapes(state: Mapping[str, Any]) -> dict[str, Any]:
    return {name: getattr(value, "shape", None) for name, value in state.items()}
