"""Objects taken apart into a few bytes and large contents, so that contents can be kept once and shared."""

import io
import pickle
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

# Bytes of a content that is worth being kept apart.
LARGE = 100_000

Content = NDArray[np.uint8]


@dataclass(frozen=True)
class Parcel:
    """An object without its large contents, and these: the memory of tensors, and long byte strings."""

    letter: bytes
    contents: tuple[Content, ...]


def packed(thing: Any) -> Parcel:
    """`thing` taken apart; contents are not copied."""
    letter, contents = io.BytesIO(), list[Content]()
    _Packer(letter, contents).dump(thing)
    return Parcel(letter.getvalue(), tuple(contents))


def unpacked(letter: bytes, contents: Sequence[Content]) -> Any:
    """The object again; its tensors lie in `contents`, which must not be written to."""
    return _Unpacker(io.BytesIO(letter), contents).load()


class _Packer(pickle.Pickler):
    def __init__(self, letter: io.BytesIO, contents: list[Content]) -> None:
        super().__init__(letter, protocol=5)
        self.contents = contents

    def persistent_id(self, thing: Any) -> Any:
        """How a large content is told in the letter; None leaves `thing` to the letter itself."""
        if isinstance(thing, bytes) and len(thing) >= LARGE:
            self.contents.append(np.frombuffer(thing, np.uint8))
            return "bytes", len(self.contents) - 1
        if isinstance(thing, Tensor) and thing.is_cpu and thing.is_contiguous() and thing.nbytes >= LARGE:
            self.contents.append(thing.detach().view(-1).view(torch.uint8).numpy())
            return "tensor", len(self.contents) - 1, str(thing.dtype).removeprefix("torch."), tuple(thing.shape)
        return None


class _Unpacker(pickle.Unpickler):
    def __init__(self, letter: io.BytesIO, contents: Sequence[Content]) -> None:
        super().__init__(letter)
        self.contents = contents

    def persistent_load(self, told: Any) -> Any:
        """The content that was told so."""
        kind, place, *rest = told
        content = self.contents[place]
        if kind == "bytes":
            return content.tobytes()
        with warnings.catch_warnings():
            warnings.filterwarnings("ignore", message="The given NumPy array is not writable")
            memory = torch.from_numpy(content)
        return memory.view(getattr(torch, rest[0])).view(rest[1])
