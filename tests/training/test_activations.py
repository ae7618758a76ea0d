"""What a step keeps, counted by hand."""

import pytest
import torch
from torch import Tensor, nn

from sparsecnn.layers.ode import ODEBlock
from sparsecnn.training import ActivationBytes, activation_bytes

STATE = 2 * 4 * 8 * 8  # values of one state
BYTES = 4


class Field(nn.Module):
    """Keeps two states for its gradient: what the convolution was given, which the step before made, and the tanh."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(4, 4, 3, padding=1)

    def forward(self, state: Tensor) -> Tensor:
        return torch.tanh(self.conv(state))


class Sum(nn.Module):
    def forward(self, state: Tensor) -> Tensor:
        return state.sum(dim=(2, 3))


def measured(*modules: nn.Module) -> ActivationBytes:
    torch.manual_seed(0)
    return activation_bytes(nn.Sequential(*modules, Sum()), torch.randn(2, 4, 8, 8), torch.tensor([0, 1]))


def states(count: int) -> int:
    """So many bytes of states, rounded to what scores and losses are too few to fill."""
    return count // (STATE * BYTES)


@pytest.mark.parametrize("steps", [1, 2, 5])
def test_plain_backpropagation_keeps_the_states_of_all_steps_and_checkpoints_none_of_them(steps: int) -> None:
    plain, checkpointed = (measured(ODEBlock(Field(), steps, "euler", keep)) for keep in ("all", "input"))
    # A tanh a step, and every state but the first, which is the batch, and the last, of which the sum keeps nothing.
    assert states(plain.kept) == 2 * steps - 1
    assert states(checkpointed.kept) == 0
    assert states(checkpointed.peak) <= states(plain.peak)


def test_over_several_blocks_the_peak_is_that_of_their_inputs_and_one_of_them() -> None:
    def peaks(blocks: int, steps: int, keep: str) -> int:
        return states(measured(*(ODEBlock(Field(), steps, "euler", keep) for _ in range(blocks))).peak)  # type: ignore[arg-type]

    assert peaks(4, 8, "all") - peaks(3, 8, "all") == 16
    assert peaks(4, 8, "input") - peaks(3, 8, "input") == 1
    assert peaks(4, 9, "input") - peaks(4, 8, "input") == 2


def test_with_few_states_kept_more_steps_take_no_more() -> None:
    peaks = {measured(ODEBlock(Field(), steps, "euler", 3)).peak for steps in (12, 16, 32, 64)}
    assert len(peaks) == 1


def test_views_and_what_is_written_in_place_are_not_counted_again() -> None:
    class InPlace(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.scale = nn.Parameter(torch.ones(()))

        def forward(self, state: Tensor) -> Tensor:
            return (state * self.scale).relu_().view(2, 4, 4, 16).view(2, 4, 8, 8)

    assert states(measured(InPlace()).kept) == 1


def test_gradients_of_parameters_are_not_counted() -> None:
    wide = measured(nn.Conv2d(4, 4, 7, padding=3))
    narrow = measured(nn.Conv2d(4, 4, 1))
    assert wide.kept == narrow.kept
