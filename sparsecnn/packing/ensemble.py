"""Several packed networks as one, which tells the log of the mean of their class probabilities."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from sparsecnn.programs import Program, Step, parse_program
from sparsecnn.storage import PackedNetwork


def joined(networks: Sequence[PackedNetwork]) -> PackedNetwork:
    """One network of all of `networks`, each of which has a program, for the images of the first.

    Layer `conv1` of network number 2, counted from 0, is called `2.conv1`. Its scores are log-probabilities: the log of
    the mean over the networks of the softmax of their scores.
    """
    layers = [replace(layer, name=f"{place}.{layer.name}") for place, of in enumerate(networks) for layer in of.layers]
    program = _mean([parse_program(network.notes["program"]) for network in networks])
    others = np.concatenate([network.others for network in networks])
    return PackedNetwork(tuple(layers), others, {**networks[0].notes, "program": str(program)})


def _mean(programs: Sequence[Program]) -> Program:
    """The programs one behind the other, each from the image on, and the mean of what they tell."""
    steps: list[Step] = []
    ends = []
    for place, program in enumerate(programs):
        before = len(steps)
        for step in program.steps:
            layer = None if step.layer is None else f"{place}.{step.layer}"
            inputs = tuple(source + before if source else 0 for source in step.inputs)
            steps.append(replace(step, layer=layer, inputs=inputs))
        ends.append(len(steps))
    return Program((*steps, Step("log_mean_softmax", tuple(ends))))
