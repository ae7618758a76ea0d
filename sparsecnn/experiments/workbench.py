"""The parts of an experiment, built: data on the device, networks, trainings, measurements."""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from sparsecnn.data import DataSet, Preprocessing, Split, cut_train, cut_validation
from sparsecnn.errors import ConfigError, DataError, DivergedError
from sparsecnn.experiments.accounting import Accounting, PackedAccounting, PaperAccounting, checked_kind, value_of
from sparsecnn.experiments.measurement import Measurement
from sparsecnn.models import (
    WeightsFile,
    build_model,
    fill_,
    load_weights_,
    other_values,
    weight_counts,
    weights_digest,
)
from sparsecnn.packing import Packer, packer_of, pixels_note
from sparsecnn.storage import Storage
from sparsecnn.training import Evaluation, Placement, Trainer, evaluate, evaluate_cohort, place

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Parts:
    """What the configuration says of data, network and machine; nothing is read or built yet.

    `validation_share` of the train split is held out by a stratified draw with `validation_seed`; 0 holds nothing out.
    Of what stays the share `train_share` of every class is trained on, by a draw with `train_seed`. `weights` is a file
    that the network starts from. `memory` says what memory means: "paper", "packed" or "packed_int8"; `cohort` how many
    networks are trained together. With `loss_every` the training loss of so many steps each is recorded.
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

    @property
    def may_stack(self) -> bool:
        """Whether networks may be trained together: where it was asked for, and by "auto" on a GPU."""
        if self.cohort != "auto":
            return self.cohort > 1
        return self.device.startswith("cuda") or (self.device == "auto" and torch.cuda.is_available())

    def read(self) -> "Workbench":
        """The workbench with its data in this process's memory."""
        data = self._read()
        train, validation = data.train, None
        if self.validation_share:
            train, validation = cut_validation(data.train, self.validation_share, self.validation_seed)
        if self.train_share != 1:
            train = cut_train(train, self.train_share, self.train_seed)
        log.info("data: %d train, %d validation, %d test", len(train), len(validation or ()), len(data.test))
        trainer = Trainer(train, self.preprocessing(train), Placement(torch.device("cpu")), self.loss_every)
        return Workbench(self, data, trainer, validation, data.test)

    def set_up(self) -> "Workbench":
        """The workbench, ready to train."""
        return self.read().ready()

    def _read(self) -> DataSet:
        """The data set, which may be read by code of the user's own."""
        try:
            data: Any = self.data()
        except OSError as error:
            raise DataError(f"the data cannot be read: {error}") from error
        if not isinstance(data, DataSet):
            raise ConfigError(f"data._target_ must give a sparsecnn.data.DataSet, got {type(data).__name__}")
        return data


