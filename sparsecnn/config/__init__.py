"""The only room that knows Hydra: overrides to objects and identity."""

from sparsecnn.config.build import build, check
from sparsecnn.config.compose import Composed, compose, compose_over, conf_dir, groups, saved_value, sweep
from sparsecnn.config.identity import identity, run_folder

__all__ = [
    "Composed",
    "build",
    "check",
    "compose",
    "compose_over",
    "conf_dir",
    "groups",
    "identity",
    "run_folder",
    "saved_value",
    "sweep",
]
