"""The only room that knows Hydra: overrides to objects and identity."""

from sparsecnn.config.build import build, check
from sparsecnn.config.compose import Composed, compose, compose_over, conf_dir, groups, saved_value, sweep
from sparsecnn.config.identity import identity, run_folder
from sparsecnn.config.settings import default_settings, saved_settings

__all__ = [
    "Composed",
    "build",
    "check",
    "compose",
    "compose_over",
    "conf_dir",
    "default_settings",
    "groups",
    "identity",
    "run_folder",
    "saved_settings",
    "saved_value",
    "sweep",
]
