"""What a network expects of its pixels, as a note of a packed file."""

import numpy as np
import torch

from sparsecnn.data import Preprocessing


def pixels_note(preprocessing: object) -> str | None:
    """Offsets and scales of the channels as text that gives back the same float32 numbers.

    None for a mean image and for a preparation of the user's own, which a file does not hold.
    """
    if not isinstance(preprocessing, Preprocessing):
        return None
    parts = [tensor.cpu() for tensor in (preprocessing.offset, preprocessing.scale)]
    if any(part.dim() != 3 or part.shape[1:] != (1, 1) for part in parts):
        return None
    return " ".join(",".join(str(number) for number in part.numpy().reshape(-1)) for part in parts)


def preprocessing_of(note: str) -> Preprocessing:
    """What `pixels_note` wrote; ValueError when it cannot be read."""
    try:
        offset, scale = (
            torch.from_numpy(np.array([float(number) for number in part.split(",")], np.float32)).view(-1, 1, 1)
            for part in note.split(" ")
        )
    except ValueError as error:
        raise ValueError(f"its note of pixels cannot be read: {note[:60]!r}") from error
    return Preprocessing(offset, scale)
