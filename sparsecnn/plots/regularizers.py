"""Regularizers as figures name them, in the order of their legends."""

from collections.abc import Iterable

NAMES = {
    "none": "no regularizer",
    "l1_shrinkage": "l1 shrinkage",
    "l1_shrinkage_late": "l1 shrinkage, late",
    "l0_projection": "l0 projection",
    "l0_every_10": "l0 projection, every 10 steps",
    "l0_every_100": "l0 projection, every 100 steps",
    "l0_projection_late": "l0 projection, late",
    "threshold_once": "threshold once",
    "threshold_fixed_mask": "threshold, fixed-mask fine-tune",
}


def named(present: Iterable[str]) -> dict[str, str]:
    """The names of those that are `present`, ours first, then others by themselves."""
    found = set(present)
    return {name: NAMES.get(name, name) for name in [*NAMES, *sorted(found - set(NAMES))] if name in found}
