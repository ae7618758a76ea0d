"""The bytes that NNC's DeepCABAC coder takes for integer tensors: FILE.npz to {name: bytes} as JSON.

Runs in an environment of its own, see README.md. Each tensor takes the least of all settings tried, and is decoded
again to be sure.
"""

import itertools
import json
import sys

import deepCABAC
import numpy as np
from numpy.typing import NDArray

Integers = NDArray[np.int32]
UNARY_LENGTHS = (1, 2, 3, 4, 6, 8, 11, 14, 16, 20, 24, 32, 48, 64, 96, 127)
BLOCKS = {1: 8, 2: 16, 3: 32, 4: 64}
OFF = (deepCABAC.HdspMode.AlwaysOff, np.zeros(2, np.int8))
PROFILE = 1  # the second edition, which allows rows to be skipped


def encoded(tensor: Integers, unary: int, initialise: int, scan: int, skip: int) -> NDArray[np.uint8]:
    """The payload under one setting."""
    encoder = deepCABAC.Encoder()
    encoder.initCtxModels(unary, initialise)
    empty_rows = np.ascontiguousarray(~tensor.reshape(len(tensor), -1).any(axis=1), np.int32)
    encoder.encodeLayer(tensor, 0, scan, PROFILE, 0, skip, empty_rows, *OFF, 0, 0)
    payload: NDArray[np.uint8] = encoder.finish()
    return payload


def decoded(payload: NDArray[np.uint8], shape: tuple[int, ...], unary: int, scan: int) -> Integers:
    """The integers of a payload."""
    decoder = deepCABAC.Decoder()
    padded = np.concatenate([payload, np.zeros(64, np.uint8)])  # the decoder reads ahead
    decoder.setStream(padded)
    decoder.initCtxModels(unary)
    tensor = np.zeros(shape, np.int32)
    in_blocks = scan and -(-shape[0] // BLOCKS[scan]) > 1
    decode = decoder.decodeLayerAndCreateEPs if in_blocks else decoder.decodeLayer
    decode(tensor, 0, scan, PROFILE, 0, *OFF, 0, 0)
    return tensor


def least_bytes(tensor: Integers) -> int:
    """The shortest payload that decodes to `tensor`."""
    is_matrix = tensor.ndim > 1 and len(tensor) > 1 and tensor[0].size > 1
    top = max(int(np.abs(tensor).max()), 1)
    settings = itertools.product(
        sorted({min(length, top) for length in UNARY_LENGTHS}),
        (0, 1),
        (0, 1, 2, 3, 4) if is_matrix else (0,),
        (0, 1) if is_matrix and not tensor.reshape(len(tensor), -1).any(axis=1).all() else (0,),
    )
    found = [(len(encoded(tensor, *setting)), setting) for setting in settings]
    size, (unary, initialise, scan, skip) = min(found)
    again = decoded(encoded(tensor, unary, initialise, scan, skip), tensor.shape, unary, scan)
    if not np.array_equal(again, tensor):
        raise AssertionError("the payload does not decode to its integers")
    return size


def main() -> None:
    """Prints the bytes of every tensor of the file."""
    with np.load(sys.argv[1]) as file:
        sizes = {name: least_bytes(np.ascontiguousarray(file[name], np.int32)) for name in file.files}
    json.dump(sizes, sys.stdout)


if __name__ == "__main__":
    main()
