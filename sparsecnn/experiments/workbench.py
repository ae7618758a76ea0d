"""The parts of an experiment, built: data on the device, networks, trainings, measurements."""

import logging
from collections.abc import Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from sparsecnn.data import DataSet, Split, cut_train, cut_validation
from sparsecnn.errors import ConfigError, DivergedError
from sparsecnn.experiments.accounting import Accounting, PackedAccounting, PaperAccounting, value_of
from sparsecnn.experiments.activations import Activations, activations_of
from sparsecnn.experiments.measurement import Measurement
from sparsecnn.experiments.parts import Parts
from sparsecnn.layers.support import on_support
from sparsecnn.models import (
    WeightsFile,
    build_model,
    deployed,
    few_bits,
    fill_,
    load_weights_,
    multiply_adds,
    other_values,
    prunable_weights,
    weight_counts,
)
from sparsecnn.packing import Packer, packer_of, pixels_note
from sparsecnn.storage import Storage
from sparsecnn.training import Evaluation, Placement, Trainer, evaluate, evaluate_cohort, place

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Workbench:
    """Everything that is built once and serves all networks of an experiment."""

    parts: Parts
    data: DataSet
    trainer: Trainer
    validation: Split | None
    test: Split

    @classmethod
    def of(cls, parts: Parts) -> "Workbench":
        """The workbench with its data in this process's memory."""
        data = parts.data_set()
        train, validation = data.train, None
        if parts.validation_share:
            train, validation = cut_validation(data.train, parts.validation_share, parts.validation_seed)
        if parts.train_share != 1:
            train = cut_train(train, parts.train_share, parts.train_seed)
        log.info("data: %d train, %d validation, %d test", len(train), len(validation or ()), len(data.test))
        trainer = Trainer(train, parts.preprocessing(train), Placement(torch.device("cpu")), parts.loss_every)
        return cls(parts, data, trainer, validation, data.test)

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
        storage, kind = self.storage, self.parts.memory
        return PaperAccounting(storage) if kind == "paper" else PackedAccounting(self.packer, value_of(kind, storage))

    @cached_property
    def storage(self) -> Storage:
        """How the networks of this experiment are stored."""
        return replace(self.parts.storage, few_bits=few_bits(self._example))

    def fingerprint(self) -> Mapping[str, str]:
        """What the results depend on beyond the configuration: the content of data and weights."""
        return {"data": self.data.fingerprint, **self.parts.weights_fingerprint()}

    def fresh_model(self, seed: int) -> nn.Module:
        """A network initialised under `seed`, or filled from the user's file of weights for it."""
        torch.manual_seed(seed)
        model = self._built()
        weights = self.parts.weights_of(seed)
        if weights is not None:
            load_weights_(model, weights)
        return self.placed(model)

    def stored_model(self, weights: Path | WeightsFile) -> nn.Module:
        """A network with the weights of a file."""
        model = self._built()
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
    def layer_shapes(self) -> Mapping[str, tuple[int, ...]]:
        """The shapes of these weights."""
        return {name: tuple(weight.shape) for name, weight in prunable_weights(self._example).items()}

    @cached_property
    def dense_bytes(self) -> int:
        """The memory of the dense network."""
        return self.storage.dense_bytes(self.layer_sizes, other_values(self._example))

    @cached_property
    def activations(self) -> Activations:
        """What the networks of this experiment keep in memory beside their weights."""
        return activations_of(self._example, self.data.image_shape, self.data.label_shape)

    def multiply_adds(self, model: nn.Module) -> int | None:
        """Those of `model` for one image; None for a network that cannot be followed."""
        try:
            return multiply_adds(model, self.data.image_shape)
        except Exception as error:  # a network of the user's own may raise anything
            log.debug("multiply-adds are not counted: %s", error)
            return None

    @cached_property
    def _example(self) -> nn.Module:
        """A network whose values do not matter."""
        return self._built()

    def _built(self) -> nn.Module:
        return build_model(
            self.parts.model,
            image_shape=self.data.image_shape,
            classes=len(self.data.classes),
            label_shape=self.data.label_shape,
        )

    def filled_model(self, values: Mapping[str, Tensor]) -> nn.Module:
        """A network of the configured architecture with the `values` of a file; DataError when they do not fit it."""
        model = deployed(self._built())
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
            Measurement(memory, validation, test, self.multiply_adds(model))
            for model, (memory, _), validation, test in zip(models, counted, validations, tests, strict=True)
        ]
        return [measurement.error or measurement for measurement in measured]

    def _measured_or_not(self, model: nn.Module) -> Measurement | DivergedError:
        try:
            return self.measure(model)
        except DivergedError as error:
            return error

    def _evaluate_together(self, models: Sequence[nn.Module], split: Split) -> list[Evaluation]:
        return evaluate_cohort(models, split, preprocess=self.trainer.preprocess, placement=self.placement)

    def measure(
        self,
        model: nn.Module,
        images: int | None = None,
        *,
        on_test: bool = True,
        support: Mapping[str, Tensor] | None = None,
    ) -> Measurement:
        """Memory and accuracies of a network, unless `on_test` that on validation alone; on so many of its `images`.

        With the `support` on which it was trained, it is measured as it was trained. DivergedError when a loss is not
        finite.
        """
        memory, stored = self.accounting.network(model)
        work = self.multiply_adds(model)
        model = model if stored is None else self.placed(stored)
        validated = self.validation
        if validated and images is not None:
            validated = _some(validated, images)
        with on_support(model, support) if support and stored is None else nullcontext():
            validation = self._evaluate(model, validated) if validated else None
            test = self.test_evaluation(model) if on_test else None
        measurement = Measurement(memory, validation, test, work)
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
