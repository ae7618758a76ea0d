"""The network of pixels, against the counts of the authors' code."""

from functools import partial

import torch
from torch import nn

from sparsecnn.layers import ImexStep
from sparsecnn.models import PixelNet


def count(model: nn.Module) -> int:
    return sum(parameter.numel() for parameter in model.parameters())


def test_the_counts_of_the_authors_network() -> None:
    explicit = PixelNet(partial(ImexStep, implicit=False))
    assert count(explicit) - count(explicit.scores) == 2_691_648
    assert count(explicit.scores) == 1_024
    # Theirs counts 9,792; nine steps of 9 weights a channel are these.
    assert count(PixelNet(ImexStep)) - count(explicit) == 12_096


def test_every_pixel_has_scores_and_with_implicit_steps_all_pixels_count_for_them() -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 1, 32, 32, dtype=torch.float64, requires_grad=True)
    counts = []
    for implicit in (True, False):
        model = PixelNet(partial(ImexStep, implicit=implicit), widths=(4, 4), steps=1).double().eval()
        scores = model(images)
        assert scores.shape == (2, 4, 32, 32)
        (gradient,) = torch.autograd.grad(scores[0, :, 16, 16].sum(), images)
        assert not gradient[1].any()
        counts.append(gradient[0, 0] != 0)
    assert counts[0].all()
    # Twice one convolution and a step of two: none of them sees further than a pixel.
    assert counts[1][10:23, 10:23].sum() == counts[1].sum() > 0
