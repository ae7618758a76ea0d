"""ResNet-18 for 32 x 32 images, its kernels dense or with pre-defined supports."""

from itertools import count

from torch import Tensor, nn

from sparsecnn.models.kernels import DENSE, conv3x3

WIDTHS = (64, 128, 256, 512)
CONVOLUTIONS = 4  # of a stage


class ProjectedBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut, a 1x1 convolution where the shape changes."""

    def __init__(self, in_channels: int, channels: int, stride: int, supports: str, seed: int) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, channels, stride=stride, supports=supports, seed=seed)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = conv3x3(channels, channels, supports=supports, seed=seed + 1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.shortcut = nn.Sequential()
        if stride != 1 or in_channels != channels:
            projection = nn.Conv2d(in_channels, channels, 1, stride, bias=False)
            self.shortcut = nn.Sequential(projection, nn.BatchNorm2d(channels))

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, channels, H / stride, W / stride]."""
        inner = nn.functional.relu(self.bn1(self.conv1(images)))
        return nn.functional.relu(self.bn2(self.conv2(inner)) + self.shortcut(images))


class ResNet18(nn.Module):
    """Four stages of two blocks, 64 to 512 channels wide; the first convolution and the 1x1 ones are always dense.

    Source: He et al. 2016 as it is used on CIFAR; `supports` as in pSConv (11,173,962 parameters dense, ten classes).
    Those that are drawn are under `seed`, for each layer others.
    """

    def __init__(self, supports: str = DENSE, seed: int = 0, in_channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        self.conv1 = conv3x3(in_channels, WIDTHS[0])
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        seeds = count(len(WIDTHS) * CONVOLUTIONS * seed, 2)
        blocks, before = [], WIDTHS[0]
        for number, width in enumerate(WIDTHS):
            blocks += [ProjectedBlock(before, width, 2 if number else 1, supports, next(seeds))]
            blocks += [ProjectedBlock(width, width, 1, supports, next(seeds))]
            before = width
        self.blocks = nn.Sequential(*blocks)
        self.fc = nn.Linear(WIDTHS[-1], classes)

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, classes]."""
        features = self.blocks(nn.functional.relu(self.bn1(self.conv1(images))))
        scores: Tensor = self.fc(features.mean(dim=(2, 3)))
        return scores
