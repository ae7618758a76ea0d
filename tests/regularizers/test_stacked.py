"""Several regularizers as one do what each does alone."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from sparsecnn import regularizers
from sparsecnn.budgets import Budgets
from sparsecnn.regularizers import Regularizer
from sparsecnn.regularizers.projection import Projection
from sparsecnn.regularizers.stacked import Each, projections, together

STEPS = 6
BUDGETS: list[Budgets] = [{"a": 20, "b": 3}, {"a": 1, "b": 12}, {"b": 0}]


def every_third(budgets: Budgets) -> Regularizer:
    return regularizers.l0_projection(budgets, every=3)


def shrink(budgets: Budgets) -> Regularizer:
    return regularizers.l1_shrinkage(budgets, strength=0.1)


def fixed_mask(budgets: Budgets) -> Regularizer:
    return regularizers.threshold_fixed_mask(budgets, after=0.5)


def states(regularizer: Regularizer, weights: dict[str, Tensor], moves: list[dict[str, Tensor]]) -> list[Tensor]:
    """All weights behind begin_, each step that moves them, and settle_."""
    regularizer.begin_(weights, step=0, steps=STEPS)
    found = [torch.cat([weight.flatten() for weight in weights.values()])]
    for step in range(1, STEPS + 1):
        for name, weight in weights.items():
            weight += moves[step - 1][name]
        regularizer.apply_(weights, step=step, steps=STEPS, lr=0.1)
        found.append(torch.cat([weight.flatten() for weight in weights.values()]))
    regularizer.settle_(weights)
    return [*found, torch.cat([weight.flatten() for weight in weights.values()])]


def random_weights(seed: int) -> dict[str, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    return {"a": torch.randn(3, 4, 3, 3, 3, generator=generator), "b": torch.randn(3, 3, 4, generator=generator)}


def joined(regularizers: list[Regularizer], weights: dict[str, Tensor]) -> Regularizer:
    found = projections(regularizers, weights)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("build", "join"),
    [
        *((build, Each) for build in (regularizers.l0_projection, shrink, fixed_mask, regularizers.threshold_once)),
        (regularizers.l0_projection, joined),
        (every_third, joined),
    ],
)
def test_each_network_is_regularized_as_if_it_were_alone(
    build: Callable[[Budgets], Regularizer], join: Callable[..., Regularizer]
) -> None:
    moves = [random_weights(seed) for seed in range(1, STEPS + 1)]
    weights = random_weights(0)
    each = [build(budgets) for budgets in BUDGETS]
    found = states(Each(each) if join is Each else join(each, weights), weights, moves)
    for number, budgets in enumerate(BUDGETS):
        own = [{name: move[name][number] for name in move} for move in moves]
        alone = {name: weight[number].clone() for name, weight in random_weights(0).items()}
        for stacked, wanted in zip(found, states(build(budgets), alone, own), strict=True):
            rows = stacked.split([weight.numel() for weight in weights.values()])
            assert torch.equal(torch.cat([row.view(len(BUDGETS), -1)[number] for row in rows]), wanted)


def test_projections_of_all_networks_at_once_are_for_other_devices_than_the_cpu() -> None:
    each = [regularizers.l0_projection(budgets) for budgets in BUDGETS]
    weights = random_weights(0)
    on_meta = {name: weight.to("meta") for name, weight in weights.items()}
    assert isinstance(together(each, weights), Each)
    assert isinstance(together(each, on_meta), Projection)
    assert isinstance(together([*each[:2], every_third({})], on_meta), Each)
    assert isinstance(together([*each[:2], regularizers.none({})], on_meta), Each)
