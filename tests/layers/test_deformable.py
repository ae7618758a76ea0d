"""The operator of deformable convolutions against torchvision's, ordinary ones and finite differences."""

from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn import functional
from torch.utils._python_dispatch import TorchDispatchMode
from torchvision import ops

from sparsecnn.layers.deformable import Window, deform_conv2d

WINDOWS = [Window(), Window(padding=1), Window(2, 1), Window(1, 2, 2), Window(2, 0, 2)]


def operands(window: Window, size: int = 3, *, spread: float = 2.0) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
    """Images, offsets, weight, bias, mask in float64; offsets of `spread` pixels reach outside of the image."""
    generator = torch.Generator().manual_seed(0)

    def noise(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.double)

    images, weight = noise(2, 3, 9, 8), noise(4, 3, size, size)
    plain = functional.conv2d(images, weight, None, window.stride, window.padding, window.dilation)
    offset = spread * noise(2, 2 * size * size, *plain.shape[-2:])
    return images, offset, weight, noise(4), noise(2, size * size, *plain.shape[-2:]).sigmoid()


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("has_mask", [False, True])
def test_it_equals_torchvisions(window: Window, has_mask: bool) -> None:
    images, offset, weight, bias, mask = operands(window, spread=4.0)
    options: dict[str, Any] = vars(window)
    expected = ops.deform_conv2d(images, offset, weight, bias, **options, mask=mask if has_mask else None)
    found = deform_conv2d(images, offset, weight, bias, window, mask if has_mask else None)
    assert (found - expected).abs().max() < 1e-10


@pytest.mark.parametrize("window", WINDOWS)
def test_gradients_equal_torchvisions(window: Window) -> None:
    def gradients(convolve: Any, *extra: Any, **options: Any) -> list[Tensor]:
        *most, mask = (tensor.requires_grad_() for tensor in operands(window))
        convolve(*most, *extra, mask=mask, **options).sin().sum().backward()
        return [tensor.grad for tensor in (*most, mask)]

    expected = gradients(ops.deform_conv2d, **vars(window))
    for one, other in zip(gradients(deform_conv2d, window), expected, strict=True):
        assert (one - other).abs().max() < 1e-10


GROUPS = [(2, 1, 3, 3), (1, 3, 3, 3), (3, 2, 3, 3), (2, 6, 1, 3), (1, 1, 3, 1)]


