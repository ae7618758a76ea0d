"""Residual networks for 32 x 32 images."""

from torch import Tensor, nn

WIDTHS = (16, 32, 64)


class BasicBlock(nn.Module):
    """Two 3x3 convolutions beside a shortcut without parameters."""

    def __init__(self, in_channels: int, channels: int, stride: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(in_channels, channels, 3, stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm2d(channels)
        self.stride = stride
        self.new_channels = channels - in_channels

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, channels, H / stride, W / stride]."""
        inner = nn.functional.relu(self.bn1(self.conv1(images)))
        return nn.functional.relu(self.bn2(self.conv2(inner)) + self._shortcut(images))

    def _shortcut(self, images: Tensor) -> Tensor:
        if self.new_channels == 0 and self.stride == 1:
            return images
        # Option A of the paper: every other pixel, and zeros for the new channels, half on either side.
        before = self.new_channels // 2
        padding = (0, 0, 0, 0, before, self.new_channels - before)
        return nn.functional.pad(images[:, :, :: self.stride, :: self.stride], padding)


class ResNet(nn.Module):
    """The CIFAR network of `depth` = 6n + 2 layers: three stages of n blocks, 16, 32 and 64 channels wide.

    Source: He et al. 2016, "Deep Residual Learning for Image Recognition", section 4.2 (ResNet-20: 268,336 weights).
    """

    def __init__(self, depth: int, in_channels: int = 3, classes: int = 10) -> None:
        super().__init__()
        if depth < 8 or (depth - 2) % 6:
            raise ValueError(f"depth must be 6n + 2 with n at least 1, got {depth}")
        self.conv1 = nn.Conv2d(in_channels, WIDTHS[0], 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(WIDTHS[0])
        blocks = (depth - 2) // 6
        self.stage1 = _stage(WIDTHS[0], WIDTHS[0], blocks, stride=1)
        self.stage2 = _stage(WIDTHS[0], WIDTHS[1], blocks, stride=2)
        self.stage3 = _stage(WIDTHS[1], WIDTHS[2], blocks, stride=2)
        self.fc = nn.Linear(WIDTHS[2], classes)
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, images: Tensor) -> Tensor:
        """[N, in_channels, H, W] to [N, classes]."""
        features = nn.functional.relu(self.bn1(self.conv1(images)))
        features = self.stage3(self.stage2(self.stage1(features)))
        scores: Tensor = self.fc(features.mean(dim=(2, 3)))
        return scores


def _stage(in_channels: int, channels: int, blocks: int, *, stride: int) -> nn.Sequential:
    first = BasicBlock(in_channels, channels, stride)
    return nn.Sequential(first, *(BasicBlock(channels, channels, 1) for _ in range(blocks - 1)))