@dataclass(frozen=True)
class Workbench:
    """Everything that is built once and serves all networks of an experiment."""

    parts: Parts
    data: DataSet
    trainer: Trainer
    validation: Split | None
    test: Split

    def ready(self) -> "Workbench":
        """The same on the device that the configuration names, with the process set up for it."""
        placement = place(self.parts.device, self.parts.precision, self.parts.threads)
        split, preprocess = self.trainer.split.to(placement.device), self.trainer.preprocess.to(placement.device)
        return replace(
            self,
            trainer=replace(self.trainer, split=split, preprocess=preprocess, placement=placement),
            validation=self.validation.to(placement.device) if self.validation else None,
            test=self.test.to(placement.device),
        )

    @property
    def placement(self) -> Placement:
        """Where networks compute."""
        return self.trainer.placement

    @cached_property
    def packer(self) -> Packer:
        """Packs the networks of this experiment."""
        note = pixels_note(self.trainer.preprocess)
        return packer_of(self._example, self.data.image_shape, {} if note is None else {"pixels": note})

    @cached_property
    def accounting(self) -> Accounting:
        """What memory means here."""
        storage, kind = self.parts.storage, self.parts.memory
        return PaperAccounting(storage) if kind == "paper" else PackedAccounting(self.packer, value_of(kind, storage))

    def fingerprint(self) -> Mapping[str, str]:
        """What the results depend on beyond the configuration: the content of data and weights."""
        weights = {"weights": weights_digest(Path(self.parts.weights))} if self.parts.weights else {}
        return {"data": self.data.fingerprint, **weights}

    def fresh_model(self, seed: int) -> nn.Module:
        """A network initialised under `seed`, or filled from the user's file of weights."""
        torch.manual_seed(seed)
        shape = self.data.image_shape
        model = build_model(self.parts.model, image_shape=shape, classes=len(self.data.classes))
        if self.parts.weights:
            load_weights_(model, Path(self.parts.weights))
        return self.placed(model)

    def stored_model(self, weights: Path | WeightsFile) -> nn.Module:
        """A network with the weights of a file."""
        model = build_model(self.parts.model, image_shape=self.data.image_shape, classes=len(self.data.classes))
        if isinstance(weights, WeightsFile):
            weights.fill_(model)
        else:
            load_weights_(model, weights)
        return self.placed(model)

    @cached_property
    def layer_sizes(self) -> Mapping[str, int]:
        """The weights of every prunable layer."""
        return weight_counts(self._example)

    @cached_property
    def dense_bytes(self) -> int:
        """The memory of the dense network."""
        return self.parts.storage.dense_bytes(sum(self.layer_sizes.values()), other_values(self._example))

    @cached_property
    def _example(self) -> nn.Module:
        """A network whose values do not matter."""
        return build_model(self.parts.model, image_shape=self.data.image_shape, classes=len(self.data.classes))

    def filled_model(self, values: Mapping[str, Tensor]) -> nn.Module:
        """A network of the configured architecture with `values`; DataError when they do not fit it."""
        model = build_model(self.parts.model, image_shape=self.data.image_shape, classes=len(self.data.classes))
        fill_(model, values)
        return self.placed(model)

    def validate(self, model: nn.Module) -> Evaluation:
        """Accuracy and loss on the validation split."""
        if self.validation is None:
            raise ConfigError("there is no validation split: validation.share is 0")
        return self._evaluate(model, self.validation)

    def test_evaluation(self, model: nn.Module) -> Evaluation:
        """Accuracy and loss on the test split."""
        return self._evaluate(model, self.test)

    def round_(self, model: nn.Module) -> None:
        """Rounds every value to the width in which it is stored: what is measured is the network that is kept."""
        buffers = (buffer for buffer in model.buffers() if buffer.is_floating_point())
        self.parts.storage.round_([*model.parameters(), *buffers])

    def measure_together(self, models: Sequence[nn.Module]) -> list[Measurement | DivergedError]:
        """`measure` of networks of one architecture, all at once where they are measured as they are."""
        counted = [self.accounting.network(model) for model in models]
        if any(stored is not None for _, stored in counted):
            return [self._measured_or_not(model) for model in models]
        validations: Sequence[Evaluation | None] = [None] * len(models)
        if self.validation:
            validations = self._evaluate_together(models, self.validation)
        tests = self._evaluate_together(models, self.test)
        measured = [
            Measurement(memory, validation, test)
            for (memory, _), validation, test in zip(counted, validations, tests, strict=True)
        ]
        return [measurement.error or measurement for measurement in measured]

    def _measured_or_not(self, model: nn.Module) -> Measurement | DivergedError:
        try:
            return self.measure(model)
        except DivergedError as error:
            return error

    def _evaluate_together(self, models: Sequence[nn.Module], split: Split) -> list[Evaluation]:
        return evaluate_cohort(models, split, preprocess=self.trainer.preprocess, placement=self.placement)

    def measure(self, model: nn.Module, images: int | None = None) -> Measurement:
        """Memory and both accuracies of a finished network; DivergedError when a loss is not finite.

        With `images` only validation is measured, on so many of its images.
        """
        memory, stored = self.accounting.network(model)
        model = model if stored is None else self.placed(stored)
        validated = self.validation
        if validated and images is not None:
            validated = _some(validated, images)
        validation = self._evaluate(model, validated) if validated else None
        test = self.test_evaluation(model) if images is None else None
        measurement = Measurement(memory, validation, test)
        if measurement.error is not None:
            raise measurement.error
        return measurement

    def _evaluate(self, model: nn.Module, split: Split) -> Evaluation:
        return evaluate(model, split, preprocess=self.trainer.preprocess, placement=self.placement)

    def placed(self, model: nn.Module) -> nn.Module:
        """The same network on the device."""
        placed: nn.Module = model.to(self.placement.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
        return placed


def _some(split: Split, images: int) -> Split:
    """So many images, evenly spread: files come sorted by class."""
    count = min(images, len(split))
    return split.select(torch.arange(count) * len(split) // count)
