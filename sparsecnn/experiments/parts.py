"""What the configuration says of data, network and machine."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import torch
from torch import nn

from sparsecnn.data import DataSet, Preprocessing, Split
from sparsecnn.digests import file_digest
from sparsecnn.errors import ConfigError, DataError
from sparsecnn.experiments.accounting import checked_kind
from sparsecnn.experiments.run_folder import IDENTITY
from sparsecnn.models import weights_digest
from sparsecnn.storage import Storage


@dataclass(frozen=True)
class Parts:
    """What the configuration says of data, network and machine; nothing is read or built yet.

    `validation_share` of the train split is held out by a stratified draw with `validation_seed`; 0 holds nothing out.
    Of what stays the share `train_share` of every class is trained on, by a draw with `train_seed`. `weights` is a file
    that the network starts from, or a run folder with a file for each seed. `memory` says what memory means: "paper",
    "packed" or "packed_int8"; `cohort` how many networks are trained together. With `loss_every` the training loss of
    so many steps each is recorded.
    """

    data: Callable[[], DataSet]
    model: Callable[..., nn.Module]
    preprocessing: Callable[[Split], Preprocessing]
    storage: Storage
    validation_share: float = 0.1
    validation_seed: int = 0
    train_share: float = 1.0
    train_seed: int = 0
    weights: str | None = None
    device: str = "auto"
    precision: str = "auto"
    threads: int | None = None
    memory: str = "paper"
    cohort: int | Literal["auto"] = "auto"
    loss_every: int | None = None

    def __post_init__(self) -> None:
        checked_kind(self.memory)
        if self.cohort != "auto" and self.cohort < 1:
            raise ConfigError(f"training.cohort must be auto or at least 1, got {self.cohort}")
        if self.loss_every is not None and self.loss_every < 1:
            raise ConfigError(f"training.loss_every must be null or at least 1, got {self.loss_every}")

    def data_set(self) -> DataSet:
        """The images, which may be read by code of the user's own."""
        try:
            data: Any = self.data()
        except OSError as error:
            raise DataError(f"the data cannot be read: {error}") from error
        if not isinstance(data, DataSet):
            raise ConfigError(f"data._target_ must give a sparsecnn.data.DataSet, got {type(data).__name__}")
        return data

    @property
    def may_stack(self) -> bool:
        """Whether networks may be trained together: where it was asked for, and by "auto" on a GPU."""
        if self.cohort != "auto":
            return self.cohort > 1
        return self.device.startswith("cuda") or (self.device == "auto" and torch.cuda.is_available())

    def weights_of(self, seed: int) -> Path | None:
        """The file that the network of `seed` starts from; DataError when a run folder has none for it."""
        if self.weights is None or not Path(self.weights).is_dir():
            return None if self.weights is None else Path(self.weights)
        folder = _identity_of(Path(self.weights)).parent
        names = f"base_seed{seed}.safetensors", f"seed{seed}.safetensors"
        found = [folder / name for name in names if (folder / name).is_file()]
        if not found:
            raise DataError(f"model.weights: {folder} has neither {names[0]} nor {names[1]}")
        return found[0]

    def weights_fingerprint(self) -> Mapping[str, str]:
        """What results depend on of the weights that networks start from, by name; empty without such."""
        if self.weights is None:
            return {}
        path = Path(self.weights)
        # Of a run not the files: it may come to have more seeds.
        return {"weights": file_digest(_identity_of(path)) if path.is_dir() else weights_digest(path)}


def _identity_of(folder: Path) -> Path:
    if not (folder / IDENTITY).is_file():
        raise DataError(f"model.weights: {folder} is a folder, but not one of a run")
    return folder / IDENTITY
