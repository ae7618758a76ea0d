"""Overrides to a composed configuration, by Hydra's compose API."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from hydra import compose as hydra_compose
from hydra import initialize_config_dir
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.global_hydra import GlobalHydra
from hydra.core.override_parser.overrides_parser import OverridesParser
from hydra.core.override_parser.types import Override
from hydra.errors import HydraException
from omegaconf import DictConfig, OmegaConf, open_dict
from omegaconf.errors import OmegaConfBaseException
from yaml import YAMLError

from sparsecnn.config.explain import explain, suggestion
from sparsecnn.errors import ConfigError, DataError

CONF_DIR_VARIABLE = "SPARSECNN_CONF_DIR"
# Nodes that only wire the others together; users neither read nor set them.
WIRING = ("run", "parts")
# Nodes of a run that say nothing of its network.
PLACES = ("runs_dir", "run_dir", "seeds", "tensorboard", "training", "experiment")


@dataclass(frozen=True)
class Composed:
    """A configuration: the nodes, and the short name chosen in each group."""

    nodes: DictConfig
    choices: dict[str, str]

    def text(self) -> str:
        """The resolved configuration as yaml, without the wiring."""
        shown = OmegaConf.masked_copy(self.nodes, [str(key) for key in self.nodes if key not in WIRING])
        return OmegaConf.to_yaml(shown, resolve=True)


def conf_dir() -> Path:
    """The folder of configurations: $SPARSECNN_CONF_DIR, else the checkout's, else the one in the package."""
    package = Path(__file__).resolve().parent.parent
    checkout = package.parent
    named = os.environ.get(CONF_DIR_VARIABLE)
    if named:
        if not Path(named).is_dir():
            raise ConfigError(f"{CONF_DIR_VARIABLE} names no folder: {named}")
        return Path(named).resolve()
    # An editable install leaves an old copy in the package; the checkout's own is the one that people edit.
    return checkout / "conf" if (checkout / "pyproject.toml").is_file() else package / "conf"


def compose(command: str, overrides: Sequence[str], config_dir: Path | None = None) -> Composed:
    """The configuration of `command` ("train", "greedy_search") under Hydra `overrides`.

    `config_dir` is a folder with further group files of the user's own. Raises ConfigError, in one line that names
    the nearest valid key or choice.
    """
    parsed = parse(overrides)
    own = [] if config_dir is None else [f"hydra.searchpath=[{_checked_folder(config_dir)}]"]
    with _hydra():
        try:
            config = hydra_compose(command, overrides=[*overrides, *own], return_hydra_config=True)
            choices = {str(group): str(name) for group, name in config.hydra.runtime.choices.items()}
            with open_dict(config):
                del config["hydra"]
            OmegaConf.to_container(config, resolve=True, throw_on_missing=True)
        except (HydraException, OmegaConfBaseException, ValueError) as error:
            raise ConfigError(explain(error, parsed, *_known(command, parsed))) from error
    _refuse_loose_keys(parsed, config)
    return Composed(config, {group: name for group, name in choices.items() if not group.startswith("hydra/")})


def compose_over(command: str, saved: Path, overrides: Sequence[str]) -> Composed:
    """The configuration of `command` in which all nodes that the file `saved` holds are those of that run.

    `overrides` come last: a group replaces the run's choice, a key changes one value of it.
    """
    nodes = read_saved(saved)
    names = {str(name) for name in nodes}
    parsed = parse(overrides)
    # A key of a group that is chosen anew belongs to that choice, any other to the run's.
    chosen = {override.key_or_group for override in parsed}
    late = [override for override in parsed if _names_a_value(override, names - chosen)]
    lines = [override.input_line for override in late]
    composed = compose(command, [line for line in overrides if line not in lines])
    for name in sorted(names - chosen - set(PLACES)):
        if name in composed.nodes:
            composed.nodes[name] = nodes[name]
    for override in late:
        if OmegaConf.select(composed.nodes, override.key_or_group, default=override) is override:
            valid = list(_keys(composed.nodes))
            raise ConfigError(f"there is no key {override.key_or_group}{suggestion(override.key_or_group, valid)}")
        OmegaConf.update(composed.nodes, override.key_or_group, override.value())
    return composed


def saved_value(saved: Path, key: str) -> object:
    """The value of a dotted `key` in the configuration of a run, None where it has none."""
    return OmegaConf.select(read_saved(saved), key)


