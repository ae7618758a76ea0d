"""One residual skeleton for all operators, so that they can be compared.

Source: Ruthotto & Haber 2018, "Deep Neural Networks Motivated by Partial Differential Equations" (arXiv 1804.04272) and
its code for openings, connectors and widths.
"""

from collections.abc import Callable, Sequence
from itertools import pairwise

from torch import Tensor, nn

Make = Callable[[int], nn.Module]


class Skeleton(nn.Module):
    """An opening, `steps` steps at every width but the last with a connector to the next, a linear classifier.

    The opening is a 3x3 convolution to widths[0] channels, a connector a 1x1 one, each with batch normalisation and
    ReLU; between stages 2x2 averages are taken, at the end the mean of all pixels. `step` gives what maps
    [N, C, H, W] of so many channels to the same shape; an `early_step` is taken instead in the first `early_stages`
    stages (left open: in all but the last). ValueError for fewer than two widths, widths below 1, steps below 0, and
    stages that are not there.
    """

    def __init__(
        self,
        step: Make,
        widths: Sequence[int] = (32, 64, 112, 112),
        steps: int = 3,
        in_channels: int = 3,
        classes: int = 10,
        early_step: Make | None = None,
        early_stages: int | None = None,
    ) -> None:
        super().__init__()
        if len(widths) < 2:
            raise ValueError(f"widths must be at least two, got {list(widths)}")
        if min(widths) < 1 or steps < 0:
            raise ValueError(f"widths must be at least 1 and steps at least 0, got {list(widths)} and {steps}")
        stages = len(widths) - 1
        if early_stages is not None and not 0 <= early_stages <= stages:
            raise ValueError(f"early_stages must be 0 to {stages}, got {early_stages}")
        if early_stages and early_step is None:
            raise ValueError("early_stages need an early_step")
        early = stages - 1 if early_stages is None else early_stages
        self.opening = _convolution(in_channels, widths[0], 3)
        self.stages = nn.ModuleList()
        for number, (width, following) in enumerate(pairwise(widths)):
            make = early_step if early_step and number < early else step
            inside = [make(width) for _ in range(steps)]
            self.stages.append(nn.Sequential(*inside, _convolution(width, following, 1)))
        self.pool = nn.AvgPool2d(2)
        self.fc = nn.Linear(widths[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, classes]."""
        features = self.opening(images)
        for number, stage in enumerate(self.stages):
            features = stage(self.pool(features) if number else features)
        scores: Tensor = self.fc(features.mean(dim=(2, 3)))
        return scores


def _convolution(in_channels: int, channels: int, size: int) -> nn.Sequential:
    conv = nn.Conv2d(in_channels, channels, size, padding=size // 2, bias=False)
    return nn.Sequential(conv, nn.BatchNorm2d(channels), nn.ReLU())