@pytest.mark.parametrize(("groups", "offset_groups", "rows", "columns"), GROUPS)
@pytest.mark.parametrize("has_mask", [False, True])
@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last])
def test_groups_and_other_kernels_equal_torchvisions(
    groups: int, offset_groups: int, rows: int, columns: int, has_mask: bool, memory_format: torch.memory_format
) -> None:
    torch.manual_seed(0)
    images = torch.randn(2, 6, 7, 5, dtype=torch.double).to(memory_format=memory_format)
    weight = torch.randn(6, 6 // groups, rows, columns, dtype=torch.double)
    sides = functional.conv2d(images, weight, padding=1, groups=groups).shape[-2:]
    offset = 2 * torch.randn(2, 2 * offset_groups * rows * columns, *sides, dtype=torch.double)
    mask = torch.rand(2, offset_groups * rows * columns, *sides, dtype=torch.double) if has_mask else None
    operands = [tensor.requires_grad_() for tensor in (images, offset, weight)]
    found = deform_conv2d(*operands, None, Window(padding=1), mask)
    expected = ops.deform_conv2d(*operands, padding=1, mask=mask)
    assert (found - expected).abs().max() < 1e-10
    gradients = (torch.autograd.grad(result.sin().sum(), operands) for result in (found, expected))
    assert all((one - other).abs().max() < 1e-10 for one, other in zip(*gradients, strict=True))


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    images, offset, weight, _, mask = operands(Window(padding=1))
    with pytest.raises(
        ValueError, match=r"the offset of a 3 x 3 kernel has 18 channels for each group of the 3 .*not 36"
    ):
        deform_conv2d(images, torch.cat([offset, offset], dim=1), weight, None, Window(padding=1))
    with pytest.raises(ValueError, match="not 20"):
        deform_conv2d(images, torch.cat([offset, offset[:, :2]], dim=1), weight, None, Window(padding=1))
    with pytest.raises(ValueError, match=r"a kernel \(4, 2, 3, 3\) does not fit 3 channels"):
        deform_conv2d(images, offset, weight[:, :2], None, Window(padding=1))
    with pytest.raises(ValueError, match="the mask has 9 channels, half of the offset's, not 8"):
        deform_conv2d(images, offset, weight, None, Window(padding=1), mask[:, :8])
    for wrong in ((offset[..., 1:], mask), (offset[:1], mask), (offset, mask[..., :1, :1]), (offset, mask[:1])):
        with pytest.raises(ValueError, match="offset and mask are of 2 images and the 9 x 8 places of the kernel"):
            deform_conv2d(images, wrong[0], weight, None, Window(padding=1), wrong[1])


def test_no_images_give_no_results() -> None:
    images, offset, weight, _, mask = operands(Window(padding=1))
    assert deform_conv2d(images[:0], offset[:0], weight, None, Window(padding=1), mask[:0]).shape == (0, 4, 9, 8)


def test_gradients_equal_finite_differences() -> None:
    window = Window(padding=1)
    images, offset, weight, bias, mask = operands(window, spread=0.0)
    offset = 0.5 + 0.3 * torch.rand(offset.shape, dtype=torch.double, generator=torch.Generator().manual_seed(1))
    inputs = [tensor[:1].requires_grad_() if tensor is not weight else tensor for tensor in (images, offset, weight)]
    weight.requires_grad_()
    assert torch.autograd.gradcheck(
        lambda x, o, w, m: deform_conv2d(x, o, w, bias, window, m), (*inputs, mask[:1].requires_grad_()), fast_mode=True
    )


def test_without_offsets_it_is_a_convolution_and_half_of_one_with_half_a_mask() -> None:
    window = Window(2, 1)
    images, offset, weight, bias, mask = operands(window)
    expected = functional.conv2d(images, weight, stride=2, padding=1)
    still, half = torch.zeros_like(offset), torch.full_like(mask, 0.5)
    assert (deform_conv2d(images, still, weight, None, window) - expected).abs().max() < 1e-12
    assert (deform_conv2d(images, still, weight, None, window, half) - 0.5 * expected).abs().max() < 1e-12
    with_bias = deform_conv2d(images, still, weight, bias, window)
    assert (with_bias - expected - bias[:, None, None]).abs().max() < 1e-12


def test_the_first_of_a_pair_of_offsets_is_down() -> None:
    images, offset, weight, _, _ = operands(Window())
    offset[:, 0::2], offset[:, 1::2] = 1.0, 0.0
    moved = functional.conv2d(functional.pad(images[:, :, 1:], (0, 0, 0, 1)), weight)
    assert (deform_conv2d(images, offset, weight, None, Window()) - moved).abs().max() < 1e-12


def test_what_lies_outside_is_zero() -> None:
    images, offset, weight, _, _ = operands(Window())
    assert (deform_conv2d(images, torch.full_like(offset, 100.0), weight, None, Window()) == 0).all()


class Largest(TorchDispatchMode):
    """The elements of the largest tensor for which any operation takes memory."""

    elements = 0

    def __torch_dispatch__(self, function: Any, types: Any, arguments: Any = (), options: Any = None) -> Any:
        result = function(*arguments, **(options or {}))
        taken = {each.untyped_storage().data_ptr() for each in arguments if isinstance(each, Tensor)}
        if isinstance(result, Tensor) and result.untyped_storage().data_ptr() not in taken:
            self.elements = max(self.elements, result.numel())
        return result


def test_no_temporary_is_larger_than_one_tap_of_the_column_buffer() -> None:
    window = Window(padding=1)
    images, offset, weight, _, _ = operands(window)
    images, weight = images.repeat(1, 4, 1, 1), weight.repeat(1, 4, 1, 1)
    with torch.no_grad(), Largest() as largest:
        deform_conv2d(images, offset, weight, None, window)
    assert largest.elements == 2 * 12 * 9 * 8