def _names_a_value(override: Override, names: set[str]) -> bool:
    key = override.key_or_group
    return "." in key and key.partition(".")[0] in names and not override.is_add() and not override.is_delete()


def read_saved(path: Path) -> DictConfig:
    """The nodes of the configuration of a run; DataError for a file that holds none."""
    try:
        nodes = OmegaConf.load(path)
    except (OSError, YAMLError, OmegaConfBaseException) as error:
        raise DataError(f"{path} holds no configuration of a run") from error
    if not isinstance(nodes, DictConfig):
        raise DataError(f"{path} holds no configuration of a run")
    return nodes


def parse(overrides: Sequence[str]) -> list[Override]:
    """The overrides, parsed; ConfigError for what is none."""
    try:
        parsed: list[Override] = OverridesParser.create().parse_overrides(list(overrides))
    except HydraException as error:
        raise ConfigError(f"cannot read an override: {str(error).splitlines()[0]}") from error
    for override in parsed:
        if not override.key_or_group:
            raise ConfigError(f"cannot read an override: {override.input_line}")
        if override.get_key_element().lstrip("+~").split(".")[0] in ("hydra", *WIRING):
            raise ConfigError(f"{override.input_line}: this part of the configuration cannot be set")
    return parsed


def sweep(overrides: Sequence[str]) -> list[list[str]]:
    """One list of overrides a job: Hydra's sweep syntax (a=1,2, range(3), glob(*)) written out."""
    parsed = parse(overrides)
    with _hydra():
        for override in parsed:
            override.config_loader = GlobalHydra.instance().config_loader()
        batches: list[list[str]] = BasicSweeper.split_arguments(parsed, None)[0]
    return batches


def groups(command: str) -> dict[str, list[str]]:
    """The config groups of `command` and the choices in each."""
    with _hydra():
        loader = GlobalHydra.instance().config_loader()
        return {group: loader.get_group_options(group.partition("@")[0]) for group in sorted(_used_groups(command))}


def _used_groups(command: str) -> list[str]:
    return _groups_of(hydra_compose(command, return_hydra_config=True, overrides=[]))


def _groups_of(config: DictConfig) -> list[str]:
    return [str(group) for group in config.hydra.runtime.choices if not str(group).startswith("hydra/")]


def _known(command: str, parsed: Sequence[Override]) -> tuple[list[str], dict[str, list[str]]]:
    """All keys of the command's configuration under the group choices that hold, and the groups with their choices."""
    loader = GlobalHydra.instance().config_loader()
    config = hydra_compose(command, overrides=[], return_hydra_config=True)
    known = _groups_of(config)
    # Only these: a choice that is wrong, or a key, must not hide the groups and keys that the other choices have.
    for override in (override for override in parsed if override.key_or_group in known and override.input_line):
        chosen = [*config.hydra.overrides.task, override.input_line]
        with suppress(HydraException, OmegaConfBaseException, ValueError):
            config = hydra_compose(command, overrides=chosen, return_hydra_config=True)
    options = {group: loader.get_group_options(group.partition("@")[0]) for group in _groups_of(config)}
    return list(_keys(config)), options


def _keys(config: DictConfig, prefix: str = "") -> Iterator[str]:
    for name in map(str, config):
        if not prefix and name in ("hydra", *WIRING):
            continue
        yield f"{prefix}{name}"
        child = config._get_node(name)
        if isinstance(child, DictConfig) and not child._is_none() and not child._is_interpolation():
            yield from _keys(child, f"{prefix}{name}.")


def _refuse_loose_keys(parsed: Sequence[Override], config: DictConfig) -> None:
    """`+key` may only reach a node with a `_target_`, whose signature is checked later."""
    for override in parsed:
        if not override.is_add() or override.key_or_group in ("experiment",):
            continue
        path = override.key_or_group
        parent = OmegaConf.select(config, path.rpartition(".")[0]) if "." in path else None
        if not (isinstance(parent, DictConfig) and "_target_" in parent):
            valid = [key for key in _keys(config) if key != path and not key.startswith(f"{path}.")]
            raise ConfigError(f"there is no key {path}{suggestion(path, valid)}")


@contextmanager
def _hydra() -> Iterator[None]:
    with initialize_config_dir(str(conf_dir()), version_base="1.3"):
        yield


def _checked_folder(config_dir: Path) -> str:
    if not config_dir.is_dir():
        raise ConfigError(f"--config-dir names no folder: {config_dir}")
    return f"'file://{config_dir.resolve()}'"
