"""A network that gives every pixel of an image its own scores, at full resolution throughout.

Source: Haber, Lensink, Treister & Ruthotto 2019, "IMEXnet" (arXiv 1903.02639) and its code.
"""

from collections.abc import Callable, Sequence

from torch import Tensor, nn


class PixelNet(nn.Module):
    """At each width a 3x3 convolution with batch normalisation and ReLU, then `steps` steps; at the end a 1x1 one.

    `step` gives what maps [N, C, H, W] of so many channels to the same shape. ValueError for no widths, widths below 1
    and steps below 0.
    """

    def __init__(
        self,
        step: Callable[[int], nn.Module],
        widths: Sequence[int] = (64, 128, 256),
        steps: int = 3,
        in_channels: int = 1,
        classes: int = 4,
    ) -> None:
        super().__init__()
        if not widths or min(widths) < 1 or steps < 0:
            raise ValueError(f"widths must be at least 1 and steps at least 0, got {list(widths)} and {steps}")
        layers: list[nn.Module] = []
        for before, width in zip([in_channels, *widths], widths, strict=False):
            conv = nn.Conv2d(before, width, 3, padding=1, bias=False)
            layers += [conv, nn.BatchNorm2d(width, affine=False), nn.ReLU()]
            layers += [step(width) for _ in range(steps)]
        self.layers = nn.Sequential(*layers)
        self.scores = nn.Conv2d(widths[-1], classes, 1, bias=False)

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, classes, H, W]."""
        scores: Tensor = self.scores(self.layers(images))
        return scores
