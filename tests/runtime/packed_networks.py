"""Networks packed, and what torch computes from them."""

import torch
from torch import Tensor, nn

from sparsecnn.models import prunable_weights
from sparsecnn.operators import project_l0
from sparsecnn.packing import packer_of, unpack
from sparsecnn.programs import ProgramModule
from sparsecnn.storage import PackedNetwork


class Branches(nn.Module):
    """Operations that C does not know, in the middle and on branches."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.left = nn.Conv2d(3, 8, 3, padding=1), nn.Conv2d(8, 6, 3, padding=1)
        self.right, self.joined = nn.Conv2d(8, 6, 1), nn.Conv2d(12, 12, 3, stride=2, padding=1, groups=2)
        self.scores = nn.Linear(12, 5)

    def forward(self, images: Tensor) -> Tensor:
        maps = nn.functional.local_response_norm(torch.relu(self.first(images)), 3)
        left, right = nn.functional.hardswish(self.left(maps)), torch.relu(self.right(maps))
        maps = torch.relu(self.joined(torch.cat([left, right], 1)))
        scores: Tensor = self.scores(maps.mean((2, 3)))
        return scores


def packed(model: nn.Module, shape: tuple[int, ...], density: float) -> PackedNetwork:
    with torch.no_grad():
        for weight in prunable_weights(model).values():
            weight.copy_(project_l0(weight, int(density * weight.numel())))
        for name, buffer in model.named_buffers():
            if buffer.is_floating_point():
                buffer.uniform_(0.5, 1.5) if name.endswith("var") else buffer.normal_(0, 0.1)
    return packer_of(model.eval(), shape).pack(model.state_dict())


def dense(network: PackedNetwork) -> ProgramModule:
    unpacked = unpack(network)
    assert unpacked.program is not None
    return ProgramModule(unpacked.program, unpacked.values)


def error(found: Tensor, expected: Tensor) -> float:
    assert found.shape == expected.shape
    return float((found - expected).abs().max() / expected.abs().max().clamp_min(1e-30)) if len(found) else 0.0
